"""What a reader must know before believing a number: one plain sentence each, nothing where all is well."""

from __future__ import annotations

from collections.abc import Iterator

from punie.evaluation.outcomes import EvaluationRun, RunRecord
from punie.serving.identity import Identity, same_base

_BASE_FILES = {"model_hash": "weights", "tokenizer_hash": "tokenizers", "template_hash": "chat templates"}


def run_cautions(run: EvaluationRun) -> Iterator[str]:
    """What weakens the numbers of one run by itself."""
    record, identity = run.record, run.record.identity
    unscored = [trial for trial in run.trials if not trial.counted]
    if record.code_execution == "unsafe child process":
        yield (
            f"The code in {record.name} ran without a jail (--unsafe-no-sandbox, or no jail on that machine): it could "
            "read and change files, use the network and disturb the judge."
        )
    if unscored:
        yield (
            f"In {record.name}, {len(unscored)} of {len(run.trials)} cases could not be judged (the harness "
            "broke, not the model); they are in no percentage."
        )
    if identity.adapter and (identity.adapter_distance or 0) <= (identity.probe_noise or 0):
        yield f"Nothing proves that the adapter of {record.name} was applied: it answered the probes like the base."
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
    if shared < max(len(before.trials), len(after.trials)):
        yield (
            f"The runs did not ask the same cases: {shared} are the same in both and are compared; "
            f"{len(before.trials) - shared} of {before.record.name} and {len(after.trials) - shared} of "
            f"{after.record.name} are left out."
        )


def _base(before: Identity, after: Identity) -> Iterator[str]:
    unlike = [words for field, words in _BASE_FILES.items() if getattr(before, field) != getattr(after, field)]
    if unlike:
        yield (
            f"The runs do not stand on the same base: the {' and the '.join(unlike)} differ "
            f"({before.model} before, {after.model} after)."
        )
    elif not same_base(before, after):
        yield "The files of the base model are the same, but it did not answer the same probes alike in both runs."


def _same_weights(before: Identity, after: Identity) -> Iterator[str]:
    if (before.model_hash, before.adapter_hash) == (after.model_hash, after.adapter_hash):
        yield "Both runs used the same model and the same adapter: every difference between them is noise."


def _settings(before: RunRecord, after: RunRecord) -> Iterator[str]:
    for what, first, second in _pairs_of_settings(before, after):
        if first != second:
            yield f"{what} differs: {first} before, {second} after."


def _pairs_of_settings(before: RunRecord, after: RunRecord) -> Iterator[tuple[str, object, object]]:
    for what in ("temperature", "top_p", "concurrency", "code_execution"):
        yield what.replace("_", " ").capitalize(), getattr(before, what), getattr(after, what)
    for package in sorted(before.versions.keys() | after.versions.keys()):
        first, second = (run.versions.get(package, "unknown") for run in (before, after))
        yield f"Version of {package}", first, second
