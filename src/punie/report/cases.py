"""One case as a page shows it: what was asked, what would be right, what was answered, what became of it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from punie.conversation import Row
from punie.evaluation.expectations import CodeExpectation
from punie.evaluation.outcomes import Outcome, Trial
from punie.evaluation.suite import Case
from punie.report import numbers
from punie.report.comparison import Comparison
from punie.report.differences import Piece, difference
from punie.report.extracted import extracted
from punie.report.several import Several
from punie.report.summary import Summary, failure

_BUCKETS = ("broken", "fixed", "still failing", "still right", "wrong", "failed", "partly right", "right", "not scored")
_TEASER = 160
_FACETS = {"outcome": "Outcome", "category": "Category", "failure": "What was wrong"}
"""What a list of cases is filtered by, in this order."""


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One answer to the case. `mark` is "right", the class of failure, or "not scored"."""

    label: str
    trial: Trial
    mark: str
    pieces: tuple[Piece, ...] = ()
    """Its text where it was laid beside another answer."""

    @property
    def extracted(self) -> str:
        """What was judged of it."""
        return extracted(self.trial)

    @property
    def ran(self) -> bool:
        """Whether the reason is what came out of the sandbox."""
        return "syntax" in self.trial.measurements


@dataclass(frozen=True, slots=True)
class CaseView:
    name: str
    """The case's id; with its suite before it where there are several."""
    case: Case
    bucket: str
    answers: tuple[AnswerView, ...]
    path: tuple[tuple[str, bool], ...]
    """What became of it, run by run: how the only answer is, or how many of several are right; and whether all are."""
    note: str = ""
    """Why no words of two answers are marked."""

    @property
    def anchor(self) -> str:
        """A link target of safe characters, made unique by the content where the id itself is not safe."""
        return f"case-{_safe(self.name)}"

    @property
    def facets(self) -> dict[str, tuple[str, ...]]:
        """What filters may ask of it; of failures it has those of every run."""
        wrong = dict.fromkeys(answer.mark for answer in self.answers if answer.mark not in ("right", "not scored"))
        return {"outcome": (self.bucket,), "category": (self.case.category,), "failure": tuple(wrong)}

    @property
    def marks(self) -> dict[str, str]:
        """The same for the page's script: words of safe characters, separated by spaces."""
        return {name: " ".join(map(_word, values)) for name, values in self.facets.items()}

    @property
    def longest(self) -> int:
        """Tokens of its longest answer."""
        return max((turn.completion_tokens for answer in self.answers for turn in answer.trial.answers), default=0)

    @property
    def slowest(self) -> float:
        """Seconds of its slowest answer."""
        return max((turn.seconds for answer in self.answers for turn in answer.trial.answers), default=0.0)

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
class Choice:
    """A value of a facet, the word the page's script has for it, and how many cases have it."""

    word: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """One thing that cases are filtered by."""

    name: str
    title: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class CaseList:
    """All cases of a page, in groups by what became of them, the group a reader wants first in front."""

    groups: Mapping[str, tuple[CaseView, ...]]
    facets: tuple[Facet, ...]
    total: int


def comparison_cases(comparison: Comparison) -> CaseList:
    """The pairs, broken first."""
    several = len({pair.suite for pair in comparison.pairs}) > 1
    return list_cases(
        _told_apart(view_case(pair.before[0], several, pair.bucket.value, {"before": pair.before, "after": pair.after}))
        for pair in comparison.pairs
    )


def several_cases(several: Several) -> CaseList:
    """The cases of several runs: broken in one of them first."""
    suites = len({case.before[0].suite for case in several.cases}) > 1
    base, *names = several.names
    return list_cases(
        view_case(
            case.before[0],
            suites,
            case.bucket.value,
            {base: case.before}
            | {name: pair.after if pair else () for name, pair in zip(names, case.pairs, strict=True)},
        )
        for case in several.cases
    )


def run_cases(summary: Summary) -> CaseList:
    """The cases with their trials, wrong first."""
    several = len(summary.record.suites) > 1
    found: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in summary.trials:
        found[trial.suite, trial.case.id].append(trial)
    return list_cases(view_case(trials[0], several, _state(trials), {"answer": trials}) for trials in found.values())


def view_case(first: Trial, several: bool, bucket: str, runs: Mapping[str, Sequence[Trial]]) -> CaseView:
    """A case and its answers in any number of runs, by label. `several` is whether it needs its suite's name."""
    return CaseView(
        name=f"{first.suite}/{first.case.id}" if several else first.case.id,
        case=first.case,
        bucket=bucket,
        answers=tuple(_answer(label, trial, len(trials)) for label, trials in runs.items() for trial in trials),
        path=tuple(_reached(trials) for trials in runs.values()),
    )


def _told_apart(view: CaseView) -> CaseView:
    """Where there is one answer of either run, the words that only one of them has are marked."""
    texts = [answer.trial.answer.text for answer in view.answers if answer.trial.answer]
    if len(view.answers) != 2 or len(texts) != 2:
        return view
    first, second = view.answers
    found = difference(*texts)
    return replace(
        view,
        answers=(replace(first, pieces=found.before), replace(second, pieces=found.after)),
        note=found.note,
    )


def _reached(trials: Sequence[Trial]) -> tuple[str, bool]:
    """What became of a case in one run, and whether that is good."""
    if not trials:
        return "not asked", False
    if len(trials) == 1:
        return _mark(trials[0]), trials[0].right
    right = sum(trial.right for trial in trials)
    return f"{right} of {len(trials)} right", right == len(trials)


def list_cases(views: Iterable[CaseView]) -> CaseList:
    """Views in the order of their suites, by group."""
    groups: dict[str, list[CaseView]] = {name: [] for name in _BUCKETS}
    for view in views:
        groups[view.bucket].append(view)
    found = {name: tuple(group) for name, group in groups.items() if group}
    everything = [view for group in found.values() for view in group]
    return CaseList(found, tuple(_facet(name, everything) for name in _FACETS), len(everything))


def _facet(name: str, views: Iterable[CaseView]) -> Facet:
    counts = Counter(value for view in views for value in view.facets[name])
    label = numbers.category if name == "category" else str
    return Facet(name, _FACETS[name], tuple(Choice(_word(value), label(value), counts[value]) for value in counts))


def _answer(label: str, trial: Trial, samples: int) -> AnswerView:
    return AnswerView(label if samples == 1 else f"{label} {trial.sample + 1}", trial, _mark(trial))


def _mark(trial: Trial) -> str:
    return "right" if trial.right else "not scored" if not trial.counted else failure(trial)


def _state(trials: Sequence[Trial]) -> str:
    if all(trial.outcome is Outcome.FAILED for trial in trials):
        return "failed"
    counted = [trial.right for trial in trials if trial.counted]
    if not counted:
        return "not scored"
    return "right" if all(counted) else "partly right" if any(counted) else "wrong"


def _word(value: str) -> str:
    """What the page's script and its address call a value: "no call" is "no-call"."""
    return _safe(value.replace(" ", "-"))


def _safe(name: str) -> str:
    """Letters, digits and `_.-`; with a hash of the whole where that loses something."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
    whole = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return safe if safe == name else f"{safe}-{whole[:6]}"


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
