"""What an evaluation asks: the suites that were chosen, after each has been checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from punie.errors import UsageError
from punie.evaluation.asking import Question
from punie.evaluation.options import EvaluationOptions
from punie.evaluation.outcomes import SelfCheck, TrialKey
from punie.evaluation.scorers import CodeExecution, choose_code_execution
from punie.evaluation.selfcheck import ensure_sound
from punie.evaluation.suite import Half, Suite, load_suite
from punie.workspace import is_embedded


@dataclass(frozen=True, slots=True)
class Exam:
    """What is asked: suites that were checked, and how code in answers is run."""

    suites: tuple[Suite, ...]
    self_checks: tuple[SelfCheck, ...]
    execution: CodeExecution
    samples: int

    def questions(self, suite: Suite) -> list[Question]:
        return [Question(suite.name, case, sample) for case in suite.cases for sample in range(self.samples)]

    @property
    def order(self) -> list[TrialKey]:
        return [question.key for suite in self.suites for question in self.questions(suite)]


def choose_suites(options: EvaluationOptions) -> tuple[Suite, ...]:
    """In the half that is asked. Raises UsageError where two have one name: their trials could not be told apart."""
    given = [suite if isinstance(suite, Suite) else load_suite(suite) for suite in options.suites]
    suites = tuple(suite if options.half in ("all", half_of(suite)) else suite.of_half(options.half) for suite in given)
    if len({suite.name for suite in suites}) < len(suites):
        raise UsageError("Two of the suites have the same name.", hint="Give each of them once, under its own name.")
    return suites


def half_of(suite: Suite) -> Half | Literal["both"]:
    halves = {case.half for case in suite.cases}
    return halves.pop() if len(halves) == 1 else "both"


def check_suites(options: EvaluationOptions, suites: tuple[Suite, ...]) -> Exam:
    """Raises UsageError where a grader is broken, SandboxError where code could not be jailed."""
    cases = [case for suite in suites for case in suite.cases]
    ours = options.model is not None and is_embedded(options.model)
    execution = choose_code_execution(cases, unsafe=options.unsafe_no_sandbox, ours=ours)
    checks = tuple(ensure_sound(suite, execution) for suite in suites)
    return Exam(suites, checks, execution, options.samples)
