"""The report of a self-improvement: one page, and the same figures unrounded for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from punie.evaluation.stats import flattery
from punie.files import write_json, write_text
from punie.improvement.folder import ImprovementFolder
from punie.improvement.improvement import Improvement
from punie.improvement.standing import Standing
from punie.report import numbers
from punie.report.charts import LineChart, Series, draw_lines
from punie.report.comparison import Verdict
from punie.report.experiments import write_experiment
from punie.report.html import demonstrates, render_page
from punie.report.rates import rate
from punie.report.record import comparison_record


def write_report(folder: ImprovementFolder, name: str, found: Improvement) -> None:
    """figures.json, report.html, and what the journal tells."""
    write_json(folder.figures, to_record(found))
    page = render_page(
        "improvement.html",
        name=name,
        found=found,
        headline=headline(found),
        sentences=list(sentences(found)),
        control=control_told(found),
        rounds=[(standing, rate(standing.dev.trials)) for standing in found.standings],
        chart=_chart(found),
        demonstration=demonstrates(found.chosen.dev.record),
    )
    write_text(folder.page, page)
    write_experiment(folder.root, "self-improvement", headline(found))


def to_record(found: Improvement) -> dict[str, Any]:
    """In JSON's values; shares and differences are 0..1."""
    return {
        "format": 1,
        "kind": "self-improvement",
        "headline": headline(found),
        "chosen": found.chosen.number,
        "ended": found.ended,
        "rounds": [_round(standing) for standing in found.standings],
        "test": None if found.comparison is None else comparison_record(found.comparison),
        "beside_control": None if found.beside_control is None else comparison_record(found.beside_control),
    }


def headline(found: Improvement) -> str:
    """What the test half says, or why it was not asked."""
    if found.comparison is None:
        return "No round was better on dev than the start, so the test half was not asked."
    return f"Round {found.chosen.number} beside the start: {found.comparison.headline}"


def control_told(found: Improvement) -> str:
    """Whether more training on the first rows alone does as well; empty where nobody looked."""
    if (beside := found.beside_control) is None:
        return ""
    rate = numbers.count(beside.overall.before)
    told = f"The start, trained as long on its first rows alone, has {rate} right: beside that, {beside.evidence}."
    if beside.verdict is Verdict.BETTER:
        return told
    return f"{told} So nothing shows that its own answers gained more than longer training does."


def sentences(found: Improvement) -> Iterator[str]:
    """Why it ended, why this round, and what being the best of several is worth."""
    rounds = len(found.standings) - 1
    yield f"It ended after round {rounds}: {found.ended}."
    if found.comparison is None:
        return
    scores = [rate(standing.dev.trials) for standing in found.standings]
    chosen = scores[found.chosen.number]
    yield f"Round {found.chosen.number} was chosen by its dev score, {numbers.count(chosen)}."
    pooled = sum(score.right for score in scores) / sum(score.counted for score in scores)
    points = 100 * flattery(pooled, chosen.counted, len(scores))
    yield (
        f"The best of {len(scores)} dev scores flatters: were all equally good, chance alone would lift the highest "
        f"by up to {points:.1f} points on average. The test half was asked of no other round."
    )


def dev_rows(found: Improvement) -> Iterator[tuple[str, ...]]:
    """A line for each round: what it learned, its dev score, and how it stands to the best before it."""
    for standing in found.standings:
        lesson, change = standing.lesson, standing.change
        learned = (f"{lesson.right:,} of {lesson.answers:,}", f"{lesson.rows:,}") if lesson else ("", "")
        rise = (numbers.signed(change.delta), numbers.p_number(change.p)) if change else ("", "")
        rose = "" if change is None else "yes" if standing.rose else "no"
        yield standing.name, *learned, numbers.count(rate(standing.dev.trials)), *rise, rose


def _round(standing: Standing) -> dict[str, Any]:
    score, change = rate(standing.dev.trials), standing.change
    return {
        "round": standing.number,
        "adapter": None if standing.adapter is None else str(standing.adapter),
        "lesson": None if standing.lesson is None else asdict(standing.lesson) | {"adapter": str(standing.adapter)},
        "dev": {"right": score.right, "counted": score.counted, "share": score.share},
        "delta": None if change is None else change.delta,
        "delta_interval": None if change is None else [change.delta_interval.low, change.delta_interval.high],
        "p": None if change is None else change.p,
        "rose": standing.rose,
    }


def _chart(found: Improvement) -> LineChart:
    scores = [rate(standing.dev.trials) for standing in found.standings]
    points = tuple((number, 100 * score.share) for number, score in enumerate(scores))
    reach = tuple((100 * score.interval.low, 100 * score.interval.high) for score in scores)
    return draw_lines(
        "Dev score",
        (Series("right", points, marked=True, reach=reach),),
        description="Share of the dev half that is right after each round, with 95 % intervals.",
        unit="%",
        across="round",
        until=max(1, len(scores) - 1),
    )
