"""The steps of a chain, a function each: what decides about it, and the library's function that does it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from punie import fingerprint
from punie.curriculum.difficulty import static_measure
from punie.curriculum.score import score
from punie.data.choose.build import build
from punie.data.choose.recipe import Recipe
from punie.data.compare.items import read_benchmark
from punie.data.draft import Draft
from punie.data.source import open_source
from punie.evaluation import outcomes
from punie.evaluation.checkpoints import checkpoint_scorer
from punie.evaluation.options import EvaluationOptions
from punie.evaluation.runner import evaluate
from punie.evaluation.runs import read_run
from punie.evaluation.suite import load_suite
from punie.experiment.chain import products
from punie.experiment.chain.folder import ChainFolder
from punie.experiment.chain.ledger import Ledger, Made, Step
from punie.experiment.chain.recipe import ChainExperiment
from punie.experiment.watcher import Watcher
from punie.files import hash_file, hash_value
from punie.report.compare import Terms, compare_all, with_teaching
from punie.report.pages import write_comparison_pages, write_run_page, write_training_page
from punie.shipping.fuse import fuse
from punie.shipping.quantize import name_of, quantize
from punie.training.adapter import AdapterFolder
from punie.training.plan import TrainingPlan
from punie.training.runner import train
from punie.workspace import resolve_adapter, resolve_model

_PLACES = {"model", "data", "adapter_path", "resume_from", "score_suite"}
"""Fields of a plan that say where something is: its content decides."""
_IDLE = {"memory_limit"}
"""Fields that change nothing that is learned or measured."""


@dataclass(frozen=True, slots=True)
class Work:
    """`where` is the recipe's file, for errors."""

    recipe: ChainExperiment
    folder: ChainFolder
    ledger: Ledger
    watcher: Watcher
    where: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model to be asked, under its name on the pages. `run` is there once it was."""

    name: str
    model: Made
    adapter: Made | None = None
    run: Made | None = None


def base(work: Work) -> Made:
    """The model as it is. Its tokenizer and chat template count: they decide what it reads."""
    folder = resolve_model(work.recipe.model)
    found = hash_value([fingerprint.model(folder), fingerprint.vocabulary(folder)])
    return Made(found, lambda: folder)


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
        inputs |= {name: hash_value(read_benchmark(Path(name))) for name in blend.decontaminate.against}
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


def train_adapter(work: Work, model: Made, rows: Made) -> Made:
    plan = work.recipe.plan(str(rows.folder()), str(work.folder.adapter), work.where)
    inputs = {"model": model.hash, "rows": rows.hash, **_beside(plan)}
    settings = plan.model_dump(mode="json", exclude=_PLACES | _IDLE)
    return work.ledger.do(
        Step("train", work.folder.adapter, products.ADAPTER, settings, inputs, lambda _: _trained(work, plan))
    )


def _beside(plan: TrainingPlan) -> dict[str, str]:
    found = {}
    if plan.score_suite is not None:
        found["score_suite"] = load_suite(plan.score_suite).hash
    if plan.resume_from is not None:
        found["resume_from"] = fingerprint.adapter(resolve_adapter(plan.resume_from))
    return found


def _trained(work: Work, plan: TrainingPlan) -> None:
    folder = AdapterFolder.of(plan)
    scorer = None if plan.score_suite is None else checkpoint_scorer(plan)
    train(
        plan,
        resume=folder.plan.is_file(),
        on_metric=lambda metric: work.watcher.metric(metric, plan.iters),
        scorer=scorer,
    )
    write_training_page(folder.root)


def fuse_adapter(work: Work, model: Made, adapter: Made) -> Made:
    asked = work.recipe.fuse
    assert asked is not None, "the recipe fuses"
    return work.ledger.do(
        Step(
            "fuse",
            work.folder.fused,
            products.MODEL,
            asked.model_dump(),
            {"model": model.hash, "adapter": adapter.hash},
            lambda output: fuse(
                adapter.folder(),
                output,
                model=str(model.folder()),
                requantize=asked.requantize,
                min_kept=asked.min_kept,
            ),
        )
    )


def quantize_model(work: Work, model: Made) -> list[Candidate]:
    """The model in each width, the widest first."""
    asked = work.recipe.quantize
    assert asked is not None, "the recipe quantizes"
    bits = sorted(asked.bits, reverse=True)
    made = work.ledger.do(
        Step(
            "quantize",
            work.folder.quantized,
            products.WIDTHS,
            {"bits": bits},
            {"model": model.hash},
            lambda output: quantize(str(model.folder()), bits, output),
        )
    )
    return [
        Candidate(name, Made(hash_value([made.hash, name]), lambda name=name: made.folder() / name))
        for name in map(name_of, bits)
    ]


def ask(work: Work, candidate: Candidate) -> Candidate:
    """The candidate with its run. Suites count by their cases, wherever they lie."""
    asked = work.recipe.evaluate
    assert asked is not None, "the recipe evaluates"
    inputs = {suite: load_suite(suite).hash for suite in asked.suites} | {"model": candidate.model.hash}
    if candidate.adapter is not None:
        inputs["adapter"] = candidate.adapter.hash
    settings = {**asked.model_dump(mode="json"), "run format": outcomes.FORMAT}
    step = Step(
        f"evaluate {candidate.name}",
        work.folder.evaluation(candidate.name),
        products.RUN,
        settings,
        inputs,
        lambda output: _asked(work, candidate, output, asked.model_dump()),
    )
    return Candidate(candidate.name, candidate.model, candidate.adapter, work.ledger.do(step))


def _asked(work: Work, candidate: Candidate, output: Path, settings: Mapping[str, Any]) -> None:
    options = EvaluationOptions(
        model=candidate.model.folder(),
        label=work.recipe.model if candidate.adapter or candidate.name == "base" else candidate.name,
        output=output,
        adapter=None if candidate.adapter is None else candidate.adapter.folder(),
        use_cache=True,
        **settings,
    )
    run = asyncio.run(evaluate(options, on_trial=work.watcher.trial, on_stage=work.watcher.stage))
    write_run_page(run, output)


def compare_models(work: Work, first: Candidate, others: Sequence[Candidate]) -> Path:
    """The folder of the comparison."""
    asked = work.recipe.compare
    assert asked is not None, "the recipe compares"
    runs = {one.name: one.run for one in (first, *others) if one.run is not None}
    made = work.ledger.do(
        Step(
            "compare",
            work.folder.comparison,
            products.COMPARED,
            {**asked.model_dump(mode="json", exclude={"gate"})},
            {name: run.hash for name, run in runs.items()},
            lambda output: _compared(work, [run.folder() for run in runs.values()], output),
        )
    )
    return made.folder()


def _compared(work: Work, folders: Sequence[Path], output: Path) -> None:
    asked = work.recipe.compare
    assert asked is not None, "the recipe compares"
    before, *runs = map(read_run, folders)
    found = compare_all(before, runs, Terms(asked.max_drop / 100, asked.categories))
    draft = Draft(output)
    try:
        write_comparison_pages(
            [with_teaching(one, before, run) for one, run in zip(found, runs, strict=True)], draft.folder, output.parent
        )
        draft.publish()
    finally:
        draft.discard()
