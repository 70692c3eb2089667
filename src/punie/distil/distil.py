"""`punie dataset distil`: tasks in, verified rows out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from punie.data.compare.evidence import Evidence, Tasks
from punie.data.compare.items import Benchmark
from punie.data.dataset import Manifest
from punie.data.ledger import SUSPECTS, Removal
from punie.data.writer import DatasetWriter
from punie.distil.answers import AnswerFile
from punie.distil.budget import Budget, Purse
from punie.distil.choice import Keep
from punie.distil.rows import asked_messages
from punie.distil.tasks import Task
from punie.distil.teacher import BUDGET, Asking, Question, Teacher, open_teacher
from punie.distil.verdicts import NO_ANSWER, Jury, Place, Verdict, condemned_tasks, judge_answers
from punie.errors import InterruptedRun, ServerError, UsageError
from punie.evaluation.expectations import CodeExpectation
from punie.evaluation.outcomes import Trial
from punie.evaluation.scorers import CodeExecution, choose_code_execution
from punie.evaluation.selfcheck import ensure_sound
from punie.evaluation.suite import Suite, case_row, hash_cases
from punie.files import hash_value
from punie.serving.arms import LocalModel
from punie.serving.completion import Sampling
from punie.serving.endpoint import Endpoint
from punie.workspace import is_embedded

NOT_ASKED = "not asked"

OnAnswer = Callable[[int, int], None]
"""How many questions have ended, and how many there are."""
OnStage = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """A distillation as it is asked for. Raises UsageError where options contradict each other."""

    teacher: Teacher
    label: str
    """What the rows and the manifest call the teacher."""
    tasks: tuple[Task, ...]
    output: Path
    answers: Path
    """The file of answers. What it has cost so far is part of the budget."""
    sampling: Sampling
    samples: int
    keep: Keep
    width: int
    budget: Budget
    teacher_system: str = ""
    """Told to the teacher alone; no row has it."""
    against: tuple[Benchmark, ...] = ()
    unsafe_no_sandbox: bool = False

    def __post_init__(self) -> None:
        if self.sampling.temperature == 0 and self.samples > 1:
            what = f"At temperature 0, {self.samples} samples are one answer {self.samples} times."
            raise UsageError(what, hint="Give --temperature, or --samples 1.")
        if self.sampling.temperature == 0 and self.sampling.top_p != 1:
            raise UsageError("top-p does nothing at temperature 0.", hint="Give a temperature, or leave top-p out.")

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(
            Question(task.case.id, sample, asked_messages(task.case, self.teacher_system), task.case.tools)
            for task in self.tasks
            for sample in range(self.samples)
        )


@dataclass(frozen=True, slots=True)
class Distillation:
    """What was written; what the file of answers has cost so far; how many of those questions may be paid twice."""

    manifest: Manifest
    solved: int
    """Tasks with a row."""
    missing: Mapping[str, int]
    """Questions without an answer, by reason."""
    unsettled: int
    """Questions that were under way when an earlier command was killed."""


async def distil(
    options: Options, *, on_answer: OnAnswer = lambda done, total: None, on_stage: OnStage = lambda name: None
) -> Distillation:
    """Ask, verify, choose and write. The same command goes on where an interrupted one stopped.

    Raises UsageError for a broken task, SandboxError where code could not be jailed, ServerError where the teacher does
    not work, InterruptedRun when cancelled, DataError where no answer is right. The answers that came are kept.
    """
    writer = DatasetWriter(options.output, recipe={"command": "distil"})
    on_stage("checking the tasks")
    execution = await asyncio.to_thread(_checked, options)
    exams = Tasks([item for benchmark in options.against for item in benchmark.items])
    condemned = condemned_tasks(options.tasks, exams)
    with AnswerFile(options.answers) as file:
        on_stage("asking")
        asking, purse = await _ask(options, file, condemned, on_answer)
        on_stage("verifying")
        trials = await asyncio.to_thread(judge_answers, options.tasks, asking.received, execution)
        writer.recipe.update(_recipe(options, asking, purse, execution))
        jury = Jury(options.answers, options.keep, exams, options.label)
        with writer:
            verdicts = dict(_verdicts(options, jury, asking, trials, condemned))
            _write(writer, verdicts)
    assert writer.manifest is not None
    solved = len({task for (task, _), verdict in verdicts.items() if verdict.kept})
    return Distillation(writer.manifest, solved, Counter(asking.missing.values()), file.unsettled)


def _checked(options: Options) -> CodeExecution:
    """References are judged before anybody is asked; a task of code without one is believed."""
    cases = tuple(task.case for task in options.tasks)
    ours = isinstance(options.teacher, LocalModel) and is_embedded(options.teacher.model)
    execution = choose_code_execution(cases, unsafe=options.unsafe_no_sandbox, ours=ours)
    known = tuple(case for case in cases if not isinstance(case.expect, CodeExpectation) or case.expect.solution)
    if known:
        ensure_sound(Suite(name="tasks", cases=known), execution)
    return execution


async def _ask(
    options: Options, file: AnswerFile, condemned: Mapping[str, Evidence], on_answer: OnAnswer
) -> tuple[Asking, Purse]:
    """Everything but tasks of an exam. Raises ServerError or InterruptedRun, saying what is kept."""
    purse = Purse(options.budget, file.spent, file.requests)
    questions = [question for question in options.questions if question.task not in condemned]
    ended = count(1)

    def send() -> None:
        purse.send()
        file.send()

    def report() -> None:
        on_answer(next(ended), len(questions))

    log = options.answers.with_suffix(".server.log")
    try:
        async with open_teacher(options.teacher, width=options.width, log=log, on_send=send) as opened:
            asking = Asking(opened, file, purse, options.sampling, width=options.width, on_end=report)
            await asking.ask(questions)
            return asking, purse
    except ServerError as error:
        kept = f"{len(file.received)} answers are kept; the same command goes on."
        raise type(error)(f"{error.what} {kept}", where=error.where or str(file.path), hint=error.hint) from error
    except asyncio.CancelledError as error:
        what = "Stopped. The answers so far are kept; questions under way may be paid for once more."
        raise InterruptedRun(what, where=str(file.path), hint="The same command goes on.") from error


def _verdicts(
    options: Options,
    jury: Jury,
    asking: Asking,
    trials: Mapping[Place, Trial],
    condemned: Mapping[str, Evidence],
) -> Iterator[tuple[Place, Verdict]]:
    """One for every question, task after task."""
    for task in options.tasks:
        places = [(task.case.id, sample) for sample in range(options.samples)]
        answered = {place[1]: asking.received[place] for place in places if place in asking.received}
        settled = jury.settle(task, answered, {sample: trials[task.case.id, sample] for sample in answered})
        for place in places:
            why = asking.missing.get(place, "")
            yield place, settled.get(place[1]) or _unanswered(task, condemned.get(task.case.id), why)


def _unanswered(task: Task, evidence: Evidence | None, why: str) -> Verdict:
    digest = hash_value(case_row(task.case))
    if evidence is not None:
        reason = evidence.rule, evidence.to_value(), evidence.threshold
    else:
        reason = NOT_ASKED if why == BUDGET else NO_ANSWER, why, "an answer"
    return Verdict(Removal(task.file, task.number, digest, *reason), b"", False)


def _write(writer: DatasetWriter, verdicts: Mapping[Place, Verdict]) -> None:
    for verdict in verdicts.values():
        if not verdict.kept:
            writer.remove(verdict.removal)
            continue
        writer.write("train", verdict.row)
        if verdict.removal.rule:
            writer.file(SUSPECTS).write(msgspec.json.encode(verdict.removal.to_row()) + b"\n")
    writer.rows_in = len(verdicts)


def _recipe(options: Options, asking: Asking, purse: Purse, execution: CodeExecution) -> dict[str, Any]:
    cost = {"requests": purse.requests, **asdict(purse.spent), "money": purse.budget.cost(purse.spent)}
    return {
        "teacher": options.label,
        "served by": options.teacher.base_url if isinstance(options.teacher, Endpoint) else "self",
        "answered by": sorted({found.by for found in asking.received.values()}),
        "tasks": {"count": len(options.tasks), "hash": hash_cases(task.case for task in options.tasks)},
        "samples": options.samples,
        "keep": options.keep,
        "sampling": options.sampling.request(),
        "teacher system": options.teacher_system,
        "against": {found.name: hash_value([asdict(item) for item in found.items]) for found in options.against},
        "sandbox": execution,
        "spent": cost,
    }
