"""What a row shares with a benchmark's tasks, by five rules, each with its measure.

| rule | a row is condemned when |
|---|---|
| prompt | its words cover 80 % of a task's prompt, or all where that has fewer than 8, in runs of 8, or of 5 under 12 |
| question | its question is the prompt, where that has fewer than 5 words |
| code | its tokens cover 50 % of a task's solution, in runs of 13, and 20 tokens or all of them |
| renamed code | one of its functions is the task's function under other names |
| assert | it has a test of the task, white space aside |

A prompt that is covered from 50 % on, and a function with a task's name and arguments, make a row suspect, no more.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from punie.data.choose.snippets import snippets
from punie.data.compare.items import Item, asserts_of
from punie.data.compare.overlap import KnownTexts, Overlap
from punie.data.compare.shapes import KnownShapes
from punie.data.compare.syntax import SMALLEST, Function, functions, outline, parse, renamed_hash
from punie.data.compare.text import Text, Turn
from punie.data.compare.words import Tokens, normalise, tokenise

PROMPT_DROP, PROMPT_FLAG, CODE_DROP = 0.8, 0.5, 0.5
SHORTEST_ASSERT = 20
"""Characters, white space aside, below which an equal assert is a coincidence."""

_LONGEST_QUESTION = 150
"""Characters; a prompt of four words, with an opening, is not longer."""
_LEAST_TOKENS = 20
"""Fewer shared tokens are what any two loops share, unless they are the whole solution."""
_LONG_PROMPT, _LONG_RUN, _SHORT_RUN, _CODE_RUN = 12, 8, 5, 13
_OPENING = re.compile(
    r"""\A\W*(?:please\s+)?(?:write|create|implement|develop|design|build|define|complete|give\s+me)\s+
    (?:me\s+)?(?:an?\s+|the\s+)?(?:following\s+)?(?:simple\s+|efficient\s+)?(?:python\s*3?\s+)?
    (?:function|program|method|script|code|solution|class|lambda)\b(?:\s+in\s+python)?
    (?:\s+(?:called|named)\s+\W?\w+\W?)?[\s,:]*(?:(?:to|that|which|for)\b\s*)?
    (?:(?:finds?|checks?|returns?|gets?|computes?|calculates?)\b\s*)?(?:(?:whether|if)\b\s*)?(?:the\b\s*)?""",
    re.VERBOSE,
)
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_SIGNATURE = re.compile(r"def +(\w+)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
_ARGUMENT = re.compile(r"(?:^|,)\s*\**(\w+)")
_DEF = tokenise(["def"]).hashes[0]

Found = Iterator[tuple[int, "Evidence"]]
"""(row of the batch, evidence)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a row is suspect: the rule, the task, what is shared, and how much of the task that is (0 to 1)."""

    rule: str
    item: str
    span: str
    score: float
    threshold: float

    @property
    def condemns(self) -> bool:
        return self.score >= self.threshold

    @property
    def benchmark(self) -> str:
        return self.item.partition("/")[0]

    def to_value(self) -> dict[str, Any]:
        return {"item": self.item, "score": round(self.score, 4), "span": self.span}


@dataclass(frozen=True, slots=True)
class Testable:
    """How many tasks there are, and how many have too little to compare.

    `short_prompts` are compared as a whole question only, `short_solutions` not by their tokens; `untestable` have
    nothing that any rule can use.
    """

    items: int
    short_prompts: int
    short_solutions: int
    untestable: int


class Tasks:
    """Tasks of all suites, ready to be looked for."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._prompts, self._solutions = _Prompts(items), _Solutions(items)
        asked = [item.function() for item in items]
        self._functions, self._lines = _Functions(items, asked), _Lines(items, asked)
        self._items = items

    def evidence(self, texts: Sequence[Text]) -> Found:
        """Everything that rows share with tasks, in no order of rows."""
        turns = [text.turns() for text in texts]
        spoken = ["\n".join(words for _, words in row) for row in turns]
        tokens = tokenise([words if words.isascii() else normalise(words) for words in spoken])
        yield from self._prompts.found(tokens.words())
        yield from self._solutions.found(tokens)
        yield from self._functions.found(tokens, turns)
        yield from self._lines.found(tokens, spoken)
        for row, parts in enumerate(turns):
            yield from ((row, found) for found in self._prompts.asked(parts))

    def testable(self, benchmark: str) -> Testable:
        """What of one benchmark can be looked for."""
        own = {index for index, item in enumerate(self._items) if item.id.partition("/")[0] == benchmark}
        used = self._prompts.used | self._solutions.used | self._functions.used | self._lines.used
        short = {item for item in self._prompts.whole.values() if item.partition("/")[0] == benchmark}
        return Testable(len(own), len(short), len(own - self._solutions.used), len(own - used))


