"""The child that writes models, as its parent sees it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from punie.data.draft import Draft
from punie.errors import TrainingError, UsageError
from punie.files import write_json
from punie.process import Child
from punie.shipping.messages import DECODER, Asked, Event, Measured
from punie.training.disk import require_space
from punie.training.metrics import Failed, follow

WORKER = "punie.shipping.worker"
OnMeasured = Callable[[str], None]
"""Told the name of each model that has been measured: minutes may lie between."""


def ask_child(asked: Asked, on_measured: OnMeasured = lambda name: None) -> list[Event]:
    """All that the child says. Raises what it raises, and TrainingError with its last lines where it breaks."""
    heard = []
    with tempfile.TemporaryDirectory(prefix="punie-") as scratch:
        question, events = Path(scratch) / "asked.json", Path(scratch) / "events.jsonl"
        write_json(question, msgspec.to_builtins(asked))
        events.touch()
        with Child(WORKER, str(question), str(events), log=Path(scratch) / "log") as child:
            for event in follow(events, lambda: child.poll() is None, DECODER):
                if isinstance(event, Failed):
                    raise event.to_error()
                if isinstance(event, Measured):
                    on_measured(event.name)
                heard.append(event)
            if code := child.wait():
                raise TrainingError(f"Writing the model broke off with exit code {code}.", hint=child.last_lines())
    return heard


@contextmanager
def new_folder(output: Path, needed: int) -> Generator[Path]:
    """A folder that becomes `output` only when the block ends well. `needed`: free bytes on its disk.

    Raises UsageError where the output exists, CapacityError where the disk is too full.
    """
    if output.exists():
        raise UsageError("The output exists already.", where=str(output), hint="Name another one, or delete it.")
    require_space(output, needed)
    draft = Draft(output)
    try:
        yield draft.folder
        draft.publish()
    finally:
        draft.discard()
