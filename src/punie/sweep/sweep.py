"""A sweep from its file to its result: every setting measured, one chosen, and what the choice is worth afterwards.

Each trial that has ended is never measured again, so the same command goes on after any interruption.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from punie.errors import InterruptedRun, TrainingError, UsageError
from punie.files import read_json, write_json, write_text
from punie.report.comparison import Comparison
from punie.sweep.final import Fresh, compare_on_test, measure_afresh
from punie.sweep.folder import SweepFolder
from punie.sweep.halving import Rung
from punie.sweep.measuring import Bench, Listener
from punie.sweep.plans import Workshop
from punie.sweep.recipe import SweepRecipe
from punie.sweep.selection import Choice, Measured, choose, standings
from punie.sweep.space import Setting
from punie.sweep.trial import Trial, TrialRecord


@dataclass(frozen=True, slots=True)
class Course:
    """The trials of a sweep that have ended, rung by rung, and those for which the budget did not last."""

    rungs: tuple[Rung, ...]
    records: tuple[TrialRecord, ...]
    left: tuple[Trial, ...]
    """Of the rung in which the budget was spent; later rungs have no trials yet."""


@dataclass(frozen=True, slots=True)
class SweepResult:
    """`choice` is one of `settings`, measured by `trial` first. `fields` are those whose arrival each trial proves."""

    recipe: SweepRecipe
    folder: SweepFolder
    settings: tuple[Setting, ...]
    fields: tuple[str, ...]
    course: Course
    choice: Choice
    trial: Trial
    fresh: Fresh
    test: Comparison | None


def run(recipe: SweepRecipe, output: Path, command: str, on_news: Listener) -> SweepResult:
    """Do what is left of the sweep. `command` is what goes on after an interruption.

    Raises UsageError where a setting makes no plan, or the folder has another sweep, before anything is started;
    TrainingError where no trial came to anything; InterruptedRun.
    """
    folder = SweepFolder(output.resolve())
    settings = tuple(recipe.listed())
    workshop = Workshop(recipe, folder, settings)
    fields = workshop.check()
    with folder.claimed():
        _require_same(workshop)
        try:
            return _result(workshop, fields, on_news)
        except (InterruptedRun, KeyboardInterrupt) as error:
            what = "The sweep was interrupted; what is done is kept."
            raise InterruptedRun(what, where=str(folder.root), hint=f"Go on with: {command}") from error


def _result(workshop: Workshop, fields: tuple[str, ...], on_news: Listener) -> SweepResult:
    course = _run_trials(workshop, Bench(workshop, fields, on_news))
    choice = chosen(workshop.recipe, course)
    if choice is None:
        raise TrainingError(
            f"None of {len(course.records)} trials came to anything.",
            where=str(workshop.folder.root),
            hint=course.records[0].reason,
        )
    trial = _trial_of(workshop, choice, course.rungs)
    fresh = measure_afresh(workshop, trial, on_news)
    test = compare_on_test(workshop, trial, on_news)
    parts = (workshop.recipe, workshop.folder, workshop.settings, fields, course, choice, trial, fresh, test)
    return SweepResult(*parts)


def chosen(recipe: SweepRecipe, course: Course) -> Choice | None:
    cut = {trial.rung for trial in course.left}
    whole = {record.rung for record in course.records} - cut
    return choose([*_measured(recipe, course.records)], whole, lower=recipe.lower)


def value_of(recipe: SweepRecipe, record: TrialRecord) -> float | None:
    """What a trial is compared by; None where it failed."""
    if not record.done:
        return None
    if recipe.lower:
        return record.valid_loss
    return None if record.score is None else record.score.share


def _measured(recipe: SweepRecipe, records: Sequence[TrialRecord]) -> Iterator[Measured]:
    for record in records:
        if (value := value_of(recipe, record)) is not None:
            cases = record.score.effective if record.score else 0
            yield Measured(record.setting, record.rung, recipe.seeds.index(record.seed), value, cases)


def _run_trials(workshop: Workshop, bench: Bench) -> Course:
    """Rung by rung; within one, every setting with the first seed before any with the second."""
    recipe, records = workshop.recipe, list[TrialRecord]()
    rungs, alive = recipe.rungs(len(workshop.settings)), list(workshop.settings)
    for rung in rungs:
        if rung.number:
            ranked = standings([*_measured(recipe, records)], rung=rung.number - 1, lower=recipe.lower)
            best = {standing.setting for standing in ranked[: rung.settings]}
            alive = [setting for setting in alive if setting.number in best]
        asked = [Trial(setting, seed, rung.number, rung.length) for seed in recipe.seeds for setting in alive]
        for place, trial in enumerate(asked):
            if _spent(recipe, records):
                return Course(rungs, tuple(records), tuple(asked[place:]))
            records.append(bench.measure(trial, records))
    return Course(rungs, tuple(records), ())


def _spent(recipe: SweepRecipe, records: Sequence[TrialRecord]) -> bool:
    minutes, trials = recipe.budget.minutes, recipe.budget.trials
    over_time = minutes is not None and sum(record.seconds for record in records) >= 60 * minutes
    return over_time or (trials is not None and len(records) >= trials)


def _trial_of(workshop: Workshop, choice: Choice, rungs: Sequence[Rung]) -> Trial:
    """The chosen setting with the first seed."""
    setting = next(one for one in workshop.settings if one.number == choice.setting)
    return Trial(setting, workshop.recipe.seeds[0], choice.rung, rungs[choice.rung].length)


def _require_same(workshop: Workshop) -> None:
    """A sweep goes on only as it began, but for its budget. Raises UsageError."""
    folder, inputs = workshop.folder, workshop.inputs()
    now = workshop.recipe.model_copy(update={"budget": None}).to_yaml()
    if not folder.recipe.is_file():
        if any(path.name != ".lock" for path in folder.root.iterdir()):
            raise UsageError("The output folder is in use.", where=str(folder.root), hint="Choose another folder.")
        write_json(folder.inputs, inputs)
        write_text(folder.recipe, now)
        return
    if folder.recipe.read_text() != now:
        what = "A sweep goes on only under its own file; only the budget may be another."
        raise UsageError(what, where=str(folder.recipe), hint="Choose another folder.")
    then = read_json(folder.inputs)
    if unlike := [name for name in inputs if then.get(name) != inputs[name]]:
        what = f"Since the sweep began, {unlike[0]} has changed: earlier trials cannot be compared with later ones."
        raise UsageError(what, where=str(folder.root), hint="Choose another folder, or put back what was there.")
