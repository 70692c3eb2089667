"""Which row of which source a row was, however many stages lie between: 8 bytes for a row and a stage."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from punie.data.ledger import LEDGER
from punie.data.provenance import PROVENANCE
from punie.data.source import SPLITS, Source, read_lines
from punie.files import read_jsonl

Numbers: TypeAlias = "array[int]"


class Origins:
    """Every row of the sources has a number; every line of a stage's files has the number of the row it was."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._firsts: list[int] = []
        self._paths: list[Path] = []
        self._of: dict[str, Numbers] = {}
        self.sizes: list[int] = []
        """Rows by source."""
        for source in sources:
            before = len(self)
            for path in source.splits.values():
                self._number(path)
            self.sizes.append(len(self) - before)

    def __len__(self) -> int:
        return self._firsts[-1] + len(self._of[str(self._paths[-1])]) if self._paths else 0

    def place(self, file: str, line: int) -> tuple[str, int]:
        """(source file, line) of a line of any stage."""
        number = self._of[file][line - 1]
        part = bisect_right(self._firsts, number) - 1
        return str(self._paths[part]), number - self._firsts[part] + 1

    def spell(self, where: str) -> str:
        """The same for file:line in one text."""
        file, _, line = where.rpartition(":")
        return ":".join(map(str, self.place(file, int(line))))

    def after_removal(self, before: Source, after: Source) -> None:
        """Follow a stage that only removed rows, as its ledger says."""
        gone: dict[str, set[int]] = {str(path): set() for path in before.splits.values()}
        for removal in removals(after):
            gone[removal["file"]].add(removal["line"])
        for split, path in after.splits.items():
            file = str(before.splits[split])
            lines = enumerate(self._of[file], start=1)
            self._of[str(path)] = array("q", (number for line, number in lines if line not in gone[file]))

    def after_merge(self, after: Source) -> None:
        """Follow a merge by the provenance it wrote."""
        for path in after.splits.values():
            self._of[str(path)] = array("q")
        for _, origin in read_jsonl(after.root / PROVENANCE):
            self._of[str(after.splits[origin["split"]])].append(self._of[origin["file"]][origin["from"] - 1])

    def after_split(self, before: Source, after: Source) -> None:
        """Follow a stage that dealt rows out in their order; no two of them are equal, since a merge came before."""
        dealt = {split: (line for _, line in read_lines(path)) for split, path in after.splits.items()}
        heads = {split: next(lines, None) for split, lines in dealt.items()}
        for path in after.splits.values():
            self._of[str(path)] = array("q")
        for path in (before.splits[split] for split in SPLITS if split in before.splits):
            for line, raw in read_lines(path):
                side = next(split for split, head in heads.items() if head == raw)
                self._of[str(after.splits[side])].append(self._of[str(path)][line - 1])
                heads[side] = next(dealt[side], None)

    def _number(self, path: Path) -> None:
        first, count = len(self), sum(1 for _ in read_lines(path))
        self._of[str(path)] = array("q", range(first, first + count))
        self._firsts.append(first)
        self._paths.append(path)


def removals(source: Source) -> Iterator[dict[str, Any]]:
    """The ledger of a dataset folder; none where nothing was removed."""
    if (source.root / LEDGER).is_file():
        yield from (removal for _, removal in read_jsonl(source.root / LEDGER))
