"""The experiment about curricula: programs with their difficulty, a model for each arm and seed, measured alike.

Each piece is made once. What lies whole in the folder is not made again, so the same command goes on after an
interruption, and several processes may share the work: each takes a run that nobody has.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from punie.curriculum.difficulty import static_measure
from punie.curriculum.score import score
from punie.errors import InterruptedRun, UsageError
from punie.experiment.completion import measure
from punie.experiment.folder import ExperimentFolder, interruptible, taking, waiting_for
from punie.experiment.recipe import CurriculumExperiment
from punie.experiment.report import write_report
from punie.experiment.results import Results, read_results
from punie.files import make_folder, write_text
from punie.generate.tinypy.rows import generate_tinypy
from punie.report.pages import write_training_page
from punie.training.adapter import AdapterFolder
from punie.training.metrics import Metric
from punie.training.pretrain.scratch import make_start
from punie.training.runner import train

Listener = Callable[[str, Metric | None], None]
"""Hears what is done, and what the training child says of it."""


def run(recipe: CurriculumExperiment, output: Path, command: str, on_news: Listener) -> Results:
    """Do what is left of the experiment, and write its report. `command` is what goes on after an interruption.

    Raises what making data, training and measuring raise, and UsageError where the folder has another experiment.
    """
    folder = ExperimentFolder(output.resolve())
    with waiting_for(folder.root):
        _require_same(folder, recipe)
        _make_programs(folder, recipe, on_news)
    try:
        with interruptible(folder.root, command):
            for seed in recipe.seeds:
                for arm in recipe.arms:
                    _run(folder, recipe, arm, seed, on_news)
    except InterruptedRun:
        _report(folder, recipe)
        raise
    return _report(folder, recipe)


def _report(folder: ExperimentFolder, recipe: CurriculumExperiment) -> Results:
    with waiting_for(folder.root):
        results = read_results(folder, recipe)
        write_report(folder, recipe, results)
    return results


def _require_same(folder: ExperimentFolder, recipe: CurriculumExperiment) -> None:
    if not folder.recipe.is_file():
        if any(folder.root.iterdir()):
            raise UsageError("The output folder is in use.", where=str(folder.root), hint="Choose another folder.")
        write_text(folder.recipe, recipe.to_yaml())
    elif folder.recipe.read_text() != recipe.to_yaml():
        raise UsageError(
            "An experiment goes on only under its own recipe.", where=str(folder.recipe), hint="Use another folder."
        )


def _make_programs(folder: ExperimentFolder, recipe: CurriculumExperiment, on_news: Listener) -> None:
    asked = recipe.programs
    if not folder.programs.is_dir():
        on_news(f"writing {asked.count:,} programs", None)
        generate_tinypy(folder.programs, asked.count, asked.seed, levels=asked.levels)
    if not folder.data.is_dir():
        on_news("measuring how hard they are", None)
        score(folder.programs, folder.data, [static_measure("overall")])


def _run(folder: ExperimentFolder, recipe: CurriculumExperiment, arm: str, seed: int, on_news: Listener) -> None:
    place = folder.run(arm, seed)
    with taking(place.root) as ours:
        if not ours or place.measured.is_file():
            return
        start, what = _start(folder, recipe, seed, on_news), f"{arm}, seed {seed}"
        on_news(f"{what}: training", None)
        plan = recipe.arm(arm, seed, folder.data).request(start, place.training, str(folder.recipe)).plan
        learned = AdapterFolder(place.training)
        train(plan, resume=learned.plan.is_file(), on_metric=lambda metric: on_news(what, metric))
        write_training_page(place.training)
        on_news(f"{what}: measuring", None)
        measure(start, learned.weights, folder.heldout, place.measured, place.log)


def _start(folder: ExperimentFolder, recipe: CurriculumExperiment, seed: int, on_news: Listener) -> Path:
    start, written = folder.start(seed), folder.start_recipe(seed)
    with waiting_for(make_folder(start.parent)):
        if not start.is_dir():
            on_news(f"drawing the first weights of seed {seed}", None)
            write_text(written, recipe.start(seed, folder.data).to_yaml())
            make_start(written, folder.data, start)
    return start
