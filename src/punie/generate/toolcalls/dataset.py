"""Tool calls as a dataset: shares of kinds kept in every split, every row proved, and no conversation twice.

Which split a conversation belongs to depends on its question alone, so what one seed tests, no other seed teaches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from punie.data.compare.split import side_of
from punie.data.dataset import Manifest
from punie.data.ledger import Removal, row_hash
from punie.data.progress import Progress, unheard, watched
from punie.data.source import SPLITS
from punie.data.writer import DatasetWriter
from punie.errors import DataError, UsageError
from punie.files import hash_file
from punie.generate.categories.diversity import entropy
from punie.generate.dice import Dice
from punie.generate.toolcalls.conversations import CALLING, KINDS, Author, Drawn
from punie.generate.toolcalls.declared import DeclaredTool, load_tools
from punie.generate.toolcalls.layout import LAYOUTS
from punie.generate.toolcalls.proof import Flaw, flaws
from punie.generate.toolcalls.rows import make_row
from punie.generate.toolcalls.wording import require_slots

SHARES: Mapping[str, float] = {"call": 30, "parallel": 10, "multi_turn": 15, "negative": 25, "plain": 20}
"""Percent of the rows."""
MOST_CALLING = 60
"""Percent of rows with a call above which a model is in danger of calling tools for everything."""

_HELD_OUT = 5
_SMALLEST = 60
_PATIENCE = 2_000
"""Conversations drawn in a row without a new one before a kind counts as used up."""


def generate_toolcalls(
    output: Path,
    count: int,
    seed: int,
    *,
    tools: Path | None = None,
    shares: Mapping[str, float] = SHARES,
    family: str | None = None,
    progress: Progress = unheard,
) -> Manifest:
    """Write `count` rows: 90 % train, 5 % valid, 5 % test, each kind with its share of every split.

    A row that its proof refuses goes to the ledger, and another is drawn. `shares` are relative to each other. With
    `family` rows are texts. Raises UsageError where there are not as many conversations, DataError at tools that cannot
    be drawn from.
    """
    wanted = _wanted(count, shares)
    if family is not None and family not in LAYOUTS:
        raise UsageError(f"There is no family {family!r}.", hint=f"Families are {', '.join(LAYOUTS)}.")
    declared = known_tools(tools)
    recipe = {"command": "generate", "kind": "toolcalls", "version": 1, "count": count, "seed": seed}
    told = {"family": family, "shares": dict(shares), "tools": None if tools is None else hash_file(tools)}
    with DatasetWriter(output, recipe={**recipe, **told}) as writer:
        making = _Making(writer, seed, Dice(f"toolcalls {seed}"), declared, family)
        for kind in watched(_mixed(wanted, seed), progress, "generating", count):
            making.write_next(kind, wanted)
        writer.rows_in = making.drawn
        writer.recipe |= making.facts()
    assert writer.manifest is not None
    return writer.manifest


def known_tools(path: Path | None) -> tuple[DeclaredTool, ...]:
    """The built-in catalogue, or the user's file. Raises DataError at texts that do not fit their tool."""
    declared = load_tools(path)
    for tool in declared:
        require_slots(tool, str(path or "built-in catalogue"))
    return declared


@dataclass(slots=True)
class _Places:
    """How many conversations of a kind each split still takes."""

    left: dict[str, int]

    def take(self, split: str) -> bool:
        free = self.left[split] > 0
        self.left[split] -= free
        return free


