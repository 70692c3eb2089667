"""Where the student stands after each round, which round is the best so far, and when it is enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from punie.evaluation.outcomes import EvaluationRun
from punie.improvement.recipe import ImprovementRecipe, Rise
from punie.improvement.rounds import Lesson
from punie.report.compare import compare
from punie.report.comparison import CategoryRow, Verdict


@dataclass(frozen=True, slots=True)
class Standing:
    """A round with its dev score, beside the best round before it. The start, round 0, has no lesson."""

    number: int
    adapter: Path | None
    dev: EvaluationRun
    lesson: Lesson | None = None
    change: CategoryRow | None = None
    rose: bool = False

    @property
    def name(self) -> str:
        return f"round {self.number}" if self.number else "start"


def rose(change: CategoryRow, rise: Rise) -> bool:
    """By more cases that are right, or by the exact paired test."""
    return change.verdict is Verdict.BETTER if rise == "better" else change.delta > 0


def stand(before: Sequence[Standing], lesson: Lesson, dev: EvaluationRun, rise: Rise) -> Standing:
    """The next round, held against the best of those before it."""
    change = compare(best(before).dev, dev).overall
    return Standing(len(before), lesson.adapter, dev, lesson, change, rose(change, rise))


def best(standings: Sequence[Standing]) -> Standing:
    """The last one that rose, or the start."""
    return next((standing for standing in reversed(standings) if standing.rose), standings[0])


def why_enough(standings: Sequence[Standing], recipe: ImprovementRecipe) -> str:
    """Why there is no further round; empty where there is one."""
    last, waited = standings[-1].number, standings[-1].number - best(standings).number
    if waited >= recipe.patience:
        were = f"{waited} were" if waited > 1 else "one was"
        sign = "shown to be better" if recipe.rise == "better" else "higher"
        return f"the last {were} not {sign} on dev than {best(standings).name}"
    return f"all {recipe.rounds} rounds were done" if last >= recipe.rounds else ""
