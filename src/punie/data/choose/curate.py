"""Rows chosen by rules, with the reason for every row that is gone."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from punie.data.choose.engine import Digest, Tally, screen
from punie.data.choose.rules import Rule
from punie.data.choose.shards import LEAST_BYTES, screen_in_parallel, whole
from punie.data.dataset import Manifest, Parent
from punie.data.ledger import LEDGER
from punie.data.progress import Progress, Step, unheard
from punie.data.source import Source, open_source
from punie.data.writer import DatasetWriter
from punie.errors import DataError, UsageError
from punie.files import hash_value, open_input

LABELS = frozenset({"category", "difficulty", "where", "language", "script", "last_role"})
"""Rules whose measured values tell what would have been there to choose."""
_SHOWN = 12
_SHARDS = ".shards"


@dataclass(frozen=True, slots=True)
class Selection:
    """What a filter kept: the rows of each split before and after, and those gone by rule."""

    manifest: Manifest
    tallies: Mapping[str, Tally]

    @property
    def rows(self) -> int:
        return sum(tally.rows for tally in self.tallies.values())

    @property
    def kept(self) -> int:
        return sum(tally.kept for tally in self.tallies.values())


def filter_(
    path: Path,
    output: Path,
    rules: Sequence[Rule],
    *,
    name: str | None = None,
    drop_invalid: bool = False,
    processes: int = 1,
    progress: Progress = unheard,
) -> Selection:
    """Write the rows that pass every rule; each split stays what it was, and rows keep their order and bytes.

    Without a rule it drops invalid rows, or finds none. Raises UsageError for an output that is the input; DataError
    for an invalid row, unless these are dropped too, and where no row of train is left, naming what there was.
    """
    source = open_source(path)
    _require_elsewhere(source, output)
    chosen = [{rule.name: rule.argument} for rule in rules]
    recipe = {"command": "filter", "rules": chosen, "drop_invalid": drop_invalid}
    with DatasetWriter(output, name=name, recipe=recipe) as writer:
        pass_ = _Pass(source, writer, rules, drop_invalid, processes, progress)
        tallies = {split: pass_.screen(split) for split in source.splits}
        writer.rows_in = sum(tally.rows for tally in tallies.values())
        fingerprint = hash_value(pass_.hashes)
        writer.parents = (Parent(path=str(path), fingerprint=fingerprint, rows=writer.rows_in),)
        if not writer.counts["train"]:
            raise _nothing(writer, output)
    assert writer.manifest is not None
    return Selection(writer.manifest, tallies)


def _require_elsewhere(source: Source, output: Path) -> None:
    taken = {source.root.resolve(), *(path.resolve() for path in source.splits.values())}
    if output.resolve() in taken:
        raise UsageError("The output is where the input is.", where=str(output), hint="Give another folder.")


class _Pass:
    """One reading of a source into a writer, split by split, taking the hash of what is read."""

    def __init__(
        self,
        source: Source,
        writer: DatasetWriter,
        rules: Sequence[Rule],
        drop_invalid: bool,
        processes: int,
        progress: Progress,
    ) -> None:
        self._source, self._writer, self._rules = source, writer, rules
        self._drop_invalid, self._processes, self._progress = drop_invalid, processes, progress
        self._done, self._total = 0, source.size
        self.hashes: dict[str, str] = {}
        """SHA-256 of each split, once it has been read."""

    def screen(self, split: str) -> Tally:
        path, digest = self._source.splits[split], hashlib.sha256()
        tally = self._screen(path, lambda: self._writer.file(f"{split}.jsonl"), digest)
        self._done += path.stat().st_size
        self.hashes[split] = digest.hexdigest()
        self._writer.removed.update(tally.removed)
        if tally.kept:
            self._writer.counts[split] = tally.kept
        return tally

    def _screen(self, path: Path, keep: Callable[[], IO[bytes]], digest: Digest) -> Tally:
        if self._processes == 1 or path.stat().st_size < LEAST_BYTES:
            return screen(
                whole(path),
                self._rules,
                keep,
                self._ledger,
                drop_invalid=self._drop_invalid,
                digest=digest,
                progress=self._report,
            )
        tally = screen_in_parallel(
            path,
            self._rules,
            keep,
            self._ledger,
            processes=self._processes,
            folder=self._writer.draft / _SHARDS,
            drop_invalid=self._drop_invalid,
            digest=digest,
            progress=self._report,
            joining=self._progress,
        )
        shutil.rmtree(self._writer.draft / _SHARDS)
        return tally

    def _ledger(self) -> IO[bytes]:
        return self._writer.file(LEDGER)

    def _report(self, done: int) -> None:
        self._progress(Step("filtering", self._done + done, self._total, "bytes"))


def _nothing(writer: DatasetWriter, output: Path) -> DataError:
    """What to say when no row is left: the rules that took them, and what else there was to choose."""
    lines = [
        f"Removed by: {', '.join(f'{rule} {count}' for rule, count in writer.removed.most_common()) or 'nothing'}."
    ]
    if LEDGER in {path.name for path in writer.draft.iterdir()}:
        writer.file(LEDGER).flush()
        for rule, values in _measured(writer.draft / LEDGER).items():
            shown = ", ".join(f"{value} ({count})" for value, count in values.most_common(_SHOWN))
            lines.append(f"Values that {rule} met: {shown}{', ...' if len(values) > _SHOWN else ''}.")
    return DataError("Nothing is left to train on.", where=str(output), hint="\n".join(lines))


def _measured(ledger: Path) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    with open_input(ledger) as lines:
        for line in lines:
            removal = msgspec.json.decode(line)
            if removal["rule"] in LABELS:
                found.setdefault(removal["rule"], Counter())[_spelt(removal["value"])] += 1
    return found


def _spelt(value: Any) -> str:
    return value if isinstance(value, str) else "none" if value is None else msgspec.json.encode(value).decode()
