"""How hard a model finds each row: how often it failed at the case of the same id in an evaluation."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from punie import __version__
from punie.curriculum.measure import Figure, Measure, Unscored
from punie.data.source import SourceRow
from punie.errors import DataError
from punie.evaluation.outcomes import EvaluationRun, Trial
from punie.evaluation.runs import read_run


def failure_measure(folder: Path) -> Measure:
    """The share of a case's trials that were not right, 0 to 1, from a finished run.

    Trials that our own harness could not judge are left out. Raises UsageError where there is no run, DataError where
    two of its suites have a case of the same id.
    """
    run = read_run(folder)
    trials = _by_id(run, folder)

    def figure(row: SourceRow) -> Figure:
        id = row.row.get("id")
        if not isinstance(id, str):
            return Unscored("no id in the row")
        if id not in trials:
            return Unscored("not asked in the run")
        counted = [trial for trial in trials[id] if trial.counted]
        if not counted:
            return Unscored("not judged in the run", trials[id][0].reason)
        return sum(not trial.right for trial in counted) / len(counted)

    identity = run.record.identity
    made_with = {
        **{"punie": __version__, "run": str(folder), "samples": str(run.record.samples)},
        **{"model": identity.model, "model_hash": identity.model_hash, "adapter_hash": identity.adapter_hash or ""},
        **{f"suite {suite.name}": suite.hash for suite in run.record.suites},
    }
    return Measure("failure_rate", made_with, figure)


def _by_id(run: EvaluationRun, folder: Path) -> dict[str, list[Trial]]:
    trials, suites = defaultdict[str, list[Trial]](list), dict[str, str]()
    for trial in run.trials:
        if suites.setdefault(trial.case.id, trial.suite) != trial.suite:
            raise DataError(
                f"Two suites of this run have a case {trial.case.id!r}, so a row of that id is one of two.",
                where=str(folder),
                hint="Take a run of one suite.",
            )
        trials[trial.case.id].append(trial)
    return trials
