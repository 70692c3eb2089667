"""One case as a page shows it: what was asked, what would be right, what was answered, what became of it."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from punie.conversation import Row
from punie.evaluation.expectations import CodeExpectation
from punie.evaluation.outcomes import Answer, Trial
from punie.evaluation.suite import Case
from punie.report import numbers
from punie.report.differences import Piece, difference
from punie.report.extracted import extracted
from punie.report.summary import failure

_TEASER = 160
_RUNS_IN_A_LINE = 3


@dataclass(frozen=True, slots=True)
class AnswerView:
    """An answer to the case, or several that say the same. `mark` is "right", the class of failure, or "not scored"."""

    label: str
    trials: tuple[Trial, ...]
    mark: str
    pieces: tuple[Piece, ...] = ()
    """Its text where it was laid beside another answer."""

    @property
    def trial(self) -> Trial:
        return self.trials[0]

    @property
    def seconds(self) -> str:
        """How long it took; from the fastest of several to the slowest."""
        seconds = [trial.answer.seconds for trial in self.trials if trial.answer]
        return " to ".join(dict.fromkeys(map(numbers.duration, (min(seconds), max(seconds)))))

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
    def outcome(self) -> tuple[tuple[str, bool], ...]:
        """The path, where it is short enough to be read in a line; else in how many runs it is right."""
        if len(self.path) <= _RUNS_IN_A_LINE:
            return self.path
        right = sum(good for _, good in self.path)
        return ((f"right in {right} of {len(self.path)}", right == len(self.path)),)

    @property
    def facets(self) -> dict[str, tuple[str, ...]]:
        """What filters may ask of it; of failures it has those of every run."""
        wrong = dict.fromkeys(answer.mark for answer in self.answers if answer.mark not in ("right", "not scored"))
        return {"outcome": (self.bucket,), "category": (self.case.category,), "failure": tuple(wrong)}

    @property
    def marks(self) -> dict[str, str]:
        """The same for the page's script: words of safe characters, separated by spaces."""
        return {name: " ".join(map(word, values)) for name, values in self.facets.items()}

    @property
    def longest(self) -> int:
        """Tokens of its longest answer."""
        return max((turn.completion_tokens for turn in self._turns), default=0)

    @property
    def slowest(self) -> float:
        """Seconds of its slowest answer."""
        return max((turn.seconds for turn in self._turns), default=0.0)

    @property
    def _turns(self) -> Iterator[Answer]:
        return (turn for answer in self.answers for trial in answer.trials for turn in trial.answers)

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


def view_case(first: Trial, several: bool, bucket: str, runs: Mapping[str, Sequence[Trial]]) -> CaseView:
    """A case and its answers in any number of runs, by label. `several` is whether it needs its suite's name."""
    return CaseView(
        name=f"{first.suite}/{first.case.id}" if several else first.case.id,
        case=first.case,
        bucket=bucket,
        answers=tuple(_answer(label, trial, len(trials)) for label, trials in runs.items() for trial in trials),
        path=tuple(_reached(trials) for trials in runs.values()),
    )


def told_apart(view: CaseView) -> CaseView:
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


def merged(view: CaseView) -> CaseView:
    """Answers that are the same in all but their time stand once, under all their labels."""
    groups: dict[Hashable, list[AnswerView]] = defaultdict(list)
    for answer in view.answers:
        groups[_shown_of(answer.trial)].append(answer)
    return replace(view, answers=tuple(map(_joined, groups.values())))


def _shown_of(trial: Trial) -> Hashable:
    """All that a page shows of it, but its time."""
    turns = tuple((turn.text, turn.finish_reason, turn.completion_tokens, turn.cached) for turn in trial.answers)
    return turns, trial.outcome, trial.value, trial.failure, trial.reason, trial.partial, trial.weak, trial.printed


def _joined(answers: Sequence[AnswerView]) -> AnswerView:
    trials = tuple(trial for answer in answers for trial in answer.trials)
    return AnswerView(", ".join(answer.label for answer in answers), trials, answers[0].mark)


def _reached(trials: Sequence[Trial]) -> tuple[str, bool]:
    """What became of a case in one run, and whether that is good."""
    if not trials:
        return "not asked", False
    if len(trials) == 1:
        return _mark(trials[0]), trials[0].right
    right = sum(trial.right for trial in trials)
    return f"{right} of {len(trials)} right", right == len(trials)


def _answer(label: str, trial: Trial, samples: int) -> AnswerView:
    return AnswerView(label if samples == 1 else f"{label} {trial.sample + 1}", (trial,), _mark(trial))


def _mark(trial: Trial) -> str:
    return "right" if trial.right else "not scored" if not trial.counted else failure(trial)


def word(value: str) -> str:
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
