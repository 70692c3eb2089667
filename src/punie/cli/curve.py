"""What a training run has told so far, as a few lines: two curves of blocks, and the figures of the last report."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from punie.training.metrics import Metric, TrainLoss, ValidLoss

_BLOCKS = "▁▂▃▄▅▆▇█"

Points = list[tuple[int, float]]
"""Iteration and loss, rising by iteration."""


class LossCurve:
    """Training above validation, on one scale and one axis; a column for each report, or as many as there is room."""

    def __init__(self) -> None:
        self.train: Points = []
        self.valid: Points = []

    def lines(self, width: int) -> list[Text]:
        """At most two lines of at most `width` columns; a kind of loss that was not reported has none."""
        told = [kind for kind in (("loss ", self.train, "cyan"), ("valid", self.valid, "magenta")) if kind[1]]
        if not told:
            return []
        heads = [f"{name} {points[-1][1]:<6.3f} " for name, points, _ in told]
        room = max(1, min(width - max(map(len, heads)), len(self.train)))
        first, last = min(points[0][0] for _, points, _ in told), max(points[-1][0] for _, points, _ in told)
        rows = [_columns(points, first, last, room) for _, points, _ in told]
        blocks = _blocks(rows)
        return [Text.assemble(head, (row, style)) for head, row, (_, _, style) in zip(heads, blocks, told, strict=True)]


def _columns(points: Points, first: int, last: int, count: int) -> list[float | None]:
    """The mean loss of each of `count` equal parts of the iterations; None where nothing was reported."""
    parts: list[list[float]] = [[] for _ in range(count)]
    for iteration, loss in points:
        parts[(iteration - first) * count // (last - first + 1)].append(loss)
    return [sum(part) / len(part) if part else None for part in parts]


def _blocks(rows: Sequence[Sequence[float | None]]) -> list[str]:
    """Each row of values as one string, all on the scale from the lowest to the highest value."""
    known = [value for row in rows for value in row if value is not None]
    low, span = min(known), max(known) - min(known) or 1.0
    top = len(_BLOCKS) - 1
    return [
        "".join(" " if value is None else _BLOCKS[round((value - low) / span * top)] for value in row) for row in rows
    ]


class TrainingFacts:
    """Heard from the child, and drawn into a given width."""

    def __init__(self) -> None:
        self._curve = LossCurve()
        self._last: TrainLoss | None = None

    def add(self, metric: Metric) -> None:
        match metric:
            case TrainLoss():
                self._last = metric
                self._curve.train.append((metric.iteration, metric.loss))
            case ValidLoss():
                self._curve.valid.append((metric.iteration, metric.loss))
            case _:
                pass

    def lines(self, width: int) -> list[Text]:
        figures = [] if self._last is None else figures_of(self._last)
        return [*self._curve.lines(width), *flow(figures, width)]


def figures_of(metric: TrainLoss) -> list[str]:
    """Everything of a report but its loss."""
    return [
        f"{metric.tokens_per_second:,.0f} tokens/s",
        f"padding {metric.padding:.0%}",
        f"learned {metric.supervised:.0%}",
        f"memory {metric.peak_memory / 1e9:.2f} GB",
        f"rate {metric.learning_rate:.1e}",
    ]


def flow(items: Sequence[str], width: int) -> list[Text]:
    """The items side by side, in as many lines as they need; none is broken where it fits a line of its own."""
    lines = [""]
    for item in items:
        longer = f"{lines[-1]}  {item}" if lines[-1] else item
        if len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(item)
    return [Text(line) for line in lines if line]