class _Making:
    """Draws, proves and writes, and counts what it does."""

    def __init__(
        self, writer: DatasetWriter, seed: int, dice: Dice, tools: Sequence[DeclaredTool], family: str | None
    ) -> None:
        self.drawn = 0
        self._writer, self._seed = writer, seed
        self._layout = None if family is None else LAYOUTS[family]
        self._family = None if self._layout is None else self._layout.family
        self._author = Author([tool for tool in tools if not tool.held_out], (), dice, suite=False)
        self._seen = set[str]()
        self._turns, self._kinds, self._forms = Counter[str](), Counter[str](), Counter[str]()
        self._templates, self._rejected = Counter[str](), Counter[str]()

    def write_next(self, kind: str, wanted: Mapping[str, _Places]) -> None:
        """One more row of this kind in a split that has a place for it."""
        for _ in range(_PATIENCE):
            drawn = self._author.draw(kind, self._turns[kind])
            if drawn is None or (split := self._split(drawn, wanted[kind])) is None:
                continue
            row = make_row(drawn, f"toolcalls-{self._seed}-{self.drawn + 1}", self._layout)
            self.drawn += 1
            raw = msgspec.json.encode(row)
            if (flaw := next(flaws(drawn, row, self._family), None)) is None:
                self._keep(drawn, split, raw)
                return
            wanted[kind].left[split] += 1
            self._writer.remove(self._removal(flaw, raw))
        raise self._used_up(kind)

    def facts(self) -> dict[str, Any]:
        """What the manifest tells of the rows: kinds, forms, the share that calls, templates, and draws in vain."""
        rows = self._kinds.total()
        calling = sum(self._kinds[kind] for kind in CALLING)
        return {
            "kinds": {kind: self._kinds[kind] for kind in KINDS},
            "forms": dict(sorted(self._forms.items())),
            "calling_percent": round(100 * calling / rows, 1),
            "templates": {"used": len(self._templates), "entropy_bits": round(entropy(self._templates), 2)},
            "rejected": dict(sorted(self._rejected.items())),
        }

    def _split(self, drawn: Drawn, places: _Places) -> str | None:
        """None for a conversation that is not new, or has no place."""
        texts = [turn for turn in drawn.turns if isinstance(turn, str)]
        key = " ".join([*texts, *(tool.name for tool in drawn.tools)])
        split = side_of(drawn.question.encode(), _HELD_OUT, _HELD_OUT, 0)
        if key in self._seen:
            self._rejected["repeated"] += 1
        elif not places.take(split):
            self._rejected["no place left"] += 1
        else:
            self._seen.add(key)
            return split
        return None

    def _keep(self, drawn: Drawn, split: str, raw: bytes) -> None:
        self._writer.write(split, raw)
        self._turns[drawn.kind] += 1
        self._kinds[drawn.kind] += 1
        self._forms[f"{drawn.kind}: {drawn.form}"] += 1
        self._templates.update(drawn.templates)

    def _removal(self, flaw: Flaw, raw: bytes) -> Removal:
        return Removal("generated", self.drawn, row_hash(raw), flaw.rule, flaw.what, None)

    def _used_up(self, kind: str) -> UsageError | DataError:
        if self._writer.removed:
            rule, many = self._writer.removed.most_common(1)[0]
            what = f"Rows of the kind {kind} do not pass their proof: {many:,} were removed as {rule!r}."
            return DataError(what, hint="Look at the texts and values of your tools for what no format can write.")
        what = f"These tools do not give enough different conversations of the kind {kind}."
        return UsageError(what, hint="Ask for fewer rows, for less of this kind (--shares), or declare more tools.")


def _wanted(count: int, shares: Mapping[str, float]) -> dict[str, _Places]:
    """Rows of each kind by split. Both roundings add up: to the count, and to each kind's rows."""
    if unknown := [kind for kind in shares if kind not in KINDS]:
        raise UsageError(f"There is no kind {unknown[0]!r}.", hint=f"Kinds are {', '.join(KINDS)}.")
    if any(not share >= 0 for share in shares.values()) or not sum(shares.values()) > 0:
        raise UsageError("Shares are numbers from 0 on, and not all of them 0.")
    if count < _SMALLEST:
        raise UsageError(f"{count} rows are too few for five kinds in three splits.", hint=f"Ask for {_SMALLEST}.")
    total, edges = sum(shares.values()), [0.0]
    for kind in KINDS:
        edges.append(edges[-1] + shares.get(kind, 0))
    rows = [round(count * right / total) - round(count * left / total) for left, right in pairwise(edges)]
    return {kind: _Places(_splits(many)) for kind, many in zip(KINDS, rows, strict=True)}


def _splits(rows: int) -> dict[str, int]:
    held_out = min(rows // 3, max(1, round(rows * _HELD_OUT / 100))) if rows else 0
    return dict(zip(SPLITS, (rows - 2 * held_out, held_out, held_out), strict=True))


def _mixed(wanted: Mapping[str, _Places], seed: int) -> Iterator[str]:
    """Every row's kind, in random order."""
    kinds = [kind for kind, places in wanted.items() for _ in range(sum(places.left.values()))]
    yield from Dice(f"kinds {seed}").some(kinds, len(kinds))
