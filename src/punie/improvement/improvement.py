"""The loop: rounds from the student's own right answers while its dev score rises, then the test half, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from punie.experiment.folder import held, interruptible
from punie.experiment.watcher import Watcher
from punie.improvement.folder import ImprovementFolder, require_same
from punie.improvement.recipe import ImprovementRecipe
from punie.improvement.rounds import Workshop
from punie.improvement.school import open_school
from punie.improvement.standing import Standing, best, stand, why_enough
from punie.report.compare import compare, with_teaching
from punie.report.comparison import Comparison
from punie.report.pages import write_comparison_page


@dataclass(frozen=True, slots=True)
class Improvement:
    """Every round with its dev score, the chosen one, and what the test half says of it."""

    standings: tuple[Standing, ...]
    chosen: Standing
    ended: str
    """Why there was no further round."""
    comparison: Comparison | None
    """On the test half, with the start; None where the start was chosen."""
    beside_control: Comparison | None
    """The same with the control, where there is one."""


def improve(recipe: ImprovementRecipe, output: Path, command: str, watcher: Watcher) -> Improvement:
    """Do what is left of it. `command` is what goes on after an interruption.

    Raises what asking, training and evaluating raise, and UsageError where the folder has another one, or another
    process works on it.
    """
    folder, school = ImprovementFolder(output.resolve()), open_school(recipe)
    with interruptible(folder.root, command), held(folder.root):
        require_same(folder, school.begun(recipe))
        return _improve(Workshop(recipe, school, folder, watcher))


def _improve(shop: Workshop) -> Improvement:
    school, folder = shop.school, shop.folder
    begin = shop.sit("start: dev", school.dev, school.adapter, folder.round(0).dev)
    standings = [Standing(0, school.adapter, begin)]
    while not (ended := why_enough(standings, shop.recipe)):
        number = len(standings)
        if (lesson := shop.learn(number, standings[-1].adapter)) is None:
            ended = f"no answer of round {number} was right"
            break
        dev = shop.sit(f"round {number}: dev", school.dev, lesson.adapter, folder.round(number).dev)
        standings.append(stand(standings, lesson, dev, shop.recipe.rise))
    chosen = best(standings)
    return Improvement(tuple(standings), chosen, ended, *_tested(shop, standings, chosen))


def _tested(
    shop: Workshop, standings: Sequence[Standing], chosen: Standing
) -> tuple[Comparison | None, Comparison | None]:
    """The one look at the test half: of the start, of the round that dev chose, and of the control."""
    if chosen.number == 0:
        return None, None
    school, place = shop.school, shop.folder.test
    start = shop.sit("start: test", school.test, school.adapter, place / "start")
    after = shop.sit("chosen: test", school.test, chosen.adapter, place / f"round-{chosen.number}")
    comparison = with_teaching(compare(start, after), start, after)
    write_comparison_page(comparison, place)
    if school.replay is None or not shop.recipe.control:
        return comparison, None
    lessons = (standing.lesson for standing in standings[: chosen.number + 1])
    control = shop.practise(sum(lesson.iterations for lesson in lessons if lesson is not None))
    beside = compare(shop.sit("control: test", school.test, control, place / "control"), after)
    write_comparison_page(beside, place / "beside-control")
    return comparison, beside
