"""A suite is checked before any model: reference answers must be right, known-bad answers wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from punie.errors import PunieError, UsageError
from punie.evaluation.code_scorer import CodeRunner
from punie.evaluation.equality import same_argument
from punie.evaluation.expectations import CodeExpectation
from punie.evaluation.known_bad import bad_answers, own_bad_answers
from punie.evaluation.outcomes import SelfCheck
from punie.evaluation.score import Score
from punie.evaluation.scorers import CodeExecution, runner_of, score_answer
from punie.evaluation.suite import Case, Suite, reference_answer
from punie.files import hash_files, hash_value, write_json
from punie.sandbox.judge import CallResult, Ran
from punie.workspace import cache_folder

_STUB = "function"


def ensure_sound(suite: Suite, code_execution: CodeExecution) -> SelfCheck:
    """As `check_suite`, unless the same cases have passed before, under the same graders and the same sandbox."""
    path = cache_folder() / "checked-suites" / f"{_key(suite, code_execution)}.json"
    if (passed := _passed(path)) is not None:
        return passed
    check = check_suite(suite, code_execution)
    with suppress(PunieError, OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, check.model_dump())
    return check


def check_suite(suite: Suite, code_execution: CodeExecution) -> SelfCheck:
    """Judge every case's reference answer and known-bad answers. What another model would judge is left out.

    Raises UsageError naming the first case whose grader is broken.
    """
    for case in suite.cases:
        _check_written(case)
    steps = [step for case in suite.cases for step in _steps(case) if step.expect.kind != "judge"]
    runner = runner_of(code_execution)
    replaying = _replaying(runner)
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(partial(_check_reference, runner), steps))
            known_bad = sum(pool.map(partial(_check_known_bad, replaying), steps))
    except UsageError as error:
        raise UsageError(error.what, where=f"suite {suite.name}", hint=error.hint) from error
    return SelfCheck(references=len(steps), known_bad=known_bad)


def _passed(path: Path) -> SelfCheck | None:
    with suppress(OSError, ValidationError):
        return SelfCheck.model_validate_json(path.read_bytes())
    return None


def _key(suite: Suite, code_execution: CodeExecution) -> str:
    """Of everything that a check depends on, the source of what judges included: there is no version to forget."""
    cases = [case.model_dump(mode="json") for case in suite.cases]
    return hash_value([cases, code_execution, sys.version, _graders()])


@cache
def _graders() -> str:
    package = Path(str(files("punie")))
    return hash_files(sorted([*package.glob("*.py"), *package.glob("evaluation/*.py"), *package.glob("sandbox/*.py")]))


def _steps(case: Case) -> Iterator[Case]:
    """The last answer of a case, and each turn before it, as a case of its own."""
    for turn in case.turns:
        yield case.model_copy(update={"expect": turn.expect, "turns": (), "reference": None, "known_bad": ()})
    yield case


def _check_written(case: Case) -> None:
    """What is written to samples.jsonl must be what was asked: no NaN, no dates, no numbers as keys."""
    written = msgspec.json.decode(msgspec.json.encode(case.model_dump(mode="json")))
    if not same_argument(case.model_dump(), written):
        raise UsageError(f"Case {case.id!r} holds a value that JSON cannot keep.", hint="Use JSON values only.")


def _check_reference(runner: CodeRunner, case: Case) -> None:
    reference = reference_answer(case)
    if not reference:
        raise _broken(case, "it has no reference answer, and none can be derived; give it under reference")
    score = _score(case, reference, runner)
    if not score.right:
        raise _broken(case, f"its reference answer scores 0 ({score.failure}: {score.reason})")


def _check_known_bad(runner: CodeRunner, case: Case) -> int:
    """How many there are."""
    shared = _sharing_programs(case)
    entry_point = shared.expect.entry_point if isinstance(shared.expect, CodeExpectation) else None
    answers = [(case, name, text) for name, text in own_bad_answers(case)]
    answers += [(shared, name, text) for name, text in bad_answers(case, entry_point)]
    for asked, name, text in answers:
        if _score(asked, text, runner).right:
            raise _broken(case, f"{name} counts as right")
    return len(answers)


def _score(case: Case, text: str, runner: CodeRunner) -> Score:
    try:
        return score_answer(case, text, "stop", runner)
    except ValueError as error:
        raise _broken(case, str(error)) from error


def _sharing_programs(case: Case) -> Case:
    """The bad programs look at no argument and no case: under one name they are the same programs for every case."""
    if not isinstance(case.expect, CodeExpectation) or not case.expect.tests:
        return case
    return case.model_copy(update={"expect": case.expect.model_copy(update={"entry_point": _STUB, "preamble": ""})})


def _replaying(runner: CodeRunner) -> CodeRunner:
    """Each program runs once for each number of tests, and what came out is judged against every case: hundreds of
    cases cost three children, not hundreds.
    """
    seen: dict[tuple[str, int], Ran[CallResult]] = {}

    def replay(source: str, entry_point: str, argument_lists: Sequence[Sequence[Any]]) -> Ran[CallResult]:
        key = source, len(argument_lists)
        if key not in seen:
            seen[key] = runner.call(source, entry_point, argument_lists)
        return seen[key]

    return replace(runner, call=replay)


def _broken(case: Case, why: str) -> UsageError:
    return UsageError(
        f"The grader of case {case.id!r} is broken: {why}.", hint="Correct what the suite expects. No model was asked."
    )
