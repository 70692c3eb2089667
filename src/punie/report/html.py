"""Self-contained pages: one file, no request, nothing an answer contains can run.

Three walls stand between a model's text and the reader's browser: every value has its control characters made visible,
every value is escaped, and a content security policy allows only our own script and style, by hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from punie.evaluation.outcomes import EvaluationRun, RunRecord
from punie.report import numbers
from punie.report.case_list import comparison_cases, run_cases, several_cases
from punie.report.comparison import Comparison
from punie.report.facts import facts_of, figures_of
from punie.report.gate import gate_failures
from punie.report.scatter import draw_scatter
from punie.report.several import Several
from punie.report.summary import summarize


def render_comparison(comparison: Comparison) -> str:
    """The page of two runs, as one HTML document that can be encoded as UTF-8."""
    records = (comparison.before, comparison.after)
    return render_page(
        "comparison.html",
        comparison=comparison,
        facts=facts_of(records, comparison.tallies),
        cases=comparison_cases(comparison),
        gate=tuple(gate_failures(comparison)),
        scatter=draw_scatter([pair.scores for pair in comparison.pairs if pair.counted], *(r.name for r in records)),
        demonstration=any(map(demonstrates, records)),
    )


def render_several(several: Several, links: Sequence[str]) -> str:
    """The page of several runs and their base. `links` lead to the page of each with the base."""
    found = several.comparisons
    records = (found[0].before, *(comparison.after for comparison in found))
    tallies = (found[0].tallies[0], *(comparison.tallies[1] for comparison in found))
    return render_page(
        "several.html",
        several=several,
        links=links,
        facts=facts_of(records, tallies),
        cases=several_cases(several),
        demonstration=any(map(demonstrates, records)),
    )


def render_run(run: EvaluationRun) -> str:
    """The page of one run, as one HTML document that can be encoded as UTF-8."""
    summary = summarize(run)
    return render_page(
        "run.html",
        summary=summary,
        figures=tuple(figures_of(run.record, summary.tally)),
        facts=facts_of((run.record,), (summary.tally,)),
        cases=run_cases(summary),
        demonstration=demonstrates(run.record),
    )


def visible(value: Any) -> Any:
    """Text with control characters, direction overrides and lone surrogates written out; other values as they are."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return value.translate(_invisible())
    return value


def render_page(template: str, *, live: bool = False, **values: Any) -> str:
    """A template with our own style and script, and the policy that allows nothing else.

    A `live` page has another script, which may ask the server it came from for news.
    """
    style = "".join(map(_asset, ("page.css", "charts.css", "comparison.css")))
    script = _asset("live.js" if live else "page.js")
    own = f"style-src {_source(style)}; script-src {_source(script)}"
    policy = f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"
    if live:
        policy += "; connect-src 'self'"
    return render_part(template, style=Markup(style), script=Markup(script), policy=policy, **values)


def render_part(template: str, **values: Any) -> str:
    """A template alone, escaped as a page is."""
    return _environment().get_template(template, globals={"numbers": numbers}).render(**values)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("punie.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _asset(name: str) -> str:
    return (files("punie.report") / "templates" / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """What a content security policy calls this text: its hash."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _invisible() -> dict[int, str]:
    pictures = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"} | {0x7F: "\u2421"}
    written = [*range(0x80, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF]
    return pictures | {code: f"\\u{code:04x}" for code in [*written, *range(0xD800, 0xE000)]}


def demonstrates(record: RunRecord) -> bool:
    return Path(record.identity.model).name == "tiny"
