"""Rows as a model's own template and tokenizer turn them into tokens: what the trainer will see, or why it cannot."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from punie.data.check.inspection import Problem
from punie.data.progress import Progress, Step, unheard
from punie.data.source import Source
from punie.errors import UsageError
from punie.files import open_input, write_json
from punie.process import Child

_POLL_SECONDS = 0.05
WORKER = "punie.data.check.rendering_worker"


class Task(msgspec.Struct, frozen=True):
    """What the child is asked. Files are read in this order."""

    model: str
    files: list[str]
    max_seq_length: int


class Found(msgspec.Struct, frozen=True, tag="found"):
    """A row that the trainer cannot learn from as it is meant."""

    file: str
    line: int
    byte: int
    path: str
    rule: str
    value: str
    message: str
    fix: str


class Reached(msgspec.Struct, frozen=True, tag="reached"):
    """Bytes of all files that are done."""

    done: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The model has no tokenizer or no chat template."""

    message: str
    hint: str


class Rendering(msgspec.Struct, frozen=True, tag="done"):
    """What the rows come to in this model's tokens, and how the model marks the end of a turn."""

    rows: int
    failed: int
    tokens: int
    longest: int
    truncated: int
    tokens_lost: int
    end_of_turn: str
    """The last token of a rendered answer that is not white space; empty where there are texts alone."""
    stops: list[str]
    """The tokens at which mlx-lm ends generation for this model."""
    split_marks: dict[str, int]
    """Marks of the template that the tokenizer cuts into several tokens, with their number."""


_Line = Found | Reached | Refused | Rendering
_LINES = msgspec.json.Decoder(_Line)


def render(
    source: Source,
    model: Path,
    max_seq_length: int,
    *,
    on_problem: Callable[[Problem], None] = lambda problem: None,
    progress: Progress = unheard,
) -> Rendering:
    """Render and tokenize every sound row in a child, with mlx-lm's own code.

    Raises UsageError where the model has no tokenizer or no chat template, or the child breaks.
    """
    with tempfile.TemporaryDirectory(prefix="punie-") as scratch:
        task, results = Path(scratch) / "task.json", Path(scratch) / "results.jsonl"
        files = [str(path) for path in source.splits.values()]
        write_json(task, msgspec.to_builtins(Task(str(model), files, max_seq_length)))
        results.touch()
        progress(Step("rendering", 0, source.size, "bytes"))
        with Child(WORKER, str(task), str(results), log=Path(scratch) / "log") as child:
            for line in _follow(results, lambda: child.poll() is None):
                match line:
                    case Found():
                        on_problem(Problem(**msgspec.structs.asdict(line)))
                    case Reached():
                        progress(Step("rendering", line.done, source.size, "bytes"))
                    case Refused():
                        raise UsageError(line.message, where=str(model), hint=line.hint)
                    case Rendering():
                        return line
            raise UsageError("Rendering the rows broke.", where=str(model), hint=child.last_lines())


def _follow(path: Path, alive: Callable[[], bool]) -> Iterator[_Line]:
    """What is written, as it comes, until the writer is gone and everything is read."""
    with open_input(path) as file:
        rest, writing = b"", True
        while writing:
            # Asked before reading, so that the last words of a dead writer are still read.
            writing = alive()
            *lines, rest = (rest + file.read()).split(b"\n")
            yield from map(_LINES.decode, lines)
            if not lines:
                time.sleep(_POLL_SECONDS)
