"""The evaluation folder: `run.json` and `samples.jsonl`, while it grows and once it is finished.

While a run is unfinished it lies in `.NAME.partial` beside its place, with `started.json` saying under which conditions
its answers were given; it takes its name at the end. An answer is written down when it comes, and its trial when it is
judged, so a run that is killed asks nothing twice. A finished run can be judged again from its folder alone.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from punie.errors import CapacityError, DataError, UsageError
from punie.evaluation.asking import judged_again
from punie.evaluation.outcomes import FORMAT, Answer, EvaluationRun, RunRecord, Trial, TrialKey
from punie.evaluation.scorers import choose_code_execution
from punie.evaluation.suite import Case, hash_cases
from punie.files import (
    append_jsonl,
    make_folder,
    open_to_append,
    read_json,
    read_jsonl,
    whole_lines,
    write_json,
    write_jsonl,
)

RECORD, SAMPLES, STARTED, _ANSWERS = "run.json", "samples.jsonl", "started.json", "answers.jsonl"

_Model = TypeVar("_Model", bound=BaseModel)


def read_run(folder: Path) -> EvaluationRun:
    """Read a finished run. Raises UsageError where there is none, DataError where it is broken or not complete."""
    if not (folder / RECORD).is_file():
        raise UsageError("This is no evaluation folder: it has no run.json.", where=str(folder))
    record = _read_record(folder / RECORD)
    samples = folder / SAMPLES
    trials = tuple(_validated(Trial, row, f"{samples}:{number}") for number, row in read_jsonl(samples))
    _require_complete(record, trials, str(samples))
    return EvaluationRun(record, trials)


def _read_record(path: Path) -> RunRecord:
    row = read_json(path)
    if row.get("format") != FORMAT:
        raise DataError(
            f"This run has format {row.get('format')}; this version of Punie reads format {FORMAT}.",
            where=str(path),
            hint="Evaluate again, or read it with the version that wrote it.",
        )
    return _validated(RunRecord, row, str(path))


def _require_complete(record: RunRecord, trials: Sequence[Trial], where: str) -> None:
    """Every case of every suite, as often as it was to be asked, in order, and nothing else. Raises DataError."""
    cases: dict[tuple[str, int], list[Case]] = defaultdict(list)
    for trial in trials:
        cases[trial.suite, trial.sample].append(trial.case)
    for suite in record.suites:
        for sample in range(record.samples):
            found = cases.pop((suite.name, sample), [])
            if hash_cases(found) != suite.hash:
                what = f"The {len(found)} cases are not those of suite {suite.name!r}, or not all of them."
                raise DataError(what, where=where)
    if cases:
        raise DataError("There are trials that this run did not ask for.", where=where)


@dataclass(frozen=True, slots=True)
class Difference:
    """A judgement that came out otherwise than the stored one: `scored 1`, `scored 0 (wrong result)`, `unscored`..."""

    case: str
    sample: int
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
        trials = tuple(pool.map(lambda trial: judged_again(trial, code_execution), run.trials))
    pairs = zip(run.trials, trials, strict=True)
    differences = [Difference(old.case.id, old.sample, _verdict(old), _verdict(new)) for old, new in pairs]
    record = run.record.model_copy(update={"code_execution": code_execution})
    return Rescored(
        run=EvaluationRun(record, trials),
        differences=tuple(difference for difference in differences if difference.stored != difference.now),
    )


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
        self.trials: dict[TrialKey, Trial] = {}
        self.answers: dict[TrialKey, list[Answer]] = defaultdict(list)
        """What has come of each trial, turn by turn."""
        self.fresh: list[Answer] = []
        """What has come since this start."""
        self._samples = open_to_append(self.folder / SAMPLES)
        self._answers = (self.folder / _ANSWERS).open("ab")
        self._conditions: Mapping[str, Any] | None = None
        self._total = 0
        self._earlier = 0.0
        self._began = time.monotonic()

    def __enter__(self) -> PartialRun:
        return self

    def __exit__(self, *_: object) -> None:
        # On a full disk closing and noting fail once more; that was told when it first did.
        with suppress(OSError):
            self._samples.close()
        with suppress(OSError):
            self._answers.close()
        if self._conditions is not None and self.folder.is_dir():
            with suppress(CapacityError):
                self._note_start(self._conditions)

    @property
    def log(self) -> Path:
        """Where the model server writes."""
        return self.folder / "server.log"

    @property
    def seconds(self) -> float:
        """Time since `resume`, and that of earlier starts which were not killed."""
        return self._earlier + time.monotonic() - self._began

    def resume(self, conditions: Mapping[str, Any], trials: int = 0) -> None:
        """Take over the answers of an earlier start, and note how many `trials` there will be, where that is known.

        Raises UsageError where they were given under other conditions.
        """
        started = self.folder / STARTED
        self._total = trials
        earlier = read_json(started) if started.is_file() else {"conditions": conditions, "seconds": 0.0}
        self._refuse_other(earlier["conditions"], conditions)
        self._earlier = earlier["seconds"]
        self._take_over()
        self._conditions = conditions
        self._began = time.monotonic()
        self._note_start(conditions)

    def receive(self, key: TrialKey, answer: Answer) -> None:
        """Keep the answer to the next turn of a trial. Raises CapacityError where the disk is full."""
        suite, case, sample = key
        row = {"suite": suite, "case": case, "sample": sample, "answer": answer.model_dump(mode="json")}
        append_jsonl(self._answers, row)
        self.answers[key].append(answer)
        self.fresh.append(answer)

    def add(self, trial: Trial) -> None:
        """Keep a judged trial. Raises CapacityError where the disk is full."""
        append_jsonl(self._samples, trial.model_dump(mode="json"))
        self.trials[trial.key] = trial

    def finish(self, record: RunRecord, order: Iterable[TrialKey]) -> EvaluationRun:
        """Put the trials in order, write the record, and give the folder its name."""
        trials = tuple(self.trials[key] for key in order)
        write_jsonl(self.folder / SAMPLES, (trial.model_dump(mode="json") for trial in trials))
        write_json(self.folder / RECORD, record.model_dump(mode="json"))
        for name in (STARTED, _ANSWERS):
            (self.folder / name).unlink()
        refuse_existing(self.output)
        self.folder.rename(self.output)
        return EvaluationRun(record, trials)

    def _refuse_other(self, earlier: Mapping[str, Any], conditions: Mapping[str, Any]) -> None:
        unlike = [name for name in conditions if earlier.get(name) != conditions[name]]
        if unlike:
            raise UsageError(
                f"The answers of the unfinished run were given under other conditions: {', '.join(unlike)} differ.",
                where=str(self.folder),
                hint="Finish it with the same command as before, name another --output, or delete the folder.",
            )

    def _take_over(self) -> None:
        for where, row in whole_lines(self._samples):
            trial = _validated(Trial, row, where)
            self.trials[trial.key] = trial
        for where, row in whole_lines(self._answers):
            answer = _validated(Answer, row["answer"], where)
            self.answers[row["suite"], row["case"], row["sample"]].append(answer)

    def _note_start(self, conditions: Mapping[str, Any]) -> None:
        note = {"conditions": dict(conditions), "seconds": self.seconds, "trials": self._total}
        write_json(self.folder / STARTED, note)


def _validated(model: type[_Model], row: Mapping[str, Any], where: str) -> _Model:
    try:
        return model.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DataError(f"Not what Punie writes: {first['msg']}.", where=f"{where}, key {key or '(top)'}") from error
