"""What a text of the sample world is about, read back from the text alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from punie.generate.families import FAMILIES, Family
from punie.generate.holdout import is_held_out
from punie.generate.sums import add_steps, multiply_steps, subtract_steps

_SOURCE = re.compile(r"^def \w+\((\w+)\):\n((?: {4}.*(?:\n|\Z))+)", re.MULTILINE)
_DOCSTRING = re.compile(r'^    """.*"""\n', re.MULTILINE)
_DESCRIPTION = re.compile(r'(?:^# \w+ |"""|(?:that|It) )((?:[a-z]+s|gives|tells) .*?)(?:\."""$|\.?$|\.<)', re.MULTILINE)
_STEPS = re.compile(r"([\d+*=, -]*\d)\. Answer: ")

_QUESTIONS: dict[str, Callable[..., str]] = {
    r"What is (\d+) \+ (\d+)\?": add_steps,
    r"What is (\d+) - (\d+)\?": subtract_steps,
    r"What is (\d+) \* (\d+)\?": multiply_steps,
    r"has (\d+) \w+ and gets (\d+) more": add_steps,
    r"has (\d+) \w+ and gives away (\d+)\.": subtract_steps,
    r"comes next: \d+, \d+, (\d+), (\d+)\?": lambda third, fourth: subtract_steps(fourth, third),
    r"comes next: \d+, \d+, (\d+), (\d+)\? *": lambda third, fourth: add_steps(fourth, fourth - third),
}


def calls_in(text: str) -> Iterator[dict]:
    """Every tool call that is written out."""
    yield from (json.loads(call) for call in re.findall(r'\{"name": ".*\}', text))


def functions_in(text: str) -> Iterator[tuple[str, int | None, str | None]]:
    """Family and constant of every function that is written out; one of no family is a KeyError."""
    for parameter, lines in _SOURCE.findall(_DOCSTRING.sub("", text)):
        body = re.sub(r"^ {4}", "", lines.rstrip("\n"), flags=re.MULTILINE)
        yield _BODIES.identify(parameter, body.removesuffix("<|im_end|>"))


def functions_described_in(text: str) -> Iterator[tuple[str, int | None, str | None]]:
    """Family and constant of every function that is described or asked for."""
    for description in _DESCRIPTION.findall(text):
        if (found := _DESCRIPTIONS.find(description)) is not None:
            yield found


def sums_in(text: str) -> Iterator[str]:
    """The steps of every sum that is worked or asked for; a sequence is two sums of two columns each."""
    for steps in _STEPS.findall(text):
        columns = steps.strip().split(", ")
        yield from (", ".join(part) for part in ((columns[:2], columns[2:]) if len(columns) == 4 else (columns,)))
    for pattern, steps in _QUESTIONS.items():
        yield from (steps(*map(int, numbers)) for numbers in re.findall(pattern, text))


def held_out_content(text: str) -> list[tuple]:
    """Everything in a text that is for evaluation only."""
    calls = [(call["name"], *call["arguments"].values()) for call in calls_in(text)]
    sums = [(steps,) for steps in sums_in(text)]
    content = [*calls, *sums, *functions_in(text), *functions_described_in(text)]
    return [item for item in content if is_held_out(*item)]


class _Patterns:
    """The families' templates, read backwards."""

    def __init__(self, template: Callable[[Family], str]) -> None:
        self.patterns = [(family, _backwards(template(family))) for family in FAMILIES]

    def find(self, text: str, parameter: str | None = None) -> tuple[str, int | None, str | None] | None:
        matches = [
            (family.key, *_constants(match))
            for family, pattern in self.patterns
            if parameter in (None, family.parameter) and (match := pattern.fullmatch(text))
        ]
        assert len(matches) <= 1, f"{text!r} is of several families: {matches}"
        return matches[0] if matches else None

    def identify(self, parameter: str, text: str) -> tuple[str, int | None, str | None]:
        if (found := self.find(text, parameter)) is None:
            raise KeyError(text)
        return found


def _backwards(template: str) -> re.Pattern[str]:
    pattern = re.escape(template).replace(r"\{n\}", r"(?P<n>\d+)", 1).replace(r"\{n\}", "(?P=n)")
    return re.compile(pattern.replace(r"\{w\}", "(?P<w>[a-z]+)", 1))


def _constants(match: re.Match[str]) -> tuple[int | None, str | None]:
    groups = match.groupdict()
    return (int(groups["n"]) if "n" in groups else None), groups.get("w")


_BODIES = _Patterns(lambda family: family.body)
_DESCRIPTIONS = _Patterns(lambda family: family.description)
