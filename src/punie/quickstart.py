"""The whole loop on sample data: data, baseline, training, evaluation, comparison.

Each step leaves something finished or something to go on from, so the same call resumes after any interruption.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from punie.data.check.validation import validate
from punie.data.dataset import Manifest, read_manifest
from punie.errors import InterruptedRun, UsageError
from punie.evaluation.options import EvaluationOptions
from punie.evaluation.outcomes import EvaluationRun
from punie.evaluation.runner import evaluate
from punie.evaluation.runs import read_run
from punie.evaluation.suite import load_suite
from punie.experiment.chain.products import run_told, training_told
from punie.experiment.watcher import Watcher
from punie.generate.sample import tiny_recipe, write_tiny
from punie.report.compare import compare, with_teaching
from punie.report.comparison import Comparison
from punie.report.pages import write_comparison_page, write_run_page, write_training_page
from punie.training.adapter import AdapterFolder
from punie.training.plan import TrainingPlan
from punie.training.presets import cautious, preset
from punie.training.request import parse_plan
from punie.training.runner import TrainingOutcome, train
from punie.workspace import EMBEDDED_MODEL, resolve_model

SUITE = "tiny"
_FRESH = "Start again with --fresh, which deletes what the quickstart made."


@dataclass(frozen=True, slots=True)
class QuickstartOptions:
    """`root` is the project folder; `unsafe_no_sandbox` runs the code it writes without a jail."""

    model: str = EMBEDDED_MODEL
    root: Path = Path()
    examples: int = 1000
    seed: int = 0
    fresh: bool = False
    unsafe_no_sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """The folders a quickstart writes, all named after it."""

    data: Path
    adapter: Path
    base: Path
    tuned: Path
    comparison: Path

    @classmethod
    def of(cls, options: QuickstartOptions) -> Places:
        suffix = (
            "" if options.model == EMBEDDED_MODEL else "-" + re.sub(r"[^A-Za-z0-9.]+", "-", options.model).strip("-")
        )
        name, root = f"quickstart{suffix}", options.root
        reports = root / "reports"
        return cls(
            data=root / "data" / name,
            adapter=root / "adapters" / name,
            base=reports / f"{name}-base",
            tuned=reports / f"{name}-tuned",
            comparison=reports / name,
        )

    def clear(self) -> None:
        """Delete what an earlier quickstart made, unfinished runs included."""
        unfinished = [run.with_name(f".{run.name}.partial") for run in (self.base, self.tuned)]
        for folder in (self.data, self.adapter, self.base, self.tuned, self.comparison, *unfinished):
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class QuickstartResult:
    outcome: TrainingOutcome
    comparison: Comparison
    page: Path
    places: Places


def quickstart(options: QuickstartOptions, watcher: Watcher | None = None) -> QuickstartResult:
    """Run the loop, or what is left of it. Raises whatever a step raises; the steps before it stay finished."""
    watcher = watcher or Watcher()
    model, places = resolve_model(options.model), Places.of(options)
    if options.fresh:
        places.clear()
    prepare_data(options, places, watcher)
    base = _evaluated(options, model, None, places.base, watcher)
    outcome = _trained(options, model, places, watcher)
    tuned = _evaluated(options, model, places.adapter, places.tuned, watcher)
    watcher.step("comparison")
    comparison = with_teaching(compare(base, tuned), base, tuned)
    page = write_comparison_page(comparison, places.comparison)
    watcher.done(comparison.claim)
    return QuickstartResult(outcome, comparison, page, places)


def prepare_data(options: QuickstartOptions, places: Places, watcher: Watcher) -> Manifest:
    """Write the chats unless they lie there, and validate them either way."""
    watcher.step("data")
    earlier = places.data.is_dir()
    if earlier:
        manifest = read_manifest(places.data)
        if manifest.recipe != tiny_recipe(options.examples, options.seed):
            raise UsageError("The data here are from another recipe.", where=str(places.data), hint=_FRESH)
    else:
        manifest = write_tiny(places.data, options.examples, options.seed)
    validate(places.data).require_sound()
    splits = ", ".join(f"{count} {split}" for split, count in manifest.counts.items())
    watcher.done(f"{sum(manifest.counts.values())} chats ({splits}), all valid", earlier=earlier)
    return manifest


def training_plan(options: QuickstartOptions, model: Path, places: Places) -> TrainingPlan:
    """The plan of the quickstart: the model's preset, or a cautious one for a model we do not know."""
    paths = {"model": options.model, "data": str(places.data), "adapter_path": str(places.adapter)}
    return parse_plan({**(preset(model) or cautious(model)), **paths, "seed": options.seed}, where="quickstart")


def _trained(options: QuickstartOptions, model: Path, places: Places, watcher: Watcher) -> TrainingOutcome:
    watcher.step("training")
    plan = training_plan(options, model, places)
    folder = AdapterFolder(places.adapter)
    earlier = folder.outcome.is_file()
    try:
        outcome = train(plan, resume=folder.plan.is_file(), on_metric=lambda metric: watcher.metric(metric, plan.iters))
    except InterruptedRun as error:
        raise InterruptedRun(error.what, where=error.where, hint="The same command goes on from there.") from error
    write_training_page(places.adapter)
    watcher.done(training_told(outcome), earlier=earlier)
    return outcome


def _evaluated(
    options: QuickstartOptions, model: Path, adapter: Path | None, folder: Path, watcher: Watcher
) -> EvaluationRun:
    watcher.step("baseline" if adapter is None else "evaluation")
    earlier = folder.is_dir()
    run = _earlier_run(folder, options) if earlier else _fresh_run(options, model, adapter, folder, watcher)
    write_run_page(run, folder)
    watcher.done(run_told(run), earlier=earlier)
    return run


def _fresh_run(
    options: QuickstartOptions, model: Path, adapter: Path | None, folder: Path, watcher: Watcher
) -> EvaluationRun:
    asked = EvaluationOptions(
        model=model,
        label=options.model,
        suites=(SUITE,),
        output=folder,
        adapter=adapter,
        unsafe_no_sandbox=options.unsafe_no_sandbox,
    )
    return asyncio.run(evaluate(asked, on_trial=watcher.trial, on_stage=watcher.stage))


def _earlier_run(folder: Path, options: QuickstartOptions) -> EvaluationRun:
    run = read_run(folder)
    asked = [suite.hash for suite in run.record.suites]
    if asked != [load_suite(SUITE).hash] or run.record.identity.model != options.model:
        raise UsageError("This run asked other questions, or another model.", where=str(folder), hint=_FRESH)
    return run
