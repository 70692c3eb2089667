"""Scores during a training in words: what was found, how far chance may have chosen, what they cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from punie.evaluation.stats import Interval, flattery
from punie.report import numbers
from punie.report.charts import LineChart, Series, draw_lines
from punie.training.metrics import Scored
from punie.training.scores import Score
from punie.training.selection import Selection


def found(score: Score) -> str:
    """12 of 20 right: 60.0%, 95% interval 38.7 to 78.1%; or why there is no score."""
    if not score.counted:
        return f"no score: {score.failure}"
    interval = numbers.percent_interval(Interval(score.low, score.high))
    return f"{score.right} of {score.counted} right: {numbers.percent(score.share)}, 95% interval {interval}"


def besides(score: Score) -> str:
    """How many answers could be read and how many said nothing; empty where there were none."""
    parts = [f"{score.parsable} of {score.written} parsable"] if score.written else []
    parts += [f"{score.degenerate} of {score.answers} degenerate"] if score.answers else []
    parts += [f"{score.unscored} unscored"] if score.unscored else []
    return ", ".join(parts)


def cost(metric: Scored) -> str:
    """What this scoring took, and what the rest will."""
    seconds = metric.score.seconds
    took = f"{seconds:.1f} s"
    return f"{took}; {metric.left} more, about {numbers.duration(seconds * metric.left)}" if metric.left else took


def choice(scores: Sequence[Score], selection: Selection) -> Iterator[str]:
    """What to think of a score by which a checkpoint was chosen, a sentence each; none where it was not."""
    if selection.score is None or selection.alike is None:
        return
    told = [score for score in scores if score.counted]
    yield f"The adapter has {found(selection.score)} on {selection.score.suite}."
    if len(told) > 1:
        yield (
            f"{selection.alike} of {len(told)} scores, its own included, lie within that interval: "
            "these cases do not tell such checkpoints apart."
        )
        pooled = sum(score.right for score in told) / sum(score.counted for score in told)
        points = 100 * flattery(pooled, selection.score.counted, len(told))
        yield (
            f"The best of {len(told)} flatters: were all equally good, chance alone would lift the highest "
            f"by up to {points:.1f} points on average."
        )
    yield "It is no result: it chose. The result comes from the test half."


def chart(scores: Sequence[Score], until: int) -> LineChart:
    """Right, parsable and degenerate answers in percent, by iteration."""
    told = [score for score in scores if score.counted]
    series = (
        Series(
            "right",
            tuple((s.iteration, 100 * s.share) for s in told),
            marked=True,
            reach=tuple((100 * s.low, 100 * s.high) for s in told),
        ),
        Series("parsable", tuple((s.iteration, 100 * s.parsable / s.written) for s in told if s.written), marked=True),
        Series("degenerate", tuple((s.iteration, 100 * s.degenerate / s.answers) for s in told), marked=True),
    )
    description = "Shares of the answers to the dev half of the suite, by iteration; of right ones with 95% intervals."
    return draw_lines("Score", series, description=description, unit="%", until=until)
