"""The evaluation folder: `run.json` and `samples.jsonl`, while it grows and once it is finished.

While a run is unfinished it lies in `.NAME.partial` beside its place, with `started.json` saying under which conditions
its answers were given; it takes its name at the end. A finished run can be judged again from its folder alone.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import BaseModel, ValidationError

from punie.errors import DataError, UsageError
from punie.evaluation.outcomes import EvaluationRun, RunRecord, Trial
from punie.evaluation.scorers import CodeExecution, choose_code_execution, judge
from punie.evaluation.suite import hash_cases
from punie.files import append_jsonl, make_folder, read_json, read_jsonl, write_json, write_jsonl

_RECORD, _SAMPLES, _STARTED = "run.json", "samples.jsonl", "started.json"

_Model = TypeVar("_Model", bound=BaseModel)


def read_run(folder: Path) -> EvaluationRun:
    """Read a finished run. Raises UsageError where there is none, DataError where it is broken or not complete."""
    if not (folder / _RECORD).is_file():
        raise UsageError("This is no evaluation folder: it has no run.json.", where=str(folder))
    record = _validated(RunRecord, read_json(folder / _RECORD), str(folder / _RECORD))
    samples = folder / _SAMPLES
    trials = tuple(_validated(Trial, row, f"{samples}:{number}") for number, row in read_jsonl(samples))
    if hash_cases(trial.case for trial in trials) != record.suite_hash:
        raise DataError(
            f"The {len(trials)} cases are not those of suite {record.suite!r}, or not all of them.", where=str(samples)
        )
    return EvaluationRun(record, trials)


@dataclass(frozen=True, slots=True)
class Difference:
    """A judgement that came out otherwise than the stored one: `scored 1`, `scored 0 (wrong result)`, `unscored`..."""

    case: str
    stored: str
    now: str


@dataclass(frozen=True, slots=True)
class Rescored:
    """The run with every judgement made anew, and where that changed anything."""

    run: EvaluationRun
    differences: tuple[Difference, ...]


def rescore(run: EvaluationRun, *, unsafe_no_sandbox: bool = False) -> Rescored:
    """Judge every stored answer again. Trials without an answer stay as they are.

    Raises SandboxError where there is code to run and no jail, as `punie.sandbox.jail.choose_execution` says.
    """
    cases = [trial.case for trial in run.trials if trial.answer is not None]
    code_execution = choose_code_execution(cases, unsafe=unsafe_no_sandbox)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        trials = tuple(pool.map(lambda trial: _judged_again(trial, code_execution), run.trials))
    pairs = zip(run.trials, trials, strict=True)
    differences = [Difference(old.case.id, _verdict(old), _verdict(new)) for old, new in pairs]
    record = run.record.model_copy(update={"code_execution": code_execution})
    return Rescored(
        run=EvaluationRun(record, trials),
        differences=tuple(difference for difference in differences if difference.stored != difference.now),
    )


def _judged_again(trial: Trial, code_execution: CodeExecution) -> Trial:
    return trial if trial.answer is None else judge(trial.case, trial.answer, code_execution)


def _verdict(trial: Trial) -> str:
    value = "" if trial.value is None else f" {trial.value:g}"
    return f"{trial.outcome}{value}" + (f" ({trial.failure})" if trial.failure else "")


def refuse_existing(output: Path) -> None:
    """Raises UsageError when something lies there already: no evaluation is ever written over."""
    if output.exists():
        raise UsageError("The output exists already.", where=str(output), hint="Name another one, or delete it.")


class PartialRun:
    """An unfinished run. Leaving the context keeps what is there; only `finish` gives the folder its name.

    Raises UsageError when the output exists, or another process is writing this run.
    """

    def __init__(self, output: Path) -> None:
        refuse_existing(output)
        self.output = output
        self.folder = make_folder(output.parent / f".{output.name}.partial")
        self.trials: dict[str, Trial] = {}
        """By case id."""
        self._samples = _open_locked(self.folder / _SAMPLES)
        self._conditions: Mapping[str, Any] | None = None
        self._earlier = 0.0
        self._began = time.monotonic()

    def __enter__(self) -> PartialRun:
        return self

    def __exit__(self, *_: object) -> None:
        self._samples.close()
        if self._conditions is not None and self.folder.is_dir():
            self._note_start(self._conditions)

    @property
    def log(self) -> Path:
        """Where the model server writes."""
        return self.folder / "server.log"

    @property
    def seconds(self) -> float:
        """Time since `resume`, and that of earlier starts which were not killed."""
        return self._earlier + time.monotonic() - self._began

    def resume(self, conditions: Mapping[str, Any]) -> None:
        """Take over the trials of an earlier start if they were made under the same conditions; or else drop them."""
        started = self.folder / _STARTED
        earlier = read_json(started) if started.is_file() else {}
        if earlier.get("conditions") == conditions:
            self._earlier = earlier["seconds"]
            self._take_over()
        else:
            self._samples.truncate(0)
        self._conditions = conditions
        self._began = time.monotonic()
        self._note_start(conditions)

    def add(self, trial: Trial) -> None:
        append_jsonl(self._samples, trial.model_dump(mode="json"))
        self.trials[trial.case.id] = trial

    def finish(self, record: RunRecord, order: Iterable[str]) -> EvaluationRun:
        """Put the trials into the order of their case ids, write the record, and give the folder its name."""
        trials = tuple(self.trials[case] for case in order)
        write_jsonl(self.folder / _SAMPLES, (trial.model_dump(mode="json") for trial in trials))
        write_json(self.folder / _RECORD, record.model_dump(mode="json"))
        (self.folder / _STARTED).unlink()
        refuse_existing(self.output)
        self.folder.rename(self.output)
        return EvaluationRun(record, trials)

    def _take_over(self) -> None:
        path = self.folder / _SAMPLES
        # A killed run may have left half a line at the end.
        self._samples.truncate(path.read_bytes().rfind(b"\n") + 1)
        for number, row in read_jsonl(path):
            trial = _validated(Trial, row, f"{path}:{number}")
            self.trials[trial.case.id] = trial

    def _note_start(self, conditions: Mapping[str, Any]) -> None:
        write_json(self.folder / _STARTED, {"conditions": dict(conditions), "seconds": self.seconds})


def _open_locked(path: Path) -> IO[bytes]:
    samples = path.open("ab")
    try:
        fcntl.flock(samples, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        samples.close()
        raise UsageError("Another process is writing this evaluation.", where=str(path.parent)) from error
    return samples


def _validated(model: type[_Model], row: Mapping[str, Any], where: str) -> _Model:
    try:
        return model.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DataError(f"Not what Punie writes: {first['msg']}.", where=f"{where}, key {key or '(top)'}") from error
