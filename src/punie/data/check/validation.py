"""Is this dataset fit to be taught from? Every row of every split, with all that is wrong and where."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from punie.data.blocks import read_blocks
from punie.data.check.inspection import Inspector, Problem, Tally
from punie.data.check.rendering import Rendering, render
from punie.data.dataset import MANIFEST, read_manifest
from punie.data.progress import Progress, unheard, watched
from punie.data.source import Source, open_source
from punie.errors import DataError

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Caution:
    """Something that is allowed and may still be a mistake."""

    file: str
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found. `first` holds the first problems; a dataset may have more of them than memory.

    `failed` are rows, `rules` are problems by rule: one row can have several.
    """

    counts: Mapping[str, int]
    shapes: Mapping[str, int]
    failed: int
    rules: Mapping[str, int]
    first: tuple[Problem, ...]
    cautions: tuple[Caution, ...]
    rendering: Rendering | None = None

    @property
    def rows(self) -> int:
        return sum(self.counts.values())

    @property
    def problems(self) -> int:
        return sum(self.rules.values())

    def require_sound(self, tolerance: float = 0.0) -> None:
        """Raises DataError with the first problems where more than `tolerance` percent of the rows have one."""
        if self.failed * 100 > tolerance * self.rows:
            limit = f", more than {tolerance:g} %" if tolerance else ""
            what = f"Rows that cannot be taught from: {self.failed} of {self.rows}{limit}."
            raise DataError(what, hint="\n".join(self._first_lines()))

    def _first_lines(self) -> Iterator[str]:
        for problem in self.first:
            yield f"{problem.where}: {problem.path} {problem.message}. {problem.fix}"
        if more := self.problems - len(self.first):
            yield f"... and {more} more"


@dataclass(slots=True)
class _Ear:
    """Counts problems, keeps the first ones, and passes all of them on."""

    pass_on: Callable[[Problem], None]
    rules: Counter[str] = field(default_factory=Counter)
    first: list[Problem] = field(default_factory=list)

    def hear(self, problem: Problem) -> None:
        self.rules[problem.rule] += 1
        if len(self.first) < _SHOWN:
            self.first.append(problem)
        self.pass_on(problem)


def validate(
    path: Path,
    *,
    model: Path | None = None,
    max_seq_length: int = 2048,
    on_problem: Callable[[Problem], None] = lambda problem: None,
    progress: Progress = unheard,
) -> Validation:
    """Look at every row of a dataset folder or a .jsonl file, in constant memory; with a model, render every row.

    `on_problem` hears every problem.
    Raises UsageError where there is no dataset or no tokenizer, DataError where there is no row to train on.
    """
    source, ear = open_source(path), _Ear(on_problem)
    tallies = _inspect(source, ear.hear, progress)
    if not tallies["train"].rows:
        raise DataError("The train split is empty.", where=str(source.splits["train"]))
    rendering = None
    if model is not None:
        rendering = render(source, model, max_seq_length, on_problem=ear.hear, progress=progress)
    counts = {split: tally.rows for split, tally in tallies.items()}
    failed = sum(tally.failed for tally in tallies.values()) + (rendering.failed if rendering else 0)
    shapes = +sum((tally.shapes for tally in tallies.values()), Counter[str]())
    cautions = (*_cautions(source, counts), *(_model_cautions(rendering, str(model)) if rendering else ()))
    return Validation(counts, dict(shapes), failed, dict(ear.rules), tuple(ear.first), cautions, rendering)


def _inspect(source: Source, hear: Callable[[Problem], None], progress: Progress) -> dict[str, Tally]:
    inspectors = {split: Inspector(file) for split, file in source.splits.items()}
    blocks = ((inspectors[split], block) for split, file in source.splits.items() for block in read_blocks(file))
    with _no_collector():
        for inspector, block in watched(blocks, progress, "reading", source.size, lambda item: item[1].size):
            for problem in inspector.inspect(block):
                hear(problem)
    return {split: inspector.tally for split, inspector in inspectors.items()}


@contextmanager
def _no_collector() -> Generator[None]:
    """Rows hold no cycles: looking for some costs a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _cautions(source: Source, counts: Mapping[str, int]) -> tuple[Caution, ...]:
    found: list[Caution] = []
    if source.root.is_dir() and not counts.get("valid"):
        message = "There are no rows in valid.jsonl: training will have no validation loss."
        found.append(Caution(str(source.root), "no-valid-split", message))
    manifest = source.root / MANIFEST
    if source.root.is_dir() and manifest.is_file() and (written := read_manifest(manifest.parent).counts) != counts:
        message = f"dataset.json speaks of {_spell(written)}: the files were changed since."
        found.append(Caution(str(manifest), "changed-since-written", message))
    return tuple(found)


def _model_cautions(rendering: Rendering, model: str) -> Iterator[Caution]:
    end, stops = rendering.end_of_turn, rendering.stops
    if end and end not in stops:
        message = f"An answer ends with {end}, and generation stops at {', '.join(stops) or 'nothing'}: it would go on."
        yield Caution(model, "end-of-turn", message)
    for mark, pieces in rendering.split_marks.items():
        yield Caution(
            model, "split-mark", f"The template writes {mark}, which the tokenizer cuts into {pieces} tokens."
        )


def _spell(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {split} rows" for split, count in counts.items())
