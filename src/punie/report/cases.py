"""One case as a page shows it: what was asked, what would be right, what was answered, what became of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from punie.conversation import Row
from punie.evaluation.expectations import CodeExpectation
from punie.evaluation.outcomes import Outcome, Trial
from punie.evaluation.suite import Case
from punie.files import hash_value
from punie.report.compare import Comparison
from punie.report.summary import Summary, failure

_BUCKETS = ("broken", "fixed", "still failing", "still right", "wrong", "failed", "right", "not scored")
_TEASER = 160


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One answer to the case. `mark` is "right", the class of failure, or "not scored"."""

    label: str
    trial: Trial
    mark: str


@dataclass(frozen=True, slots=True)
class CaseView:
    case: Case
    bucket: str
    answers: tuple[AnswerView, ...]

    @property
    def anchor(self) -> str:
        """A link target of safe characters, made unique by the content where the id itself is not safe."""
        safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", self.case.id)
        return f"case-{safe}" if safe == self.case.id else f"case-{safe}-{hash_value(self.case.id)[:6]}"

    @property
    def teaser(self) -> str:
        """The beginning of the last thing the model was told."""
        return _shortened(" ".join(_content(self.case.messages[-1]).split()))

    @property
    def messages(self) -> tuple[tuple[str, str], ...]:
        return tuple((str(message.get("role", "?")), _content(message)) for message in self.case.messages)

    @property
    def tools(self) -> tuple[tuple[str, str], ...]:
        return tuple(_signature(tool) for tool in self.case.tools)

    @property
    def expected(self) -> tuple[str, ...]:
        expect = self.case.expect
        if isinstance(expect, CodeExpectation):
            return ("\n".join(expect.checks()), expect.solution.strip("\n"))
        return (expect.reference(),)


@dataclass(frozen=True, slots=True)
class CaseList:
    """All cases of a page, in groups by what became of them, the group a reader wants first in front."""

    groups: Mapping[str, tuple[CaseView, ...]]
    categories: Mapping[str, int]
    total: int


def comparison_cases(comparison: Comparison) -> CaseList:
    """The pairs, broken first."""
    return _listed(
        CaseView(pair.case, pair.bucket.value, (_answer("before", pair.before), _answer("after", pair.after)))
        for pair in comparison.pairs
    )


def run_cases(summary: Summary) -> CaseList:
    """The trials, wrong first."""
    return _listed(CaseView(trial.case, _state(trial), (_answer("answer", trial),)) for trial in summary.trials)


def _listed(views: Iterator[CaseView]) -> CaseList:
    everything = tuple(views)
    groups = {name: tuple(view for view in everything if view.bucket == name) for name in _BUCKETS}
    return CaseList(
        groups={name: group for name, group in groups.items() if group},
        categories=Counter(view.case.category for view in everything),
        total=len(everything),
    )


def _answer(label: str, trial: Trial) -> AnswerView:
    mark = "right" if trial.right else "not scored" if not trial.counted else failure(trial)
    return AnswerView(label, trial, mark)


def _state(trial: Trial) -> str:
    if trial.outcome is Outcome.FAILED:
        return "failed"
    return "not scored" if not trial.counted else "right" if trial.right else "wrong"


def _content(message: Row) -> str:
    content = message.get("content") or ""
    calls = "".join(f"\n{call}" for call in message.get("tool_calls") or ())
    return f"{content}{calls}"


def _shortened(text: str) -> str:
    return text if len(text) <= _TEASER else f"{text[:_TEASER]}…"


def _signature(tool: Row) -> tuple[str, str]:
    """A tool as `name(source: string, force?: boolean)` and its description; anything else as it stands."""
    function = tool.get("function", tool)
    if not isinstance(function, Mapping) or "name" not in function:
        return str(tool), ""
    schema = function.get("parameters") or {}
    required = schema.get("required") or ()
    arguments = [
        f"{name}{'' if name in required else '?'}: {_type(value)}"
        for name, value in (schema.get("properties") or {}).items()
    ]
    return f"{function['name']}({', '.join(arguments)})", str(function.get("description") or "")


def _type(schema: Any) -> str:
    return str(schema.get("type", "any")) if isinstance(schema, Mapping) else "any"
