"""The tables of an experiment's report, as they stand in Markdown and on the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from punie.experiment.completion import MEASURES
from punie.experiment.recipe import CurriculumExperiment
from punie.experiment.results import ArmResult, ContrastResult, Figure, Results
from punie.report import numbers

_TITLES = {
    "execution": "execution",
    "execution_sampled": "execution, sampled",
    "output_loss": "loss of the output",
    "lines": "lines",
    "lines_sampled": "lines, sampled",
    "tokens": "characters",
    "tokens_sampled": "characters, sampled",
}

_LEGEND = """\
Execution: all that follows `# output` is right to its end. Lines: of the lines after the first, those that are
right given all that stands before. Characters: those that are right given all that stands before; each program weighs
alike. Plain figures are of greedy decoding; sampled ones are the chance at temperature 1. Loss of the output is in
nats per character. In brackets: 95 % over programs.
"""

_VERDICT = """\
Percentage points of greedy execution, arm minus the other. p: exact test over programs, adjusted for the number of
contrasts (Holm). Over seeds: the difference of each seed, and Student's 95 % interval of their mean. A verdict needs
p < 0.05 and an interval over seeds without 0.
"""


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` are as long as `head`; their first cell names them. `note` says what the figures mean."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def setup_of(recipe: CurriculumExperiment, results: Results) -> str:
    """What was done, and on what it was measured."""
    kinds = ", ".join(f"{count:,} {label}" for label, count in results.difficulties.items())
    return (
        f"{len(recipe.arms)} arms, seeds {', '.join(map(str, recipe.seeds))}, {recipe.iters:,} iterations each. "
        f"Measured on {results.programs:,} held-out programs ({kinds}), of which {results.empty:,} print nothing."
    )


def tables_of(recipe: CurriculumExperiment, results: Results) -> Iterator[Table]:
    """In the order in which they are read."""
    yield _arms(results)
    yield _kinds(results)
    yield _shown(recipe, results)
    if results.contrasts:
        yield _contrasts(results.contrasts)
        yield _by_measure(results.contrasts)
    if recipe.published:
        yield _published(recipe, results)


def _arms(results: Results) -> Table:
    rows = [[arm.name, *(_shown_figure(name, arm.figures[name]) for name in MEASURES)] for arm in results.arms]
    return Table("Arms", ["arm", *(_TITLES[name] for name in MEASURES)], rows, _LEGEND)


def _shown_figure(name: str, figure: Figure) -> str:
    if figure.interval is None:
        return f"{figure.mean:.3f}"
    return f"{numbers.percent(figure.mean)} ({numbers.percent_interval(figure.interval)})"


def _kinds(results: Results) -> Table:
    labels = [*results.arms[0].levels] if results.arms else []
    rows = [
        [
            arm.name,
            ", ".join(numbers.percent(share) for share in arm.figures["execution"].of_seeds),
            *map(_share, (*(arm.levels[label] for label in labels), arm.printing, arm.empty)),
        ]
        for arm in results.arms
    ]
    head = ["arm", "each seed", *labels, "prints something", "prints nothing"]
    return Table("Greedy execution by kind of program", head, rows)


def _share(share: float | None) -> str:
    return "none" if share is None else numbers.percent(share)


def _shown(recipe: CurriculumExperiment, results: Results) -> Table:
    names = [phase.name for phase in recipe.phases]
    rows = [
        [arm.name, *_shares(arm, names), f"{arm.tokens:,.0f}", numbers.duration(arm.seconds)] for arm in results.arms
    ]
    head = ["arm", *(f"{name}, % of rows" for name in names), "characters", "training"]
    return Table("What was shown", head, rows)


def _shares(arm: ArmResult, names: Iterable[str]) -> list[str]:
    total = sum(arm.shown.values())
    return [numbers.percent(arm.shown.get(name, 0) / total) if total else "" for name in names]


def _contrasts(contrasts: Sequence[ContrastResult]) -> Table:
    rows = []
    for one in contrasts:
        found = one.differences["execution"]
        seeds = f"{', '.join(map(numbers.points, found.of_seeds))} ({numbers.points_interval(found.over_seeds)})"
        pair = f"{one.contrast.arm} - {one.contrast.against}"
        over = f"{numbers.points(found.mean)} ({numbers.points_interval(found.over_programs)})"
        rows.append([one.contrast.question, pair, over, numbers.p_value(one.p), seeds, one.verdict])
    return Table("Contrasts", ["question", "arms", "over programs", "p", "over seeds", "verdict"], rows, _VERDICT)


def _by_measure(contrasts: Sequence[ContrastResult]) -> Table:
    rows = []
    for one in contrasts:
        cells = []
        for name in MEASURES[1:]:
            found = one.differences[name]
            cells.append(
                f"{found.mean:+.3f} ({found.over_seeds.low:+.3f} to {found.over_seeds.high:+.3f})"
                if name == "output_loss"
                else f"{numbers.points(found.mean)} ({numbers.points_interval(found.over_seeds)})"
            )
        rows.append([f"{one.contrast.arm} - {one.contrast.against}", *cells])
    note = "Means, with Student's 95 % interval over seeds, not adjusted; a lower loss is the better one."
    return Table("Contrasts by measure", ["arms", *(_TITLES[name] for name in MEASURES[1:])], rows, note)


def _published(recipe: CurriculumExperiment, results: Results) -> Table:
    """Sampled figures, since the paper samples; greedy execution is in the table above."""
    ours = {arm.name: arm.figures for arm in results.arms}

    def own(arm: str, measure: str) -> str:
        if arm not in ours:
            return "not measured"
        greedy, sampled = ours[arm][measure].mean, ours[arm][f"{measure}_sampled"].mean
        return f"{numbers.percent(greedy)} greedy, {numbers.percent(sampled)} sampled"

    rows = [
        [
            _TITLES[one.measure],
            f"{one.baseline:.2f}",
            f"{one.curriculum:.2f}",
            own(one.baseline_arm, one.measure),
            own(one.curriculum_arm, one.measure),
        ]
        for one in recipe.published
    ]
    arms = recipe.published[0]
    head = ["%", "there: baseline", "there: curriculum", f"here: {arms.baseline_arm}", f"here: {arms.curriculum_arm}"]
    return Table(f"Beside {recipe.source or 'what was published'}", head, rows)
