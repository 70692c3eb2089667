"""The page of a training run: what became of it first, then the curves, then everything it was made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from punie.report import numbers
from punie.report.charts import Bar, LineChart, Series, draw_bars, draw_lines, sparkline
from punie.report.facts import Figure
from punie.report.html import render_page
from punie.report.phases import matrix_table
from punie.report.scored import checkpoint_scores, score_setting, told_scores
from punie.report.training import TrainingRecord, nats
from punie.training.echo import SETTLED_BEFORE, USED_AFTER, USED_BY_PARENT, arrivals
from punie.training.metrics import Echo, Probed, StageBegan, TrainLoss, ValidLoss
from punie.training.prediction import Prediction

_ITEMS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of the plan; `found` is what the child read back, empty where it never did."""

    key: str
    value: str
    given: bool
    found: str
    arrived: bool


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage as far as it came: the training loss of its first and last report, and validations from end to end."""

    name: str
    rows: int
    begins: int
    iters: int
    losses: str
    validated: str
    curve: str


def render_training(record: TrainingRecord) -> str:
    """The page, as one HTML document that can be encoded as UTF-8."""
    return render_page(
        "training.html",
        run=record,
        name=record.folder.root.name,
        figures=list(_figures(record)),
        losses=losses_of(record),
        scores=told_scores(record),
        curves=[chart for chart in _curves(record) if chart.lines],
        stages=[_stage(record, stage) for stage in record.told(StageBegan)],
        matrix=record.matrix and matrix_table(record.matrix),
        checkpoint_scores=checkpoint_scores(record),
        memory=_memory(record),
        seconds=_seconds(record),
        rows=record.told(Echo)[-1:],
        probes=record.told(Probed),
        settings=list(_settings(record)),
        facts=list(_facts(record)),
    )


def _figures(record: TrainingRecord) -> Iterator[Figure]:
    train, valid = record.told(TrainLoss), record.told(ValidLoss)
    if valid:
        end = valid[-1].loss if record.outcome is None else record.outcome.selection.loss
        text = _from_to(valid[0].loss, end if len(valid) > 1 else None)
        rows = record.told(Echo)[-1].valid_rows
        yield Figure("Validation loss", text, f"nats, on {valid[-1].rows:,} of {rows:,} rows")
    if train:
        yield Figure("Training loss", _from_to(train[0].loss, train[-1].loss), "first and last report")
    yield Figure("Iterations", f"{record.reached:,}", f"of {record.plan.iters:,} in the plan")
    if train:
        tokens, spent = train[-1].tokens, record.seconds["training steps"]
        yield Figure("Speed", f"{tokens / spent:,.0f} tokens/s", f"{numbers.duration(spent)} in steps")
        learned = train[-1].trained_tokens
        yield Figure("Learned from", f"{numbers.percent(learned / tokens)} of tokens", f"{learned:,} of {tokens:,}")
        estimate = "not estimated" if record.needs is None else f"estimated {numbers.size(record.needs.needs.total)}"
        yield Figure("Peak memory", numbers.size(record.peak_memory), estimate)
    if record.prediction is not None:
        yield _foretold(record, record.prediction)


def _foretold(record: TrainingRecord, told: Prediction) -> Figure:
    """Measured beside predicted; of a run that ended early or not at all there is nothing to measure."""
    spent = record.seconds["training steps"] + record.seconds["validating"]
    whole = record.outcome is not None and not record.outcome.stopped_early
    predicted = f"foretold {numbers.duration_within(told.seconds, told.plus_minus)}"
    if told.peak_memory is not None:
        predicted += f", peak {numbers.size(told.peak_memory)}"
    return Figure("Steps and validations", numbers.duration(spent) if whole else "not finished", predicted)


def losses_of(record: TrainingRecord) -> LineChart:
    """Training and validation loss as far as they are known, with stages and the chosen checkpoint."""
    train = tuple((metric.iteration, metric.loss) for metric in record.told(TrainLoss))
    valid = tuple((metric.iteration, metric.loss) for metric in record.told(ValidLoss))
    return draw_lines(
        "Loss",
        (Series("training", train), Series("validation", valid, marked=True)),
        description=f"{record.headline} Training and validation loss by iteration.",
        unit="nats per learned token",
        until=record.plan.iters if record.outcome is None else 0,
        height=300,
        log=True,
        landmarks=sorted(_landmarks(record)),
    )


def _landmarks(record: TrainingRecord) -> Iterator[tuple[float, str]]:
    for stage in record.told(StageBegan):
        yield stage.iteration, stage.stage
    for iteration in record.resumed_after:
        yield iteration, "resumed"
    if record.outcome is not None:
        yield record.outcome.selection.iteration, "adapter"


def _curves(record: TrainingRecord) -> Iterator[LineChart]:
    """What else was reported, over the same iterations."""
    reports, until = record.told(TrainLoss), record.plan.iters if record.outcome is None else 0

    def drawn(
        title: str,
        description: str,
        unit: str = "",
        *,
        log: bool = False,
        levels: Sequence[tuple[float, str]] = (),
        **values: Callable[[TrainLoss], float | None],
    ) -> LineChart:
        series = [
            Series(name, tuple((m.iteration, found) for m in reports if (found := value(m)) is not None))
            for name, value in values.items()
        ]
        return draw_lines(title, series, description=description, unit=unit, until=until, log=log, levels=levels)

    yield drawn("Speed", "Tokens a second, padding not counted.", "tokens/s", speed=lambda m: m.tokens_per_second)
    needs = record.needs
    unit, size = ("GB", 1e9) if record.peak_memory >= 1e9 else ("MB", 1e6)
    yield drawn(
        "Memory",
        "Memory in use at each report, its peak so far, and the estimate made before the first step.",
        unit,
        levels=[(needs.needs.total / size, "estimated")] if needs else [],
        peak=lambda m: m.peak_memory / size,
        active=lambda m: m.active_memory / size,
    )
    yield drawn(
        "Shares",
        "Padding of all computed positions, and tokens that carried loss of all tokens.",
        "%",
        padding=lambda m: 100 * m.padding,
        learned=lambda m: 100 * m.supervised,
    )
    yield drawn(
        "Gradient norm", "Norm of the mean gradient of the last update.", log=True, norm=lambda m: m.gradient_norm
    )
    yield drawn("Learning rate", "Learning rate of the last update.", rate=lambda m: m.learning_rate)


def _stage(record: TrainingRecord, stage: StageBegan) -> StageRow:
    losses = [metric.loss for metric in record.told(TrainLoss) if metric.stage == stage.stage]
    within = range(stage.iteration, stage.iteration + stage.iters + 1)
    validated = [metric.loss for metric in record.told(ValidLoss) if metric.iteration in within]
    texts = [_ends(losses) or "no report yet", _ends(validated) or "–"]
    return StageRow(stage.stage, stage.rows, stage.iteration, stage.iters, *texts, sparkline(losses))


def _memory(record: TrainingRecord) -> tuple[Bar, ...]:
    if record.needs is None or not record.peak_memory:
        return ()
    needs = record.needs.needs
    items = [(field.name, getattr(needs, field.name)) for field in fields(needs)]
    rows = [*items, ("estimated in all", needs.total), ("measured peak", record.peak_memory)]
    kinds = [*("other" for _ in items), "estimate", "part"]
    return draw_bars([(label, size, numbers.size(size)) for label, size in rows], kinds)


def _seconds(record: TrainingRecord) -> tuple[Bar, ...]:
    spent = record.seconds if record.told(Echo) else {}
    return draw_bars([(what, seconds, numbers.duration(seconds)) for what, seconds in spent.items()])


def _settings(record: TrainingRecord) -> Iterator[Setting]:
    """The plan as resolved, each key beside what came back of it."""
    echoes = record.told(Echo)
    back = {arrival.field: arrival for arrival in arrivals(record.plan, echoes[-1])} if echoes else {}
    for key, value in record.plan.model_dump().items():
        found, arrived = "", True
        if key in back and key not in echoes[-1].values and record.plan.is_default(key):
            found = "not known to the version that trained"
        elif key in back:
            found, arrived = _shown(back[key].found), back[key].arrived
        elif echoes and key in SETTLED_BEFORE:
            found = "as iters" if value is not None else _shown(None)
        elif key in USED_AFTER:
            found = _shown(record.matrix.per_category if record.matrix else None)
        elif key in USED_BY_PARENT:
            found = score_setting(record, key)
        yield Setting(key, _shown(value), not record.plan.is_default(key), found, arrived)


def _facts(record: TrainingRecord) -> Iterator[tuple[str, str]]:
    yield "Adapter folder", str(record.folder.root)
    yield "Model", record.plan.model
    yield "Data", record.plan.data
    if record.resumed_after:
        yield "Resumed after", ", ".join(f"iteration {iteration:,}" for iteration in record.resumed_after)
    for echo in record.told(Echo)[-1:]:
        yield "Model hash", echo.model_hash
        yield "Data hash", echo.data_hash
        if record.outcome is not None:
            yield "Adapter hash", record.outcome.adapter_hash
        share = numbers.percent(echo.trainable_parameters / echo.total_parameters)
        yield "Parameters", f"{echo.trainable_parameters:,} learned ({share}), {echo.total_parameters:,} in all"
        yield "Loss is computed at", echo.loss_route
        if echo.processes > 1:
            yield "Processes that trained together", str(echo.processes)
        yield from ((f"Version of {package}", version) for package, version in sorted(echo.versions.items()))


def _ends(losses: Sequence[float]) -> str:
    return _from_to(losses[0], losses[-1] if len(losses) > 1 else None) if losses else ""


def _from_to(first: float, last: float | None) -> str:
    return nats(first) if last is None else f"{nats(first)} → {nats(last)}"


def _shown(value: Any) -> str:
    """A value of a plan for a table: as YAML has it, long lists cut."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(part)}" for key, part in value.items() if part is not None)
    if isinstance(value, list | tuple) and any(isinstance(item, dict) for item in value):
        return "; ".join(map(_shown, value))
    if isinstance(value, list | tuple):
        more = f" and {len(value) - _ITEMS_SHOWN} more" if len(value) > _ITEMS_SHOWN else ""
        return ", ".join(map(_shown, value[:_ITEMS_SHOWN])) + more or "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
