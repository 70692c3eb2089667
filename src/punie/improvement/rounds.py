"""One round: the student answers, what is right becomes rows, the adapter so far learns them and sits the dev half.

Each piece is made once and lies whole in the round's folder, so a round goes on where it was killed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from punie.data.dataset import Manifest, read_manifest
from punie.data.writer import NothingKept
from punie.distil.budget import Budget
from punie.distil.distil import Options, distil
from punie.distil.verdicts import NOT_CHOSEN
from punie.evaluation.options import EvaluationOptions
from punie.evaluation.outcomes import EvaluationRun
from punie.evaluation.runner import evaluate
from punie.evaluation.runs import read_run
from punie.evaluation.suite import Suite
from punie.experiment.watcher import Watcher
from punie.improvement.folder import ImprovementFolder, RoundFolder
from punie.improvement.mixing import mix
from punie.improvement.recipe import ImprovementRecipe
from punie.improvement.school import School
from punie.report.pages import write_run_page, write_training_page
from punie.serving.arms import LocalModel
from punie.serving.completion import Sampling
from punie.training.adapter import AdapterFolder
from punie.training.outcome import TrainingOutcome
from punie.training.plan import TrainingPlan
from punie.training.runner import train


@dataclass(frozen=True, slots=True)
class Lesson:
    """What became of the student's answers in a round, and how long it learned from them.

    `right` were right and may be taught, `kept` of them are rows; `rows` has the replayed ones too.
    """

    adapter: Path
    answers: int
    right: int
    kept: int
    rows: int
    iterations: int


@dataclass(frozen=True, slots=True)
class Workshop:
    """All that every round shares."""

    recipe: ImprovementRecipe
    school: School
    folder: ImprovementFolder
    watcher: Watcher

    def learn(self, number: int, adapter: Path | None) -> Lesson | None:
        """Train the adapter of this round from the one so far; None where no answer was right."""
        place = self.folder.round(number)
        if (own := self._ask(number, place, adapter)) is None:
            return None
        kept, passed_over = own.counts["train"], own.removed.get(NOT_CHOSEN, 0)
        seed = self.recipe.seed + number
        rows = mix(place.rows, self.school.replay, place.data, self.recipe.replay_share, seed)
        plan = self.recipe.plan(number, place.data, adapter, place.adapter)
        outcome = self._train(f"round {number}: training", plan, rows)
        return Lesson(
            adapter=place.adapter,
            answers=kept + sum(own.removed.values()),
            right=kept + passed_over,
            kept=kept,
            rows=rows,
            iterations=outcome.iterations,
        )

    def practise(self, iterations: int) -> Path:
        """Train the start on the replayed rows alone, and return its adapter."""
        place, replay = self.folder.control, self.school.replay
        assert replay is not None, "a control learns what is replayed"
        rows = mix(replay, None, place.data, 0, self.recipe.seed)
        plan = self.recipe.plan(0, place.data, self.school.adapter, place.adapter, iterations)
        self._train("control: training", plan, rows)
        return place.adapter

    def sit(self, what: str, suite: Suite, adapter: Path | None, output: Path) -> EvaluationRun:
        """The answers to an exam, asked for unless they lie there."""
        self.watcher.step(what)
        if earlier := output.is_dir():
            run = read_run(output)
        else:
            asked = EvaluationOptions(
                model=self.school.model,
                label=self.recipe.model,
                suites=(suite,),
                output=output,
                adapter=adapter,
                half="all",
                concurrency=self.recipe.concurrency,
                unsafe_no_sandbox=self.recipe.unsafe_no_sandbox,
            )
            run = asyncio.run(evaluate(asked, on_trial=self.watcher.trial, on_stage=self.watcher.stage))
        write_run_page(run, output)
        right = sum(trial.right for trial in run.trials)
        self.watcher.done(f"{right} of {sum(trial.counted for trial in run.trials)} cases right", earlier=earlier)
        return run

    def _ask(self, number: int, place: RoundFolder, adapter: Path | None) -> Manifest | None:
        self.watcher.step(f"round {number}: answers")
        if earlier := place.rows.is_dir():
            manifest = read_manifest(place.rows)
        else:
            asked = distil(self._questions(place, adapter), on_answer=self.watcher.asked, on_stage=self.watcher.stage)
            try:
                manifest = asyncio.run(asked).manifest
            except NothingKept:
                self.watcher.done("no answer is right and may be learned")
                return None
        self.watcher.done(f"{manifest.counts['train']} right ones to learn", earlier=earlier)
        return manifest

    def _questions(self, place: RoundFolder, adapter: Path | None) -> Options:
        recipe = self.recipe
        return Options(
            teacher=LocalModel(self.school.model, adapter),
            label=recipe.model,
            tasks=self.school.tasks,
            output=place.rows,
            answers=self.folder.answers,
            sampling=Sampling(recipe.temperature, recipe.top_p, recipe.max_tokens),
            samples=recipe.samples,
            keep=recipe.keep,
            width=recipe.concurrency,
            budget=Budget(),
            against=self.school.exams,
            unsafe_no_sandbox=recipe.unsafe_no_sandbox,
        )

    def _train(self, what: str, plan: TrainingPlan, rows: int) -> TrainingOutcome:
        self.watcher.step(what)
        learned = AdapterFolder.of(plan)
        earlier = learned.outcome.is_file()
        outcome = train(
            plan, resume=learned.plan.is_file(), on_metric=lambda metric: self.watcher.metric(metric, plan.iters)
        )
        write_training_page(learned.root)
        self.watcher.done(f"{outcome.iterations} iterations on {rows} rows", earlier=earlier)
        return outcome
