"""What a recipe names, read once before the first round: the student, its tasks, its exams, the rows to replay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from punie import fingerprint
from punie.data.compare.items import Benchmark
from punie.data.source import open_source
from punie.distil.tasks import Task, read_tasks
from punie.evaluation.suite import Suite, case_row, hash_cases, load_suite
from punie.improvement.recipe import ImprovementRecipe
from punie.training.adapter import read_adapter
from punie.workspace import resolve_adapter, resolve_model


@dataclass(frozen=True, slots=True)
class School:
    """The model's folder, the adapter it begins with, the tasks and both halves of the exam."""

    model: Path
    adapter: Path | None
    tasks: tuple[Task, ...]
    dev: Suite
    test: Suite
    replay: Path | None
    """The file of rows to mix in."""

    @property
    def exams(self) -> tuple[Benchmark, ...]:
        """What no round may teach."""
        return tuple(Benchmark.of(suite.name, map(case_row, suite.cases)) for suite in (self.dev, self.test))

    def begun(self, recipe: ImprovementRecipe) -> dict[str, Any]:
        """The recipe and what it names, by content: what must be equal when it goes on."""
        return {
            "format": 1,
            **recipe.model_dump(mode="json"),
            "content of tasks": hash_cases(task.case for task in self.tasks),
            "content of suite": [self.dev.hash, self.test.hash],
            "content of model": fingerprint.model(self.model),
            "content of adapter": None if self.adapter is None else fingerprint.adapter(self.adapter),
            "content of replay": None if self.replay is None else open_source(self.replay).fingerprint(),
        }


def open_school(recipe: ImprovementRecipe) -> School:
    """Raises UsageError where something that the recipe names is not there, or the suite lacks a half."""
    suite = load_suite(recipe.suite)
    return School(
        model=resolve_model(recipe.model),
        adapter=None if recipe.adapter is None else read_adapter(resolve_adapter(recipe.adapter)).folder,
        tasks=read_tasks(Path(recipe.tasks)),
        dev=suite.of_half("dev"),
        test=suite.of_half("test"),
        replay=None if recipe.replay is None else open_source(Path(recipe.replay)).splits["train"].resolve(),
    )
