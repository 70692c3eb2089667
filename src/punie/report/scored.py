"""The part of a training's page about the scores that its checkpoints had on the way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from punie.report.charts import LineChart
from punie.report.scores import besides, chart, choice, found
from punie.report.training import TrainingRecord
from punie.training.metrics import Scored, StageBegan
from punie.training.scores import Score


@dataclass(frozen=True, slots=True)
class ScoreRow:
    iteration: int
    found: str
    besides: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ToldScores:
    """`sentences` say what to think of the choice, where a score was what chose."""

    suite: str
    chart: LineChart
    rows: tuple[ScoreRow, ...]
    sentences: tuple[str, ...]


def told_scores(record: TrainingRecord) -> ToldScores | None:
    """None of a run that was not scored."""
    scores = [metric.score for metric in record.told(Scored)]
    if not scores:
        return None
    return ToldScores(
        suite=scores[0].suite,
        chart=chart(scores, record.plan.iters if record.outcome is None else 0),
        rows=tuple(ScoreRow(one.iteration, found(one), besides(one), one.seconds) for one in scores),
        sentences=() if record.outcome is None else tuple(choice(scores, record.outcome.selection)),
    )


def checkpoint_scores(record: TrainingRecord) -> tuple[Score | None, ...]:
    """Of each checkpoint in the matrix the score at the iteration that left it; empty where there is none of any."""
    if record.matrix is None:
        return ()
    scores = {metric.score.iteration: metric.score for metric in record.told(Scored) if metric.score.counted}
    ends = {stage.stage: stage.iteration + stage.iters for stage in record.told(StageBegan)}
    if record.outcome is not None:
        ends.setdefault(record.matrix.adapter, record.outcome.selection.iteration)
    own = record.folder.root.resolve()
    found = tuple(
        scores.get(ends.get(point.name, -1)) if Path(point.run).resolve() == own else None
        for point in record.matrix.checkpoints
    )
    return found if any(found) else ()


def score_setting(record: TrainingRecord, key: str) -> str:
    """What the scores say of a key of the plan; empty where there are none."""
    scores = [metric.score for metric in record.told(Scored)]
    if not scores:
        return ""
    return scores[-1].suite if key == "score_suite" else f"{max(score.answers for score in scores)} asked"
