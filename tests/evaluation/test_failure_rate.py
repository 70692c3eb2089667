"""How often a model failed at a row, from an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from punie.curriculum.measure import Figure, Unscored
from punie.data.source import SourceRow
from punie.errors import DataError, UsageError
from punie.evaluation.failure_rate import failure_measure
from punie.evaluation.measurements import measure
from punie.evaluation.outcomes import AskedSuite, Outcome, RunRecord, SelfCheck, Trial
from punie.evaluation.runs import PartialRun
from punie.evaluation.suite import Suite, hash_cases
from punie.serving.identity import Identity

RIGHT: dict[str, Any] = {"outcome": Outcome.SCORED, "value": 1.0, "reason": ""}
WRONG: dict[str, Any] = {"outcome": Outcome.SCORED, "value": 0.0, "reason": "wrong result", "failure": "wrong result"}
FAILED: dict[str, Any] = {"outcome": Outcome.FAILED, "value": None, "reason": "no code", "failure": "no code"}
BROKEN: dict[str, Any] = {"outcome": Outcome.UNSCORED, "value": None, "reason": "the jail broke"}
OUTCOMES = {
    "read": [RIGHT, RIGHT],
    "both": [RIGHT, WRONG],
    "add": [FAILED, WRONG],
    "halve": [BROKEN, WRONG],
    "sum": [BROKEN, BROKEN],
    "million": [RIGHT, BROKEN],
}


def asked(suite: Suite, name: str) -> AskedSuite:
    check = SelfCheck(references=6, known_bad=26)
    return AskedSuite(name=name, hash=hash_cases(suite.cases), cases=6, max_tokens=48, self_check=check)


def write_run(folder: Path, suite: Suite, names: tuple[str, ...] = ("six",)) -> Path:
    identity = Identity(
        **{"model": "tiny", "model_hash": "sha256:1", "adapter": None, "adapter_hash": None},
        **{"tokenizer_hash": "sha256:2", "template_hash": "sha256:3", "base_probes": ()},
    )
    record = RunRecord(
        **{"name": "run", "created": "2026-01-01T00:00:00+00:00", "suites": [asked(suite, name) for name in names]},
        **{"samples": 2, "identity": identity, "temperature": 1.0, "top_p": 1.0, "concurrency": 1},
        **{"code_execution": "jail", "seconds": 1.0, "measurements": measure((), (), 1.0, None), "versions": {}},
    )
    with PartialRun(folder) as partial:
        partial.resume({})
        for name in names:
            for case in suite.cases:
                for sample, outcome in enumerate(OUTCOMES[case.id]):
                    partial.add(Trial(suite=name, case=case, sample=sample, answer=None, **outcome))
        partial.finish(record, list(partial.trials))
    return folder


def figure(folder: Path, row: dict[str, Any]) -> Figure:
    return failure_measure(folder).figure(SourceRow("train", Path("rows.jsonl"), 1, b"", row))


def test_it_is_the_share_of_trials_that_were_not_right(suite: Suite, tmp_path: Path) -> None:
    """An answer that cannot be judged is not right; a trial that our own harness broke does not count."""
    run = write_run(tmp_path / "run", suite)
    expected = {"read": 0.0, "both": 0.5, "add": 1.0, "halve": 1.0, "million": 0.0}
    assert {id: figure(run, {"id": id}) for id in expected} == expected


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"id": "sum"}, Unscored("not judged in the run", "the jail broke")),
        ({"id": "other"}, Unscored("not asked in the run")),
        ({"id": 3}, Unscored("no id in the row")),
        ({}, Unscored("no id in the row")),
    ],
)
def test_a_row_the_run_says_nothing_about_has_no_figure(
    suite: Suite, tmp_path: Path, row: dict[str, Any], why: Unscored
) -> None:
    """And a reason."""
    assert figure(write_run(tmp_path / "run", suite), row) == why


def test_an_id_of_two_suites_is_refused(suite: Suite, tmp_path: Path) -> None:
    """Nobody could say which case a row is; and a folder without a run is none."""
    with pytest.raises(DataError, match="Two suites of this run have a case 'read'"):
        failure_measure(write_run(tmp_path / "run", suite, ("six", "again")))
    with pytest.raises(UsageError, match="no evaluation folder"):
        failure_measure(tmp_path)


def test_it_says_who_failed(suite: Suite, tmp_path: Path) -> None:
    """Model, adapter and suite by their hashes."""
    made_with = failure_measure(write_run(tmp_path / "run", suite)).made_with
    assert (made_with["model_hash"], made_with["suite six"]) == ("sha256:1", suite.hash)
