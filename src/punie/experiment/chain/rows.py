"""Steps that make rows: what decides about each, and the library's function that does it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from punie.curriculum.difficulty import static_measure
from punie.curriculum.score import score
from punie.data.choose.build import build
from punie.data.choose.recipe import Recipe
from punie.data.compare.items import read_benchmark
from punie.data.source import open_source
from punie.experiment.chain import products
from punie.experiment.chain.ledger import Made, Step
from punie.experiment.chain.work import Work
from punie.files import hash_file, hash_value


def make_rows(work: Work) -> Made:
    """The rows to learn from, with their difficulty where that is asked for."""
    return _scored(work, _data(work))


def _data(work: Work) -> Made:
    asked = work.recipe.data
    made = {name: _source(work, name) for name in work.recipe.sources}
    blend = work.recipe.blend(f"{work.where}, key data")
    if blend is not None:
        return _blended(work, blend, made)
    if asked in made:
        return made[str(asked)]
    folder = Path(str(asked))
    return Made(open_source(folder).fingerprint(), lambda: folder)


def _source(work: Work, name: str) -> Made:
    origin = work.recipe.sources[name]
    return work.ledger.do(
        Step(
            f"source {name}",
            work.folder.source(name),
            products.DATASET,
            origin.model_dump(mode="json"),
            {str(file): hash_file(file) for file in origin.files},
            lambda output: origin.make(output, work.watcher.rows),
        )
    )


def _blended(work: Work, blend: Recipe, made: Mapping[str, Made]) -> Made:
    """A source of the recipe that is called like one of ours is that one."""

    def placed(output: Path) -> object:
        sources = tuple(
            source.model_copy(update={"path": str(made[source.path].folder())}) if source.path in made else source
            for source in blend.sources
        )
        return build(blend.model_copy(update={"sources": sources}), output, work.watcher.rows)

    inputs = {
        source.path: made[source.path].hash if source.path in made else open_source(Path(source.path)).fingerprint()
        for source in blend.sources
    }
    if blend.decontaminate is not None:
        inputs |= {f"against {name}": hash_value(read_benchmark(Path(name))) for name in blend.decontaminate.against}
    settings = blend.model_dump(mode="json")
    return work.ledger.do(Step("data", work.folder.data, products.DATASET, settings, inputs, placed))


def _scored(work: Work, rows: Made) -> Made:
    lessons = work.recipe.curriculum
    if lessons is None or not lessons.measures:
        return rows
    measures = [static_measure(name, lessons.language) for name in lessons.measures]
    settings = {
        "measures": lessons.measures,
        "thresholds": lessons.thresholds,
        "made with": [dict(measure.made_with) for measure in measures],
    }
    return work.ledger.do(
        Step(
            "curriculum",
            work.folder.scored,
            products.DATASET,
            settings,
            {"rows": rows.hash},
            lambda output: score(
                rows.folder(), output, measures, thresholds=lessons.thresholds, progress=work.watcher.rows
            ),
        )
    )
