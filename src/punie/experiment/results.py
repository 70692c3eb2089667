"""What an experiment found: figures of every arm over programs and seeds, and what its contrasts come to.

A contrast is told better or worse only where it is so over the programs and over the seeds: the first says that other
programs would give the same with these models, the second that other models trained alike would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from punie.curriculum.score import LEVELS
from punie.errors import DataError
from punie.evaluation.stats import ALPHA, Interval, holm, mean_interval, paired_bootstrap, sign_flip, student_interval
from punie.experiment.completion import MEASURES, Measured, read_measured
from punie.experiment.folder import ExperimentFolder, RunFolder
from punie.experiment.recipe import Contrast, CurriculumExperiment
from punie.training.adapter import AdapterFolder
from punie.training.metrics import TrainLoss, read_metrics
from punie.training.outcome import read_outcome

Runs = Mapping[int, Sequence[Measured]]
"""By seed, what was measured of each program, in the same order."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure of one arm. `interval` is over programs; None for a loss, which is no share."""

    mean: float
    interval: Interval | None
    of_seeds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ArmResult:
    name: str
    seeds: tuple[int, ...]
    figures: Mapping[str, Figure]
    levels: Mapping[str, float | None]
    """Greedy execution by difficulty."""
    empty: float | None
    """Greedy execution of programs that print nothing; None where there are none."""
    printing: float | None
    """Of the others."""
    shown: Mapping[str, float]
    """Rows of each phase that were learned from, the mean over seeds."""
    tokens: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Of a measure, arm minus the other; over seeds that both have."""

    mean: float
    over_programs: Interval
    of_seeds: tuple[float, ...]
    over_seeds: Interval


@dataclass(frozen=True, slots=True)
class ContrastResult:
    contrast: Contrast
    differences: Mapping[str, Difference]
    p: float
    """Of greedy execution over programs, exact, adjusted for the number of contrasts."""

    @property
    def verdict(self) -> str:
        """Of greedy execution."""
        execution = self.differences["execution"]
        for word, sign in (("better", 1), ("worse", -1)):
            if self.p < ALPHA and sign * execution.mean > 0 and _beyond(execution.over_seeds, sign):
                return word
        return "cannot tell"


@dataclass(frozen=True, slots=True)
class Results:
    programs: int
    empty: int
    difficulties: Mapping[str, int]
    arms: tuple[ArmResult, ...]
    contrasts: tuple[ContrastResult, ...]
    """Those of which both arms have two seeds in common."""
    missing: tuple[str, ...]
    """Runs that are not done."""


def read_results(folder: ExperimentFolder, recipe: CurriculumExperiment) -> Results:
    """Raises DataError where runs were not measured on the same programs."""
    runs: dict[str, dict[int, Sequence[Measured]]] = {arm: {} for arm in recipe.arms}
    missing = list[str]()
    for arm in recipe.arms:
        for seed in recipe.seeds:
            if (path := folder.run(arm, seed).measured).is_file():
                runs[arm][seed] = read_measured(path)
            else:
                missing.append(f"{arm}, seed {seed}")
    programs = _same_programs(runs, folder)
    return Results(
        programs=len(programs),
        empty=sum(one.empty for one in programs),
        difficulties={label: sum(one.difficulty == label for one in programs) for label in _labels(programs)},
        arms=tuple(_arm(arm, of_arm, folder) for arm, of_arm in runs.items() if of_arm),
        contrasts=contrasts_of(recipe, runs),
        missing=tuple(missing),
    )


def _same_programs(runs: Mapping[str, Runs], folder: ExperimentFolder) -> Sequence[Measured]:
    every = [measured for of_arm in runs.values() for measured in of_arm.values()]
    if len({tuple(one.id for one in measured) for measured in every}) > 1:
        raise DataError("The runs were not measured on the same programs.", where=str(folder.root / "runs"))
    return every[0] if every else ()


def _arm(name: str, runs: Runs, folder: ExperimentFolder) -> ArmResult:
    places = [folder.run(name, seed) for seed in runs]
    outcomes = [read_outcome(place.training) for place in places]
    programs = next(iter(runs.values()))
    return ArmResult(
        name=name,
        seeds=tuple(runs),
        figures={measure: _figure(measure, runs) for measure in MEASURES},
        levels={
            label: _execution(runs, lambda one, label=label: one.difficulty == label) for label in _labels(programs)
        },
        empty=_execution(runs, lambda one: one.empty),
        printing=_execution(runs, lambda one: not one.empty),
        shown=_shown(places),
        tokens=fmean(outcome.tokens for outcome in outcomes),
        seconds=fmean(outcome.seconds for outcome in outcomes),
    )


def _labels(programs: Sequence[Measured]) -> list[str]:
    """Those that there are, from the easiest on."""
    return [label for label in LEVELS if any(one.difficulty == label for one in programs)]


def _figure(measure: str, runs: Runs) -> Figure:
    of_programs = [fmean(values) for values in zip(*_values(measure, runs).values(), strict=True)]
    interval = None if measure == "output_loss" else mean_interval(of_programs, len(of_programs) * len(runs))
    return Figure(fmean(of_programs), interval, tuple(map(fmean, _values(measure, runs).values())))


def _values(measure: str, runs: Runs) -> dict[int, list[float]]:
    return {seed: [getattr(one, measure) for one in measured] for seed, measured in runs.items()}


def _execution(runs: Runs, counted: Callable[[Measured], bool]) -> float | None:
    found = [one.execution for measured in runs.values() for one in measured if counted(one)]
    return fmean(found) if found else None


def _shown(places: Sequence[RunFolder]) -> dict[str, float]:
    shown = Counter[str]()
    for place in places:
        for metric in read_metrics(AdapterFolder(place.training).metrics):
            if isinstance(metric, TrainLoss):
                shown.update(metric.phases)
    return {phase: rows / len(places) for phase, rows in shown.items()}


def contrasts_of(recipe: CurriculumExperiment, runs: Mapping[str, Runs]) -> tuple[ContrastResult, ...]:
    """Of those whose arms have two seeds in common."""
    found, p_values = list[tuple[Contrast, dict[str, Difference]]](), list[float]()
    for contrast in recipe.contrasts:
        seeds = [seed for seed in runs[contrast.arm] if seed in runs[contrast.against]]
        if len(seeds) > 1:
            arm, against = ({seed: runs[name][seed] for seed in seeds} for name in (contrast.arm, contrast.against))
            found.append((contrast, {measure: _difference(measure, arm, against) for measure in MEASURES}))
            p_values.append(sign_flip([round(sum(of_program)) for of_program in _pairs("execution", arm, against)]))
    adjusted = holm(p_values)
    return tuple(ContrastResult(*one, p) for one, p in zip(found, adjusted, strict=True))


def _difference(measure: str, arm: Runs, against: Runs) -> Difference:
    pairs = _pairs(measure, arm, against)
    of_programs, of_seeds = [fmean(pair) for pair in pairs], [fmean(of_seed) for of_seed in zip(*pairs, strict=True)]
    return Difference(fmean(of_programs), paired_bootstrap(of_programs), tuple(of_seeds), student_interval(of_seeds))


def _pairs(measure: str, arm: Runs, against: Runs) -> list[tuple[float, ...]]:
    """For each program its differences, seed by seed."""
    ours, theirs = _values(measure, arm), _values(measure, against)
    columns = [[a - b for a, b in zip(ours[seed], theirs[seed], strict=True)] for seed in ours]
    return list(zip(*columns, strict=True))


def _beyond(interval: Interval, sign: int) -> bool:
    return min(sign * interval.low, sign * interval.high) > 0
