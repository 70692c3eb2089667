"""A dataset folder as it is written: as a whole or not at all, with a ledger that adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import msgspec

from punie.data.dataset import MANIFEST, Manifest, Parent
from punie.data.draft import Draft
from punie.data.ledger import LEDGER, Removal
from punie.data.source import SPLITS
from punie.errors import DataError, UsageError
from punie.files import hash_file, hash_value, open_output, write_json

Row = Mapping[str, Any]


class NothingKept(DataError):
    """Every row was removed."""


class DatasetWriter:
    """Rows and removals go into a draft beside the output; leaving the context without an error gives it its name.

    `recipe` has the `command` that writes and what it was told. Without a name the dataset is called as its folder is.
    `rows_in`, where it is set, must equal kept + removed rows: nothing may be lost without a line in the ledger.
    Raises UsageError when the output is in use or forbidden, NothingKept, AssertionError when the sum does not close.
    """

    def __init__(self, output: Path, *, recipe: Mapping[str, Any], name: str | None = None) -> None:
        self.output = output.resolve()
        if self.output.exists() and not (self.output.is_dir() and not any(self.output.iterdir())):
            raise UsageError("The output folder is in use.", where=str(output), hint="Choose another one, or empty it.")
        self.name, self.recipe = name or self.output.name, dict(recipe)
        self.parents: tuple[Parent, ...] = ()
        self.rows_in: int | None = None
        self.counts, self.removed = Counter[str](), Counter[str]()
        self.manifest: Manifest | None = None
        """What was written, once the context has ended well."""
        self._files: dict[str, IO[bytes]] = {}
        self._open = ExitStack()

    def __enter__(self) -> DatasetWriter:
        self._draft = Draft(self.output)
        return self

    @property
    def draft(self) -> Path:
        """The folder that is being filled."""
        return self._draft.folder

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._open.__exit__(kind, error, trace)  # Each file says what a failed write to it means.
            if kind is None:
                self._publish()
        finally:
            self._draft.discard()

    def write(self, split: str, raw: bytes) -> None:
        """Keep a row, byte for byte; `raw` has no line end."""
        self.file(f"{split}.jsonl").write(raw + b"\n")
        self.counts[split] += 1

    def remove(self, removal: Removal) -> None:
        """Drop a row, with its line in the ledger."""
        self.file(LEDGER).write(msgspec.json.encode(removal.to_row()) + b"\n")
        self.removed[removal.rule] += 1

    def file(self, name: str) -> IO[bytes]:
        """An open file of the draft, made on first use."""
        if name not in self._files:
            self._files[name] = self._open.enter_context(open_output(self.draft / name))
        return self._files[name]

    def _publish(self) -> None:
        self._check()
        ordered = [split for split in SPLITS if split in self.counts]
        hashes = {split: hash_file(self.draft / f"{split}.jsonl") for split in ordered}
        self.manifest = Manifest(
            name=self.name,
            parents=self.parents,
            recipe=self.recipe,
            counts={split: self.counts[split] for split in ordered},
            removed=dict(self.removed),
            hashes=hashes,
            fingerprint=hash_value(hashes),
        )
        write_json(self.draft / MANIFEST, self.manifest.model_dump())
        self._draft.publish()

    def _check(self) -> None:
        kept, removed = self.counts.total(), self.removed.total()
        if self.rows_in is not None and self.rows_in != kept + removed:
            raise AssertionError(f"{self.rows_in} rows came in, {kept} were kept and {removed} removed")
        if not self.counts["train"]:
            rules = ", ".join(f"{rule} {count}" for rule, count in self.removed.most_common()) or "nothing"
            raise NothingKept("Nothing is left to train on.", where=str(self.output), hint=f"Removed by: {rules}.")


def write_dataset(folder: Path, name: str, splits: Mapping[str, Sequence[Row]], recipe: Mapping[str, Any]) -> Manifest:
    """Write rows that are in memory."""
    with DatasetWriter(folder, name=name, recipe=recipe) as writer:
        for split, rows in splits.items():
            for row in rows:
                writer.write(split, msgspec.json.encode(row))
    assert writer.manifest is not None
    return writer.manifest
