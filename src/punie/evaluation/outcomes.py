"""What came of asking: scores, trials and the record of a whole run.

Three outcomes are kept apart. A trial is *scored* when an answer was judged (right or wrong), *failed* when the model
gave no answer that could be judged, *unscored* when our own harness broke. Failed counts as not right; unscored leaves
the denominator, and is counted and shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import Field

from punie.evaluation.expectations import Record
from punie.evaluation.suite import Case, Published
from punie.serving.identity import Identity

FORMAT: Literal[2] = 2


class Outcome(StrEnum):
    SCORED = "scored"
    FAILED = "failed"
    UNSCORED = "unscored"


class Answer(Record):
    """What the model wrote: `text` is raw, with the tool-call tags. Times in seconds, sizes in tokens."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    cached: str | None = None
    """When it was given, where it was read back from the cache instead of asked for."""
    server: str | None = None
    """The address of the server that gave it, where several were asked."""


class Trial(Record):
    """One line of `samples.jsonl`: the case as asked, the answer as given, the judgement with its reason.

    A case is asked `samples` times in a run; `sample` counts them from 0. `answer` is the one that was judged;
    `earlier` holds those of the turns before it.
    """

    suite: str = ""
    case: Case
    sample: int = 0
    earlier: tuple[Answer, ...] = ()
    answer: Answer | None
    outcome: Outcome
    value: float | None
    reason: str
    failure: str = ""
    partial: float | None = None
    """The share of what was asked that is right (0..1), where that can be told; it never makes an answer right."""
    weak: bool = False
    """Whether it was judged by its words only."""
    measurements: dict[str, float] = Field(default_factory=dict)
    printed: str = ""
    """What judged code wrote to standard output and error: its first and last kB. Older runs have none."""

    @property
    def key(self) -> TrialKey:
        return self.suite, self.case.id, self.sample

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Every answer of the trial, turn by turn."""
        return self.earlier if self.answer is None else (*self.earlier, self.answer)

    @property
    def right(self) -> bool:
        return self.outcome is Outcome.SCORED and self.value == 1.0

    @property
    def counted(self) -> bool:
        """Whether the trial is in the denominator."""
        return self.outcome is not Outcome.UNSCORED


TrialKey = tuple[str, str, int]
"""Suite, case id, sample."""


class SelfCheck(Record):
    """How many reference answers scored 1 and known-bad answers scored 0, before a model was asked."""

    references: int
    known_bad: int


class AskedSuite(Record):
    """A suite of a run: the cases that were asked of it, by hash, and how its graders did before."""

    name: str
    hash: str
    cases: int
    half: Literal["dev", "test", "both"] = "test"
    """Dev cases are for choosing, test cases for reporting."""
    max_tokens: int
    self_check: SelfCheck
    published: Published | None = None
    """What others measured, as the suite has it."""


class Measurements(Record):
    """What the asking cost. Seconds, tokens, bytes; None where nothing was asked, or it could not be measured.

    Latency and speed are those of the answers that were asked for, not of cached ones; latency includes waiting for a
    place in the server's batch. `tokens_per_second` counts what was written, over all requests under way at once.
    """

    asked: int
    cached: int
    latency_p50: float | None
    latency_p95: float | None
    tokens_per_second: float | None
    finish_reasons: dict[str, int]
    server_peak_memory: int | None


class AskedServer(Record):
    """One of several servers: how many answers it gave, and why it was asked no more, where it was lost."""

    base_url: str
    answers: int
    lost: str = ""


class DrawnSuite(Record):
    """How the answers to a suite were drawn, as the server of ours that drew them noted it: so many, in the session
    that ended the run.
    """

    suite: str
    answers: int
    temperature: float
    top_p: float
    max_tokens: int
    top_k: int
    min_p: float
    repetition_penalty: float


class RunRecord(Record):
    """`run.json`: everything but the trials. `format` is raised when the meaning of a field changes."""

    format: Literal[2] = FORMAT
    name: str
    created: str
    suites: tuple[AskedSuite, ...]
    samples: int
    identity: Identity
    temperature: float
    top_p: float
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 0.0
    drawn: tuple[DrawnSuite, ...] = ()
    """Empty where nobody noted it: somebody else's server, or answers that were all there before."""
    concurrency: int
    concurrency_rates: dict[int, float] = Field(default_factory=dict)
    """Tokens per second at each concurrency that was tried, where it was measured."""
    judge: str = ""
    """The model that judged rubrics, and where it is asked."""
    restarts: tuple[str, ...] = ()
    """Why the model server was started again while it was asked."""
    servers: tuple[AskedServer, ...] = ()
    """Where several were asked."""
    code_execution: Literal["jail", "unsafe child process", "off"]
    seconds: float
    measurements: Measurements
    versions: dict[str, str]

    @property
    def suite(self) -> str:
        """The names of its suites."""
        return " + ".join(suite.name for suite in self.suites)


@dataclass(frozen=True, slots=True)
class EvaluationRun:
    """A finished run: its record and its trials, suite by suite, case by case, sample by sample."""

    record: RunRecord
    trials: tuple[Trial, ...]

    def categories(self) -> tuple[str, ...]:
        """Category names in order of first appearance."""
        return tuple(dict.fromkeys(map(self.category, self.trials)))

    def category(self, trial: Trial) -> str:
        """The case's own; with the suite before it where there are several."""
        return trial.case.category if len(self.record.suites) == 1 else f"{trial.suite}: {trial.case.category}"

    def of(self, category: str) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if self.category(trial) == category)
