"""The page of a dataset: what it holds, how long its rows are, what was removed, where it comes from."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from punie.data.look.facets import NOTHING
from punie.data.look.stats import Stats
from punie.data.look.tokens import Histogram
from punie.report.html import render_page
from punie.report.lengths import draw_lengths

_NAMES_SHOWN = 15
QUANTILES = {"half": 0.5, "95%": 0.95, "99%": 0.99}


@dataclass(frozen=True, slots=True)
class FacetRow:
    """One name: its rows, their share of all rows, and its share of each split."""

    name: str
    rows: int
    share: float
    by_split: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Facet:
    """The names that stand for most rows; `others` are left out, with `other_rows` between them."""

    title: str
    rows: tuple[FacetRow, ...]
    others: int
    other_rows: int


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """A rule, the rows it removed and the rows left after it, also as shares of all that came in."""

    rule: str
    removed: int
    left: int
    share_left: float


def render_dataset(stats: Stats) -> str:
    """The page, as one HTML document that can be encoded as UTF-8."""
    charts = [draw_lengths("characters", stats.characters)]
    if stats.tokens:
        charts.insert(0, draw_lengths("tokens", stats.tokens.lengths, stats.tokens.settings.max_seq_length))
    return render_page(
        "dataset.html",
        stats=stats,
        charts=charts if stats.rows else [],
        facets=facets(stats),
        funnel=funnel(stats),
        cautions=cautions(stats),
        compared=[step for step in stats.steps if step.benchmarks],
        recipe=json.dumps(stats.manifest.recipe, indent=2, ensure_ascii=False) if stats.manifest else "",
        quantiles=QUANTILES,
    )


def dataset_record(stats: Stats) -> dict[str, Any]:
    """The same numbers for a program. Shares that do not exist are null."""
    return {
        "name": stats.name,
        "path": str(stats.path),
        "bytes": stats.size,
        "rows": stats.rows,
        "splits": dict(stats.splits),
        "counts": {title: _nested(counts) for title, counts in stats.facets.items()},
        "characters": _lengths(stats.characters),
        "tokens": _tokens(stats),
        "duplicates": asdict(stats.duplicates),
        "removed": {rule.rule: rule.rows for rule in stats.removed},
        "suspects": {rule.rule: rule.rows for rule in stats.suspects},
        "steps": [asdict(step) for step in stats.steps],
        "parents": [parent.model_dump() for parent in stats.manifest.parents] if stats.manifest else [],
    }


def facets(stats: Stats) -> list[Facet]:
    """What there is to tell apart: titles under which at least one row has a name."""
    return [_facet(stats, title) for title, counts in stats.facets.items() if {name for name, _ in counts} - {NOTHING}]


def funnel(stats: Stats) -> list[FunnelStep]:
    """Rule by rule, in the order in which the rules first removed a row."""
    total = left = stats.rows + sum(rule.rows for rule in stats.removed)
    steps = list[FunnelStep]()
    for rule in stats.removed:
        left -= rule.rows
        steps.append(FunnelStep(rule.rule, rule.rows, left, left / total))
    return steps


def cautions(stats: Stats) -> list[str]:
    """What somebody who trains on this should know first."""
    return list(_cautions(stats))


def _cautions(stats: Stats) -> Iterator[str]:
    repeats = stats.duplicates
    if repeats.across_splits:
        yield f"{_rows(repeats.across_splits)} of a later split with the text of an earlier one: that is a leak."
    if inside := repeats.rows - repeats.across_splits:
        yield f"{_rows(inside)} with the text of another row of the same split."
    if stats.tokens and stats.tokens.longer:
        limit, lost = stats.tokens.settings.max_seq_length, stats.tokens.lost
        cut = f"training would cut off at least {lost:,} tokens"
        yield f"{_rows(stats.tokens.longer)} longer than {limit:,} tokens before the chat template: {cut}."


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _facet(stats: Stats, title: str) -> Facet:
    counts = stats.facets[title]
    totals = Counter[str]()
    for (name, _), rows in counts.items():
        totals[name] += rows
    names = sorted(totals, key=int) if title == "messages" else sorted(totals, key=lambda name: (-totals[name], name))
    shown = names[:_NAMES_SHOWN]
    rows = tuple(
        FacetRow(
            name,
            totals[name],
            totals[name] / stats.rows,
            tuple(counts[name, split] / size for split, size in stats.splits.items()),
        )
        for name in shown
    )
    return Facet(title, rows, len(names) - len(shown), totals.total() - sum(row.rows for row in rows))


def _nested(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    nested = dict[str, dict[str, int]]()
    for (name, split), rows in counts.items():
        nested.setdefault(name, {})[split] = rows
    return nested


def _lengths(lengths: Histogram) -> dict[str, Any]:
    at = {name: lengths.quantile(share) for name, share in QUANTILES.items()}
    bins = {str(length): rows for length, rows in sorted(lengths.bins.items())}
    return {"total": lengths.total, "mean": lengths.mean, **at, "longest": lengths.longest, "histogram": bins}


def _tokens(stats: Stats) -> dict[str, Any] | None:
    if (tokens := stats.tokens) is None:
        return None
    shares = {key: value for key, value in asdict(tokens.padding).items() if key != "batch_size"}
    return {
        "model": str(tokens.settings.model),
        "max_seq_length": tokens.settings.max_seq_length,
        "batch_size": tokens.settings.batch_size,
        **_lengths(tokens.lengths),
        "longer": tokens.longer,
        "lost": tokens.lost,
        "padding": {key: None if math.isnan(value) else value for key, value in shares.items()},
    }
