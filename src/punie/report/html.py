"""Self-contained pages: one file, no request, nothing an answer contains can run.

Three walls stand between a model's text and the reader's browser: every value has its control characters made visible,
every value is escaped, and a content security policy allows only our own script and style, by hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from punie.evaluation.outcomes import EvaluationRun, Measurements, RunRecord
from punie.report import numbers
from punie.report.cases import comparison_cases, run_cases
from punie.report.comparison import Comparison
from punie.report.gate import gate_failures
from punie.report.scatter import draw_scatter
from punie.report.summary import Tally, summarize

_HASH_SHOWN = 12
_HALVES = {"dev": "for choosing", "test": "for reporting", "both": "for choosing and for reporting"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of "what was compared": a label and its value in each run; `full` is the value unshortened."""

    label: str
    values: tuple[str, ...]
    full: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.full)) > 1


def render_comparison(comparison: Comparison) -> str:
    """The page of two runs, as one HTML document that can be encoded as UTF-8."""
    records = (comparison.before, comparison.after)
    return render_page(
        "comparison.html",
        comparison=comparison,
        facts=_facts(records, comparison.tallies),
        cases=comparison_cases(comparison),
        gate=tuple(gate_failures(comparison)),
        scatter=draw_scatter([pair.scores for pair in comparison.pairs if pair.counted], *(r.name for r in records)),
        demonstration=any(map(_is_embedded, records)),
    )


def render_run(run: EvaluationRun) -> str:
    """The page of one run, as one HTML document that can be encoded as UTF-8."""
    summary = summarize(run)
    return render_page(
        "run.html",
        summary=summary,
        facts=_facts((run.record,), (summary.tally,)),
        cases=run_cases(summary),
        demonstration=_is_embedded(run.record),
    )


def visible(value: Any) -> Any:
    """Text with control characters, direction overrides and lone surrogates written out; other values as they are."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return value.translate(_invisible())
    return value


def render_page(template: str, **values: Any) -> str:
    """A template with our own style and script, and the policy that allows nothing else."""
    style = "".join(map(_asset, ("page.css", "charts.css", "comparison.css")))
    script = _asset("page.js")
    own = f"style-src {_source(style)}; script-src {_source(script)}"
    policy = f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"
    page = _environment().get_template(template, globals={"numbers": numbers})
    return page.render(style=Markup(style), script=Markup(script), policy=policy, **values)


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


def _is_embedded(record: RunRecord) -> bool:
    return Path(record.identity.model).name == "tiny"


def _facts(records: tuple[RunRecord, ...], tallies: tuple[Tally, ...]) -> tuple[Fact, ...]:
    columns = [list(_run_facts(record, tally)) for record, tally in zip(records, tallies, strict=True)]
    labels = dict.fromkeys(label for column in columns for label, _ in column)
    values = [dict(column) for column in columns]
    return tuple(_fact(label, tuple(column.get(label, "–") for column in values)) for label in labels)


def _fact(label: str, full: tuple[str, ...]) -> Fact:
    return Fact(label, tuple(map(_short_hash, full)) if label.endswith("hash") else full, full)


def _short_hash(full: str) -> str:
    method, colon, digest = full.rpartition(":")
    return f"{method}{colon}{digest[:_HASH_SHOWN]}"


def _nats(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g} nats"


def _suite_facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    for suite in record.suites:
        checks, label = suite.self_check, f"Suite {suite.name}" if len(record.suites) > 1 else "Suite"
        yield label, f"{suite.name}: {suite.cases} cases, {_HALVES[suite.half]}"
        yield f"{label}: hash", suite.hash
        yield f"{label}: self-check", f"{checks.references} reference answers right, {checks.known_bad} bad ones wrong"
        yield f"{label}: longest answer", f"{suite.max_tokens} tokens"


def _latency(measured: Measurements) -> str:
    if measured.latency_p50 is None or measured.latency_p95 is None:
        return "–"
    return f"{numbers.duration(measured.latency_p50)}, {numbers.duration(measured.latency_p95)}"


def _run_facts(record: RunRecord, tally: Tally) -> Iterator[tuple[str, str]]:
    identity, measured = record.identity, record.measurements
    yield "Run", record.name
    yield "Finished", record.created
    yield "Model", identity.model
    yield "Model hash", identity.model_hash
    yield "Adapter", identity.adapter or "none"
    yield "Adapter hash", identity.adapter_hash or "–"
    yield "Adapter moves the probes by", _nats(identity.adapter_distance)
    yield "The server’s own noise", _nats(identity.probe_noise)
    yield "Tokenizer hash", identity.tokenizer_hash
    yield "Chat template hash", identity.template_hash
    yield from _suite_facts(record)
    yield "Sampling", f"temperature {record.temperature:g}, top-p {record.top_p:g}"
    yield "Samples of each case", str(record.samples)
    yield "Requests at a time", str(record.concurrency)
    yield "Answers asked for", f"{measured.asked}, and {measured.cached} from the cache"
    yield "Latency, median and 95th percentile", _latency(measured)
    yield "Speed", "–" if measured.tokens_per_second is None else f"{measured.tokens_per_second:,.0f} tokens/s"
    yield "Peak memory of the server", numbers.size(measured.server_peak_memory) if measured.server_peak_memory else "–"
    yield "Answers cut at the token limit", f"{tally.truncated} of {tally.trials}"
    yield "No answer to judge", f"{tally.failed} of {tally.trials}"
    yield "Could not be judged", f"{tally.unscored} of {tally.trials}"
    yield "Code was executed in", record.code_execution
    yield "Wall time", numbers.duration(record.seconds)
    yield from ((f"Version of {package}", version) for package, version in sorted(record.versions.items()))
