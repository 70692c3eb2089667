"""What a reader must know before believing a number: one plain sentence each, nothing where all is well."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from punie.evaluation.outcomes import EvaluationRun, Identity, ProbeAnswer, RunRecord

PROBE_TOLERANCE = 1e-3
"""Largest difference of a log-probability, in nats, between two servings of one and the same base model."""


def run_cautions(run: EvaluationRun) -> Iterator[str]:
    """What weakens the numbers of one run by itself."""
    record, identity = run.record, run.record.identity
    unscored = sum(not trial.counted for trial in run.trials)
    if unscored:
        yield (
            f"In {record.name}, {unscored} of {len(run.trials)} cases could not be judged (the harness broke, "
            "not the model); they are in no percentage."
        )
    if identity.adapter and not identity.adapter_distance:
        yield f"Nothing proves that the adapter of {record.name} was applied: base and adapter answered the probes alike."
    if record.temperature > 0:
        yield (
            f"{record.name} drew its answers at temperature {record.temperature:g}: the intervals cover the choice of "
            "cases, not the luck of the draw."
        )


def comparison_cautions(before: EvaluationRun, after: EvaluationRun, shared: int) -> Iterator[str]:
    """What makes two runs less than comparable; `shared` cases are in both."""
    yield from _suite(before, after, shared)
    yield from _base(before.record.identity, after.record.identity)
    yield from _same_weights(before.record.identity, after.record.identity)
    yield from _settings(before.record, after.record)
    yield from run_cautions(before)
    yield from run_cautions(after)


def _suite(before: EvaluationRun, after: EvaluationRun, shared: int) -> Iterator[str]:
    if before.record.suite_hash != after.record.suite_hash or shared < max(len(before.trials), len(after.trials)):
        yield (
            f"The runs did not ask the same cases: {shared} are the same in both and are compared; "
            f"{len(before.trials) - shared} of {before.record.name} and {len(after.trials) - shared} of "
            f"{after.record.name} are left out."
        )


def _base(before: Identity, after: Identity) -> Iterator[str]:
    apart = probe_distance(before.base_probes, after.base_probes)
    if apart is None:
        yield "Whether both runs stand on the same base model cannot be checked: they did not ask the same probes."
    elif apart > PROBE_TOLERANCE:
        size = f"by {apart:.3g} nats" if math.isfinite(apart) else "entirely"
        yield (
            f"The runs do not stand on the same base model: on the same probes their bases differ {size} "
            f"({before.model} before, {after.model} after)."
        )
    for what, first, second in (
        ("tokenizers", before.tokenizer_hash, after.tokenizer_hash),
        ("chat templates", before.template_hash, after.template_hash),
    ):
        if first != second:
            yield f"The {what} differ, so the models were not sent the same text."


def _same_weights(before: Identity, after: Identity) -> Iterator[str]:
    if (before.model_hash, before.adapter_hash) == (after.model_hash, after.adapter_hash):
        yield "Both runs used the same model and the same adapter: every difference between them is noise."


def _settings(before: RunRecord, after: RunRecord) -> Iterator[str]:
    for what, first, second in _pairs_of_settings(before, after):
        if first != second:
            yield f"{what} differs: {first} before, {second} after."


def _pairs_of_settings(before: RunRecord, after: RunRecord) -> Iterator[tuple[str, object, object]]:
    for what in ("temperature", "top_p", "max_tokens", "concurrency", "code_execution"):
        yield what.replace("_", " ").capitalize(), getattr(before, what), getattr(after, what)
    for package in sorted(before.versions.keys() | after.versions.keys()):
        first, second = (run.versions.get(package, "unknown") for run in (before, after))
        yield f"Version of {package}", first, second


def probe_distance(before: Sequence[ProbeAnswer], after: Sequence[ProbeAnswer]) -> float | None:
    """Largest difference of a log-probability over the shared probes, in nats.

    Infinite where two answers share no token; None where no prompt was asked of both.
    """
    answers = {probe.prompt: probe.logprobs for probe in after}
    distances = [_apart(probe.logprobs, answers[probe.prompt]) for probe in before if probe.prompt in answers]
    return max(distances, default=None)


def _apart(first: dict[int, float], second: dict[int, float]) -> float:
    shared = first.keys() & second.keys()
    return max((abs(first[token] - second[token]) for token in shared), default=math.inf)