class _Prompts:
    """Prompts without their openings, by length: in long runs, in short runs, or as a whole."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        plain = [plain_prompt(item.prompt) for item in items]
        words = tokenise(plain).words()
        self._lengths = np.diff(words.offsets)
        long, short = self._lengths >= _LONG_PROMPT, (self._lengths >= _SHORT_RUN) & (self._lengths < _LONG_PROMPT)
        self._by_run = [_Chosen(words, long, _LONG_RUN), _Chosen(words, short, _SHORT_RUN)]
        whole = np.flatnonzero((self._lengths > 0) & (self._lengths < _SHORT_RUN)).tolist()
        self.whole = {" ".join(plain[index].split()): items[index].id for index in whole}
        self.used = set(np.flatnonzero(self._lengths > 0).tolist())

    def found(self, words: Tokens) -> Found:
        for chosen in self._by_run:
            for index, span, overlap in chosen.overlaps(words, PROMPT_FLAG):
                limit = PROMPT_DROP if self._lengths[index] >= _LONG_RUN else 1.0
                yield overlap.row, Evidence("prompt", self._items[index].id, span, overlap.share, limit)

    def asked(self, turns: Sequence[Turn]) -> Iterator[Evidence]:
        """Evidence that a whole question is a short prompt."""
        short = [words for role, words in turns if role == "user" and len(words) < _LONGEST_QUESTION]
        for words in short if self.whole else ():
            if (item := self.whole.get(" ".join(plain_prompt(words).split()))) is not None:
                yield Evidence("question", item, words, 1.0, 1.0)


class _Solutions:
    """Solutions as tokens."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        plain = [normalise(item.solution) for item in items]
        tokens = tokenise(plain)
        enough = np.diff(tokens.offsets) >= _CODE_RUN
        self._chosen = _Chosen(tokens, enough, _CODE_RUN)
        self.used = set(np.flatnonzero(enough).tolist())

    def found(self, tokens: Tokens) -> Found:
        for index, span, overlap in self._chosen.overlaps(tokens, CODE_DROP):
            if overlap.covered >= _LEAST_TOKENS or overlap.share == 1:
                yield overlap.row, Evidence("code", self._items[index].id, span, overlap.share, CODE_DROP)


class _Functions:
    """Functions by what of them does not depend on names."""

    def __init__(self, items: Sequence[Item], asked: Sequence[Function | None]) -> None:
        self._by_hash: dict[str, str] = {}
        self._outlines: set[tuple[str, ...]] = set()
        self.used = set[int]()
        trees = []
        for index, (item, function) in enumerate(zip(items, asked, strict=True)):
            if function is not None:
                found, nodes = renamed_hash(function)
                if nodes >= SMALLEST:
                    self._by_hash.setdefault(found, item.id)
                    self._outlines.add(outline(function))
                    self.used.add(index)
                    trees.append(function)
        self._shapes = KnownShapes(trees)

    def found(self, tokens: Tokens, turns: Sequence[Sequence[Turn]]) -> Found:
        for row in self._shapes.suspects(tokens):
            found = (one for _, words in turns[row] for tree in _trees(words) for one in functions(tree))
            for function in (one for one in found if outline(one) in self._outlines):
                if (item := self._by_hash.get(renamed_hash(function)[0])) is not None:
                    yield row, Evidence("renamed code", item, f"def {function.name}", 1.0, 1.0)


class _Lines:
    """Asserts and signatures, line by line."""

    def __init__(self, items: Sequence[Item], asked: Sequence[Function | None]) -> None:
        self._asserts: dict[str, str] = {}
        self._signatures: dict[tuple[str, ...], str] = {}
        self.used = set[int]()
        for index, (item, function) in enumerate(zip(items, asked, strict=True)):
            lines = [line for line in item.asserts if len(line) >= SHORTEST_ASSERT]
            self._asserts |= {line: item.id for line in lines if line not in self._asserts}
            if lines:
                self.used.add(index)
            if function is not None:
                names = (function.name, *(argument.arg for argument in function.args.args))
                self._signatures.setdefault(names, item.id)
        names = tokenise([normalise(names[0]) for names in self._signatures])
        self._names = np.unique(names.hashes)

    def found(self, tokens: Tokens, spoken: Sequence[str]) -> Found:
        for row, words in enumerate(spoken):
            for line in asserts_of(words) if "assert" in words else ():
                if (item := self._asserts.get(line)) is not None:
                    yield row, Evidence("assert", item, line, 1.0, 1.0)
        for row in self._with_names(tokens):
            for name, arguments in _SIGNATURE.findall(spoken[row]):
                names = (name, *_ARGUMENT.findall(arguments))
                if (item := self._signatures.get(names)) is not None:
                    yield row, Evidence("signature", item, f"def {name}({', '.join(names[1:])})", 0.5, 1.0)

    def _with_names(self, tokens: Tokens) -> list[int]:
        """Rows that define something with a task's name."""
        defined = np.flatnonzero(tokens.hashes[:-1] == _DEF) + 1
        named = defined[np.isin(tokens.hashes[defined], self._names)]
        return np.unique(np.searchsorted(tokens.offsets, named, "right") - 1).tolist()


class _Chosen:
    """Some of the items' texts, to be found in rows and quoted."""

    def __init__(self, tokens: Tokens, wanted: np.ndarray, run: int) -> None:
        self._tokens = tokens
        self._indices = np.flatnonzero(wanted).tolist()
        parts = [slice(*tokens.offsets[index : index + 2]) for index in self._indices]
        self._known = KnownTexts([tokens.hashes[part] for part in parts], run)

    def overlaps(self, tokens: Tokens, least: float) -> Iterator[tuple[int, str, Overlap]]:
        """(index of the item, what is shared, measure)."""
        for overlap in self._known.overlaps(tokens, least):
            index = self._indices[overlap.known]
            first = int(self._tokens.offsets[index])
            yield index, self._tokens.quote(first + overlap.begin, first + overlap.end), overlap


def plain_prompt(prompt: str) -> str:
    """Normalised, without code blocks and without an opening such as "write a python function to find the"."""
    return _OPENING.sub("", _FENCE.sub("", normalise(prompt)), count=1).strip(" .:?!\n")


def _trees(text: str) -> Iterable[ast.Module]:
    if "def " not in text:
        return []
    whole = None if "```" in text else parse(text)
    return [whole] if whole else filter(None, (parse(snippet.statements) for snippet in snippets(text)))
