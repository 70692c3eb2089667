"""Which steps are done, of what: a step whose settings and inputs are the same is not done again.

A record is written when a step begins and again when it is done, each time atomically. A step that was killed is
therefore known by its record, and goes on from what it left. What another recipe made is set aside, never overwritten.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import msgspec

from punie import moments
from punie.errors import DataError, UsageError
from punie.experiment.chain.folder import ChainFolder
from punie.experiment.chain.products import Product
from punie.experiment.watcher import Watcher
from punie.files import hash_value, make_folder, read_json, write_json

FORMAT: Literal[1] = 1
"""Raised when a step of the same settings and inputs would come out otherwise."""


@dataclass(frozen=True, slots=True)
class Step:
    """A call and all that decides about its result. `inputs` are hashes of content by name."""

    name: str
    output: Path
    product: Product
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]
    make: Callable[[Path], object]
    """Writes the output, or goes on with what is there of it."""

    @property
    def key(self) -> str:
        return hash_value({"format": FORMAT, "settings": self.settings, "inputs": self.inputs})


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """`steps/NAME.json`. `hash` is that of the output; `seconds` are those of the start that finished it."""

    format: Literal[1] = FORMAT
    step: str
    state: Literal["begun", "done"]
    key: str
    settings: dict[str, Any]
    inputs: dict[str, str]
    hash: str = ""
    result: str = ""
    finished: str = ""
    seconds: float = 0.0
    cleared: bool = False
    """Whether the output was deleted when it was not needed any more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A step of this start. `why` it was done; empty where it was done earlier."""

    record: Record
    output: Path
    page: Path | None
    why: str


@dataclass(frozen=True, slots=True)
class Made:
    """What a step made, by its content. `folder` makes it again where it was cleared away."""

    hash: str
    folder: Callable[[], Path]


class Ledger:
    """The steps of this start, and the records of all."""

    def __init__(self, folder: ChainFolder, watcher: Watcher) -> None:
        self.entries: list[Entry] = []
        self._folder, self._watcher = folder, watcher

    def do(self, step: Step) -> Made:
        """Do the step unless it is done. Raises what it raises, and DataError where its output was altered since."""
        self._watcher.step(step.name)
        before = self.read(step.name)
        why = _why(step, before)
        record = self._make(step, before) if before is None or why else before
        self._watcher.done(record.result, earlier=not why)
        self.entries.append(Entry(record, step.output, step.product.page(step.output), why))
        return Made(record.hash, lambda: self._present(step))

    def read(self, name: str) -> Record | None:
        path = self._folder.record(name)
        if not path.is_file():
            return None
        try:
            return msgspec.convert(read_json(path), Record)
        except msgspec.ValidationError as error:
            raise DataError(
                f"Not the record of a step that this version can read: {error}.", where=str(path)
            ) from error

    def write(self, record: Record) -> None:
        write_json(self._folder.record(record.step), msgspec.to_builtins(record))

    def note_cleared(self, name: str) -> None:
        """Before what the step made is deleted, in part or as a whole."""
        if (record := self.read(name)) is not None and not record.cleared:
            cleared = msgspec.structs.replace(record, cleared=True)
            self.write(cleared)
            self.entries = [replace(one, record=cleared) if one.record.step == name else one for one in self.entries]

    def _present(self, step: Step) -> Path:
        record = self.read(step.name)
        if record is None or record.cleared or not step.output.exists():
            self._watcher.stage(f"{step.name}, which was cleared away")
            shutil.rmtree(step.output, ignore_errors=True)
            self._make(step, record)
        return step.output

    def _make(self, step: Step, before: Record | None) -> Record:
        if before is None or before.key != step.key:
            self._set_aside(step, before)
        record = Record(
            step=step.name,
            state="begun",
            key=step.key,
            settings=msgspec.to_builtins(dict(step.settings)),
            inputs=dict(step.inputs),
        )
        self.write(record)
        began = monotonic()
        if not step.product.whole(step.output):
            step.make(step.output)
        done = msgspec.structs.replace(
            record,
            state="done",
            hash=step.product.hash(step.output),
            result=step.product.told(step.output),
            finished=moments.now(),
            seconds=monotonic() - began,
        )
        self.write(done)
        return done

    def _set_aside(self, step: Step, before: Record | None) -> None:
        """Raises UsageError where nothing says that this experiment made what lies there."""
        found = [place for place in (step.output, _unfinished(step.output)) if place.exists()]
        if found and before is None:
            raise UsageError(
                "The output folder is in use.", where=str(found[0]), hint="Move it away, or give another --output."
            )
        if found:
            earlier = make_folder(self._folder.earlier(step.name))
            for place in found:
                place.rename(earlier / place.name)


def _unfinished(output: Path) -> Path:
    """Where an evaluation keeps its answers until it has all."""
    return output.with_name(f".{output.name}.partial")


def _why(step: Step, before: Record | None) -> str:
    """Why a step has to be done; nothing where it is done. Raises DataError where its output was altered."""
    if before is None:
        return "new"
    if before.key != step.key:
        return f"{', '.join(_changed(step, before)) or 'this version of Punie'} changed"
    if before.state == "begun":
        return "was not finished"
    if before.cleared:
        return ""
    if not step.output.exists():
        return "its output was gone"
    if step.product.hash(step.output) != before.hash:
        raise DataError(
            f"What step {step.name} made was altered since.",
            where=str(step.output),
            hint="Delete it to have it made again, or work on a copy of it elsewhere.",
        )
    return ""


def _changed(step: Step, before: Record) -> list[str]:
    now, then = {**msgspec.to_builtins(dict(step.settings)), **step.inputs}, {**before.settings, **before.inputs}
    return sorted(name for name in {*now, *then} if now.get(name) != then.get(name))
