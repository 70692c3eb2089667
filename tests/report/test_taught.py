from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from punie import fingerprint
from punie.evaluation.outcomes import EvaluationRun
from punie.files import hash_files, write_json, write_jsonl
from punie.report.compare import compare, with_teaching
from punie.report.html import render_comparison
from punie.report.record import comparison_record
from punie.report.taught import Teaching, find_taught
from punie.training.outcome import TrainingOutcome
from punie.training.selection import Selection

RunMaker = Callable[..., EvaluationRun]

TAUGHT = "Ann has 33 apples and buys 49 more. How many apples has she now?"


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter that learned one of the cases by heart, and what it was taught from."""
    data, folder = tmp_path / "data", tmp_path / "adapter"
    asked = [TAUGHT, "Tell me how a bicycle stays upright while it is rolling, please."]
    rows = [{"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "82"}]} for text in asked]
    write_jsonl(data / "train.jsonl", rows)
    write_json(folder / "adapter_config.json", {})
    (folder / "adapters.safetensors").write_bytes(b"weights")
    counts = ("iterations", "tokens", "trained_tokens", "peak_memory", "trainable_parameters", "total_parameters")
    outcome = TrainingOutcome(
        adapter_path=str(folder),
        adapter_hash=fingerprint.adapter(folder),
        model="tiny",
        model_hash="sha256:1",
        data=str(data),
        data_hash=f"sha256:{hash_files([data / 'train.jsonl'])}",
        stopped_early=False,
        selection=Selection(1, None, 1, "the last"),
        train_loss=1.0,
        first_valid_loss=None,
        valid_loss=None,
        seconds=1.0,
        estimated_memory=None,
        versions={},
        **dict.fromkeys(counts, 1),
    )
    write_json(folder / "run" / "outcome.json", json.loads(outcome.model_dump_json()))
    return folder


def run_with(run: EvaluationRun, adapter: Path | None) -> EvaluationRun:
    named = {"adapter": adapter and str(adapter), "adapter_hash": adapter and fingerprint.adapter(adapter)}
    identity = run.record.identity.model_copy(update=named)
    return replace(run, record=run.record.model_copy(update={"identity": identity}))


def test_a_case_in_the_training_data_is_named(run_of: RunMaker, adapter: Path) -> None:
    """The page names the case that was taught, first of all cautions."""
    base, tuned = run_of("a", {"reasoning": [False] * 4}), run_of("b", {"reasoning": [True] * 4})
    tuned = run_with(tuned, adapter)
    assert find_taught(tuned) == Teaching("b", 2, {"reasoning-002": "prompt"})
    found = with_teaching(compare(base, tuned), base, tuned)
    assert "repeat 1 of the cases, whole or nearly (reasoning-002)" in found.cautions[0]


def test_a_run_without_an_adapter_was_taught_nothing(run_of: RunMaker) -> None:
    """There is nothing to look through, and nothing is said."""
    assert find_taught(run_with(run_of("a", {"reasoning": [True]}), None)) is None


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("data/train.jsonl", "not the rows that it learned from"),
        ("adapter/adapters.safetensors", "not the adapter of the run"),
    ],
)
def test_what_has_changed_since_is_not_looked_at(
    tmp_path: Path, run_of: RunMaker, adapter: Path, file: str, why: str
) -> None:
    """Other rows or other weights say nothing about this run: the page says that nobody looked."""
    run = run_with(run_of("a", {"reasoning": [True]}), adapter)
    with (tmp_path / file).open("ab") as changed:
        changed.write(b"\n")
    found = find_taught(run)
    assert found is not None
    assert why in found.unchecked
    assert "was not checked" in found.sentence


def test_the_result_without_taught_cases_stands_beside_the_evidence(run_of: RunMaker, adapter: Path) -> None:
    """The page links each taught case, says by what rule it was found, and what is left of the change without them."""
    base, tuned = run_of("a", {"reasoning": [False] * 9}), run_with(run_of("b", {"reasoning": [True] * 9}), adapter)
    found = with_teaching(compare(base, tuned), base, tuned)
    assert found.untaught is not None
    assert (found.untaught.fixed, found.overall.fixed) == (8, 9)
    block = render_comparison(found).split('<section id="taught">')[1].split("</section>")[0]
    assert '<a href="#case-reasoning-002">reasoning-002</a></th><td>prompt</td><td>fixed</td>' in block
    assert "Without these cases: better; 8 of 8 right after, 0 of 8 before" in block
    assert comparison_record(found)["untaught"]["after"]["right"] == 8
