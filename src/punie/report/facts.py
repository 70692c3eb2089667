"""What a run is known by and what it cost: the lines of "what was asked", and the few numbers of the first screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from punie.evaluation.outcomes import DrawnSuite, Measurements, RunRecord
from punie.report import numbers
from punie.report.summary import Tally
from punie.serving.identity import Identity

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


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the few numbers on the first screen; `fine` says what it is of."""

    label: str
    value: str
    fine: str = ""


def figures_of(record: RunRecord, tally: Tally) -> Iterator[Figure]:
    """Proof, gaps and cost of one run."""
    yield Figure("Handshake", *_handshake(record.identity))
    yield Figure("Suite self-check", *_self_check(record))
    cut = f"of {tally.trials:,} answers; {tally.truncated:,} were cut"
    yield Figure("No judgement", f"{tally.failed + tally.unscored:,}", cut)
    yield from _speed(record)


def _self_check(record: RunRecord) -> tuple[str, str]:
    checks = [suite.self_check for suite in record.suites]
    good, bad = sum(check.references for check in checks), sum(check.known_bad for check in checks)
    return ("passed" if good else "nothing to check", f"{good:,} right and {bad:,} wrong answers told apart")


def _speed(record: RunRecord) -> Iterator[Figure]:
    measured = record.measurements
    if measured.latency_p50 is not None and measured.latency_p95 is not None:
        slowest = f"median; 95% within {numbers.duration(measured.latency_p95)}"
        yield Figure("Latency", numbers.duration(measured.latency_p50), slowest)
    if measured.tokens_per_second is not None:
        together = f"with {record.concurrency} questions at a time"
        yield Figure("Speed", f"{measured.tokens_per_second:,.0f} tokens/s", together)
    asked = f"{measured.asked:,} asked, {measured.cached:,} from the cache"
    yield Figure("Wall time", numbers.duration(record.seconds), asked)


def facts_of(records: Sequence[RunRecord], tallies: Sequence[Tally]) -> tuple[Fact, ...]:
    """What was asked, of whom and how, of any number of runs: a value for each run on every line."""
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


def _handshake(identity: Identity) -> tuple[str, str]:
    """Its result, and what it rests on."""
    if not identity.proven:
        return "not proven", "the server is somebody else’s"
    probes = f"{len(identity.base_probes)} probe{' repeats' if len(identity.base_probes) == 1 else 's repeat'}"
    if not identity.adapter:
        return "passed", probes
    if (identity.adapter_distance or 0) <= (identity.probe_noise or 0):
        return "not proven", f"{probes}, but the adapter changes nothing in them"
    return "passed", f"{probes}, and the adapter changes them"


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
    yield "Handshake", ": ".join(_handshake(identity))
    yield "Adapter moves the probes by", _nats(identity.adapter_distance)
    yield "The server’s own noise", _nats(identity.probe_noise)
    yield "Tokenizer hash", identity.tokenizer_hash
    yield "Chat template hash", identity.template_hash
    yield from _suite_facts(record)
    yield "Sampling", sampling_text(record)
    yield "Sampling as the server noted it", "; ".join(map(_noted, record.drawn)) or "not noted"
    yield "Seed of the answers", "none: nothing is drawn" if record.temperature == 0 else "none was set"
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
    if record.judge:
        yield "Rubrics were judged by", record.judge
    for number, server in enumerate(record.servers, start=1):
        lost = f"; lost: {server.lost}" if server.lost else ""
        yield f"Server {number}", f"{server.base_url}: {server.answers} answers{lost}"
    if record.restarts:
        yield "The server was started again", "; ".join(record.restarts)
    yield "Wall time", numbers.duration(record.seconds)
    yield from ((f"Version of {package}", version) for package, version in sorted(record.versions.items()))


def sampling_text(drawn: RunRecord | DrawnSuite) -> str:
    """What is not at rest among the settings of sampling, temperature and top-p in any case."""
    ours = {"top-k": drawn.top_k, "min-p": drawn.min_p, "repetition penalty": drawn.repetition_penalty}
    turned = {"temperature": drawn.temperature, "top-p": drawn.top_p, **{k: v for k, v in ours.items() if v}}
    return ", ".join(f"{name} {value:g}" for name, value in turned.items())


def _noted(drawn: DrawnSuite) -> str:
    return f"{sampling_text(drawn)}, at most {drawn.max_tokens} tokens: {drawn.answers} answers to {drawn.suite}"
