"""Whether an adapter was taught what the suite asks: its training rows, held against the cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from punie.data.source import open_source
from punie.errors import PunieError, UsageError
from punie.evaluation.outcomes import EvaluationRun
from punie.evaluation.taught import TAUGHT, Taught, taught_cases
from punie.files import hash_files
from punie.training.adapter import read_adapter
from punie.training.outcome import TrainingOutcome, read_outcome


@dataclass(frozen=True, slots=True)
class Teaching:
    """What was found in the training data of a run's adapter. `unchecked` says why nobody looked, or is empty."""

    run: str
    rows: int
    cases: Mapping[str, str]
    """Cases that were taught, by id, each with the rule that says so."""
    unchecked: str = ""

    @property
    def sentence(self) -> str:
        """A caution, or nothing where the data were looked through and hold none of the cases."""
        if self.unchecked:
            return f"Whether the adapter of {self.run} was taught these cases was not checked: {self.unchecked}."
        if not self.cases:
            return ""
        some = ", ".join(list(self.cases)[:3])
        more = ", ..." if len(self.cases) > 3 else ""
        return (
            f"The training data of {self.run} repeat {len(self.cases)} of the cases, whole or nearly ({some}{more}): "
            "there, a right answer can be memory. punie dataset decontaminate shows such rows and takes them out."
        )


def find_taught(run: EvaluationRun) -> Teaching | None:
    """Look for the run's cases in what its adapter learned from; None for a run without an adapter.

    The rules are those of `punie dataset decontaminate`. Only the very files that were learned from are looked at.
    """
    name, adapter = run.record.name, run.record.identity.adapter
    if adapter is None:
        return None
    try:
        outcome = _outcome(Path(adapter), run)
        found = _taught(run, Path(outcome.data), outcome.data_hash)
    except PunieError as error:
        return Teaching(name, 0, {}, f"{error.what.rstrip('.')} ({error.where})")
    return Teaching(name, found.rows, found.cases)


def _outcome(folder: Path, run: EvaluationRun) -> TrainingOutcome:
    outcome = read_outcome(folder)
    if read_adapter(folder).hash != run.record.identity.adapter_hash:
        raise UsageError("This is not the adapter of the run any more.", where=str(folder))
    return outcome


def _taught(run: EvaluationRun, data: Path, data_hash: str) -> Taught:
    source = open_source(data)
    files = [source.splits[split] for split in TAUGHT if split in source.splits]
    if f"sha256:{hash_files(files)}" != data_hash:
        raise UsageError("These are not the rows that it learned from any more.", where=str(data))
    return taught_cases(source, {trial.case.id: trial.case for trial in run.trials}.values())
