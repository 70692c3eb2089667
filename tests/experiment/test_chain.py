"""A chain carried out small: real rows, a real training, real models, one verdict."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from signals import Hit

from punie.evaluation.runs import read_run
from punie.files import hash_file

pytestmark = pytest.mark.slow

PATIENCE = 600.0
SUITE = {"name": "few", "max_tokens": 48, "draw": {"generator": "tiny", "seed": 1, "counts": {"reasoning": 4}}}
RECIPE: dict[str, Any] = {
    "kind": "chain",
    "name": "small",
    "sources": {"chats": {"download": "tiny", "count": 60}},
    "data": {"sources": [{"path": "chats"}]},
    "curriculum": {"measures": ["length"]},
    "train": {"iters": 4, "steps_per_eval": 4, "probes": False},
    "fuse": {},
    "quantize": {"bits": [8, 4]},
    "evaluate": {"suites": ["few.yaml"], "concurrency": 1},
    "compare": {"max_drop": 100},
}
MODELS = ["adapter", "fused", "8-bit", "4-bit"]
STEPS = ["evaluate base", "source chats", "data", "curriculum", "train", "fuse", "quantize"]
STEPS += [*(f"evaluate {model}" for model in MODELS), "compare"]
AFTER_TRAINING = STEPS[STEPS.index("train") + 1 :]
KILLS = [
    "os.rename data.json 1",  # Before the step has begun.
    "os.rename scored 1",  # Before the rows have their name.
    "os.rename train.json 2",  # After the adapter is there, before its record says so.
    "os.rename fuse.json 1",
    "os.rename started.json 2",  # Before the adapter is asked anything.
    "os.rename comparison 1",
]


def start(folder: Path, recipe: Mapping[str, Any], kill: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "few.yaml").write_text(yaml.safe_dump(SUITE))
    (folder / "small.yaml").write_text(yaml.safe_dump(dict(recipe)))
    command = [sys.executable, "-m", "punie", "experiment", "run", "small.yaml", "--output", "made", "--json"]
    environment = {**os.environ, **(Hit("experiment run", kill).environment if kill else {})}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE)


def done_now(finished: subprocess.CompletedProcess[str]) -> list[str]:
    assert finished.returncode == 0, finished.stderr
    return [step["step"] for step in json.loads(finished.stdout)["steps"] if step["done now"]]


def found(folder: Path) -> dict[str, Any]:
    """What an experiment came to, without its times."""
    runs = {name: read_run(folder / "evaluations" / name) for name in ("base", *MODELS)}
    return {
        "rows": hash_file(folder / "scored" / "train.jsonl"),
        "weights": hash_file(folder / "adapter" / "adapters.safetensors"),
        "fused": hash_file(folder / "fused" / "model.safetensors"),
        "answers": {name: [(t.case.id, t.answer and t.answer.text) for t in run.trials] for name, run in runs.items()},
        "statements": [one["statement"] for one in json.loads((folder / "report.json").read_text())["verdicts"]],
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an experiment that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert done_now(start(folder, RECIPE)) == STEPS
    return folder


def test_the_page_leads_to_the_page_of_every_step(whole: Path) -> None:
    """One page tells the verdict and every step, and each link on it leads to a page that is there."""
    page = (whole / "made/report.html").read_text()
    links = re.findall(r'href="([^"#]+)"', page)
    assert {"adapter/run/report.html", "comparison/comparison.html", "evaluations/4-bit/report.html"} <= set(links)
    assert all((whole / "made" / link).is_file() for link in links)
    assert all(f">{step}<" in page for step in STEPS)


def test_a_killed_chain_ends_as_if_nothing_had_happened(whole: Path, tmp_path: Path) -> None:
    """Killed between steps and inside them, the same command goes on, and comes to the same rows, weights, answers."""
    for kill in KILLS:
        assert start(tmp_path, RECIPE, kill).returncode == -signal.SIGKILL, kill
    assert done_now(start(tmp_path, RECIPE)) == ["compare"]
    assert found(tmp_path / "made") == found(whole / "made")
    assert not list((tmp_path / "made").rglob(".*.partial"))
    assert not (tmp_path / "made/earlier").exists()


def test_a_change_does_what_depends_on_it_again(whole: Path) -> None:
    """Each change of the recipe, one after the other, does exactly those steps again that can see it."""
    recipe = RECIPE
    changes: list[tuple[dict[str, Any], list[str]]] = [
        ({}, []),
        ({"compare": {"max_drop": 90}}, ["compare"]),
        ({"data": {"sources": [{"path": "chats", "weight": 1.0}], "seed": 5}}, ["data"]),
        ({"quantize": {"bits": [4]}}, ["quantize", "evaluate 4-bit", "compare"]),
        ({"train": {**RECIPE["train"], "iters": 5}}, ["train", *(s for s in AFTER_TRAINING if "8" not in s)]),
        ({"keep": "chosen"}, []),
    ]
    for change, steps in changes:
        recipe = {**recipe, **change}
        assert done_now(start(whole, recipe)) == steps, change
    assert [path.name for path in (whole / "made/quantized").glob("*-bit")] == ["4-bit"]
    assert not (whole / "made/fused").exists()
    assert done_now(start(whole, recipe)) == []
