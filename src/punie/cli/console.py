"""The only place that prints: results to standard output, progress and notes to standard error."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from punie.report.comparison import Comparison, Verdict
    from punie.report.summary import Summary

out = Console(highlight=False, soft_wrap=True)
_LOG_WIDTH = 200
"""Columns where nobody looks at a screen: nothing is cut in a file or a pipe."""
_WIDE = 100
_LISTED = 10
"""Cases named on a screen."""
if not out.is_terminal:
    out.width = _LOG_WIDTH
err = Console(stderr=True, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """Lines for the person who waits; a screen breaks long ones between words."""
    err.print(Text(text), soft_wrap=not err.is_terminal)


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_line_of_json(value: Any) -> None:
    """One of several JSON values on standard output, a line each, there as soon as it is printed."""
    print(msgspec.json.encode(value).decode(), flush=True)


class JsonList:
    """One JSON document on standard output, written as it becomes known: first a list, then the other keys."""

    def __init__(self, name: str) -> None:
        self._separator = f'{{"{name}": [\n  '

    def add(self, value: Mapping[str, Any]) -> None:
        print(self._separator, json.dumps(value, ensure_ascii=False), sep="", end="")
        self._separator = ",\n  "

    def end(self, others: Mapping[str, Any]) -> None:
        opening = self._separator if self._separator.startswith("{") else ""
        print(opening, "],", json.dumps(others, indent=2, ensure_ascii=False).removeprefix("{"), sep="")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A plain table; the first column is text, the others are figures."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    out.print(table)


def print_facts(facts: Mapping[str, object]) -> None:
    """Names and values, aligned."""
    width = max(map(len, facts))
    for name, value in facts.items():
        out.print(Text(f"{name:<{width}}  {value}"))


def print_line(text: str) -> None:
    """Somebody else's text, with its control characters made visible."""
    from punie.report.html import visible

    out.print(Text(visible(text)))


def print_section(title: str, text: str) -> None:
    """The same under a title."""
    from punie.report.html import visible

    out.print(Text(visible(title), style="bold"))
    if text:
        print_line(text)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began


def show_summary(summary: Summary) -> None:
    """One run: a row per category, then all of them."""
    from punie.report import numbers

    rows = [(numbers.category(row.name), row.rate) for row in summary.rows]
    columns = ["", "right", "share", "95% interval"]
    table = [
        (name, numbers.count(rate), numbers.percent(rate.share), numbers.percent_interval(rate.interval))
        for name, rate in [*rows, ("All", summary.overall)]
    ]
    print_table(columns, table)
    if summary.pass_at:
        lines = [
            (f"one of {row.k}", numbers.percent(row.share), numbers.percent_interval(row.interval))
            for row in summary.pass_at
        ]
        print_table(["right is", "cases", "95% interval"], lines)
    _show_measurements(summary)
    _show_warnings(summary.warnings)


def _show_measurements(summary: Summary) -> None:
    from punie.report import numbers

    measured = summary.record.measurements
    asked = f"{measured.asked} answers asked for, {measured.cached} from the cache"
    if measured.latency_p50 is None or measured.latency_p95 is None or measured.tokens_per_second is None:
        return note(asked)
    latency = f"{numbers.duration(measured.latency_p50)}, 95% within {numbers.duration(measured.latency_p95)}"
    note(f"{asked}; median {latency}; {measured.tokens_per_second:,.0f} tokens/s")


def show_comparison(comparison: Comparison) -> None:
    """Two runs, category by category, and the verdict as a sentence. A narrow screen leaves out flips and p."""
    from punie.report import numbers

    columns = ["", "before", "after", "points", "95% interval", "verdict", "fixed", "broken", "p"]
    table = [
        (
            "All" if row is comparison.overall else numbers.category(row.name),
            numbers.count(row.before),
            numbers.count(row.after),
            numbers.signed(row.delta),
            numbers.points_interval(row.delta_interval),
            str(row.verdict),
            str(row.fixed),
            str(row.broken),
            numbers.p_number(row.p_holm),
        )
        for row in [*comparison.rows, comparison.overall]
    ]
    shown = len(columns) if out.width >= _WIDE else columns.index("fixed")
    print_table(columns[:shown], [row[:shown] for row in table])
    _show_warnings(comparison.cautions)
    if comparison.noise:
        noise = comparison.noise
        share = numbers.percent(noise.share)
        out.print(Text(f"Noise: asked again, the base changed on {noise.changed} of {noise.counted} cases ({share})."))
    out.print()
    out.print(Text(comparison.headline, style=_style(comparison.verdict)))


def show_comparisons(comparisons: Sequence[Comparison]) -> None:
    """One after another, each under the name of its run where there are several, and then what they come to."""
    from punie.report.several import side_by_side

    for comparison in comparisons:
        if len(comparisons) > 1:
            out.print(Text(f"\n{comparison.before.name} -> {comparison.after.name}", style="bold"))
        show_comparison(comparison)
        _list_cases(comparison)
    if len(comparisons) > 1:
        several = side_by_side(comparisons)
        out.print(Text(f"\n{several.statement} {several.evidence}", style="bold"))


def _list_cases(comparison: Comparison) -> None:
    """Names of the cases that changed, broken first; the page has the rest."""
    for bucket in ("broken", "fixed"):
        names = [pair.case.id for pair in comparison.pairs if pair.bucket == bucket]
        if names:
            more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
            print_line(f"{bucket}: {', '.join(names[:_LISTED])}{more}")


def _style(verdict: Verdict) -> str:
    return {"better": "bold green", "worse": "bold red"}.get(str(verdict), "bold yellow")


def _show_warnings(warnings: Sequence[str]) -> None:
    for warning in warnings:
        out.print(Text(f"Note: {warning}", style="yellow"))
