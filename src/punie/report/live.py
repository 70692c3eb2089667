"""What is shown of a run while it goes on: parts of a page that take each other's place."""

from __future__ import annotations

from collections.abc import Iterator

from punie.evaluation.underway import Underway
from punie.report import numbers
from punie.report.charts import Bar, draw_bars
from punie.report.facts import Figure
from punie.report.html import render_part
from punie.report.scored import told_scores
from punie.report.training import TrainingRecord, nats
from punie.report.training_page import losses_of
from punie.training.metrics import Scored, TrainLoss, ValidLoss


def training_part(record: TrainingRecord) -> str:
    """Of a training: how far, how fast, and the curves of its losses and scores."""
    figures = list(_training_figures(record))
    losses, scores = losses_of(record), told_scores(record)
    return render_part("live_training.html", run=record, figures=figures, losses=losses, scores=scores)


def evaluation_part(found: Underway) -> str:
    """Of an evaluation: how far, how fast, and how much is right so far."""
    return render_part("live_evaluation.html", run=found, figures=list(_asking_figures(found)), bars=_right(found))


def finished_part(page: str) -> str:
    """What is left to say at the end; `page` is where the report lies, or empty for a record too large to follow."""
    return render_part("live_finished.html", page=page)


def _training_figures(record: TrainingRecord) -> Iterator[Figure]:
    yield Figure("Iterations", f"{record.reached:,} of {record.plan.iters:,}")
    train, valid = record.told(TrainLoss), record.told(ValidLoss)
    if train:
        last = train[-1]
        left = (record.plan.iters - last.iteration) / last.iterations_per_second
        yield Figure("Time left", numbers.duration(left), "at the speed of the last report")
        yield Figure("Speed", f"{last.tokens_per_second:,.0f} tokens/s")
        yield Figure("Training loss", nats(last.loss), "nats")
    if valid:
        yield Figure("Validation loss", nats(valid[-1].loss), f"nats, after {valid[-1].iteration:,} iterations")
    for score in [metric.score for metric in record.told(Scored) if metric.score.counted][-1:]:
        right = f"{score.right} of {score.counted} right"
        yield Figure("Score", right, f"{score.suite}, after {score.iteration:,} iterations")


def _asking_figures(found: Underway) -> Iterator[Figure]:
    of = f" of {found.total:,}" if found.total else ""
    yield Figure("Answered", f"{found.answered:,}{of}", "and judged")
    if found.seconds_left is not None:
        yield Figure("Time left", numbers.duration(found.seconds_left), "at the speed so far")
    if found.tokens_per_second is not None:
        yield Figure("Speed", f"{found.tokens_per_second:,.0f} tokens/s")


def _right(found: Underway) -> tuple[Bar, ...]:
    counted = {name: count for name, count in found.counted.items() if count}
    shares = [(name, found.right.get(name, 0) / count) for name, count in counted.items()]
    bars = draw_bars(
        [(numbers.category(name), share, f"{found.right.get(name, 0)} of {counted[name]}") for name, share in shares]
    )
    return tuple(Bar(bar.label, bar.text, share) for bar, (_, share) in zip(bars, shares, strict=True))
