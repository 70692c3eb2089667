"""The JSON beside a page: every number that the page shows, unrounded.

Format 2. Shares are 0..1, differences -1..1, p-values 0..1; a share of nothing is null. Raised when a meaning changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from punie.evaluation.outcomes import RunRecord, Trial
from punie.evaluation.stats import Interval, Rate
from punie.report.comparison import CategoryRow, Comparison
from punie.report.gate import gate_failures
from punie.report.pairing import Pair
from punie.report.rates import Beside, RateRow
from punie.report.several import Several, side_by_side
from punie.report.summary import FailureRow, Summary, Tally

FORMAT = 2


def comparison_record(comparison: Comparison) -> dict[str, Any]:
    """A comparison as one JSON object."""
    records = zip((comparison.before, comparison.after), comparison.tallies, strict=True)
    before, after = (_run(record, tally) for record, tally in records)
    return {
        "format": FORMAT,
        "kind": "comparison",
        "verdict": comparison.verdict.value,
        "margin": comparison.overall.margin,
        "runs": comparison.runs,
        "noise": None if comparison.noise is None else asdict(comparison.noise),
        "gate": list(gate_failures(comparison)),
        "headline": comparison.headline,
        "statement": comparison.statement,
        "evidence": f"{comparison.evidence}.{comparison.blind_spot}",
        "losses": comparison.losses,
        "warnings": list(comparison.cautions),
        "unlike": list(comparison.unlike),
        "taught": [asdict(teaching) for teaching in comparison.taught],
        "untaught": None if comparison.untaught is None else _row(comparison.untaught),
        "overall": _row(comparison.overall),
        "categories": [_row(row) for row in comparison.rows],
        "tags": {name: [_row(row) for row in rows] for name, rows in comparison.tags.items()},
        "failures": [_failure(row, ("before", "after")) for row in comparison.failures],
        "before": before,
        "after": after,
        "cases": [_pair(pair) for pair in comparison.pairs],
    }


def comparisons_record(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """One comparison as it is, or several with the same base as one JSON object."""
    return comparison_record(comparisons[0]) if len(comparisons) == 1 else several_record(side_by_side(comparisons))


def several_record(several: Several) -> dict[str, Any]:
    """Several comparisons with one base as one JSON object."""
    base, *names = several.names
    return {
        "format": FORMAT,
        "kind": "comparisons",
        "base": base,
        "runs": names,
        "headline": several.statement,
        "best": None if several.best is None else names[several.best],
        "overall": _rate(several.overall.base),
        "categories": [{"name": found.name, **_rate(found.base)} for found in several.categories],
        "comparisons": [comparison_record(comparison) for comparison in several.comparisons],
    }


def summary_record(summary: Summary) -> dict[str, Any]:
    """One run's numbers as one JSON object."""
    return {
        "format": FORMAT,
        "kind": "run",
        "headline": summary.headline,
        "warnings": list(summary.warnings),
        "overall": _rate(summary.overall),
        "categories": [_rate_row(row) for row in summary.rows],
        "tags": {name: [_rate_row(row) for row in rows] for name, rows in summary.tags.items()},
        "beside": [_beside(table) for table in summary.beside],
        "failures": [_failure(row, ("count",)) for row in summary.failures],
        "run": _run(summary.record, summary.tally),
        "pass_at": [asdict(row) for row in summary.pass_at],
        "cases": [
            {"suite": trial.suite, "id": trial.case.id, "category": trial.case.category, **_trial(trial)}
            for trial in summary.trials
        ],
    }


def _run(record: RunRecord, tally: Tally) -> dict[str, Any]:
    return {**record.model_dump(mode="json"), "tally": asdict(tally)}


def _row(row: CategoryRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "before": _rate(row.before),
        "after": _rate(row.after),
        "delta": row.delta if row.counted else None,
        "delta_interval": _interval(row.delta_interval),
        "fixed": row.fixed,
        "broken": row.broken,
        "still_failing": row.failing,
        "still_right": row.still_right,
        "unscored": row.unscored,
        "p": row.p,
        "p_holm": row.p_holm,
        "detectable": row.detectable,
        "verdict": row.verdict.value,
    }


def _rate_row(row: RateRow) -> dict[str, Any]:
    return {"name": row.name, **_rate(row.rate), "partial": row.partial}


def _beside(table: Beside) -> dict[str, Any]:
    rows = [
        {**_rate_row(row.own), "published": {"right": row.right, "counted": row.counted}}
        for row in (*table.rows, table.overall)
    ]
    return {"name": table.name, "by": table.by, "note": table.note, "rows": rows}


def _rate(rate: Rate) -> dict[str, Any]:
    share = rate.share if rate.counted else None
    return {"right": rate.right, "counted": rate.counted, "share": share, "interval": _interval(rate.interval)}


def _interval(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _failure(row: FailureRow, labels: tuple[str, ...]) -> dict[str, Any]:
    return {"name": row.name, **dict(zip(labels, row.counts, strict=True))}


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "suite": pair.suite,
        "id": pair.case.id,
        "category": pair.case.category,
        "bucket": pair.bucket.value,
        "before": [_trial(trial) for trial in pair.before],
        "after": [_trial(trial) for trial in pair.after],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    answer = trial.answer.model_dump(mode="json", exclude={"text"}) if trial.answer else None
    return {
        "sample": trial.sample,
        "outcome": trial.outcome.value,
        "value": trial.value,
        "failure": trial.failure,
        "reason": trial.reason,
        "partial": trial.partial,
        "weak": trial.weak,
        "answer": answer,
    }
