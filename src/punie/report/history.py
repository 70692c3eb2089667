"""What made a run, and what is otherwise between two: suites, model, adapter, its plan, its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from punie.data.dataset import read_manifest
from punie.data.look.lineage import Step, lineage
from punie.errors import PunieError
from punie.evaluation.outcomes import RunRecord
from punie.files import hash_names
from punie.report.entries import Evaluation, Journal, Training
from punie.report.facts import sampling_text
from punie.training.metrics import Echo

_LEARNED_FROM = ("train", "valid")
_WITHOUT = {"adapter_path", "data", "model"}
"""Of a plan, in a table of differences: an output is no difference, and what data and model are, their hashes say."""
_NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Rows:
    """The dataset a training learned from. `unknown` says why its steps cannot be told, or is empty."""

    name: str
    folder: str
    count: int
    fingerprint: str
    steps: tuple[Step, ...]
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    label: str
    before: str
    after: str


def rows_of(training: Training) -> Rows:
    """The steps that made its rows, if the dataset is still there and is what was learned from."""
    echo, data = training.record.told(Echo)[-1], Path(training.record.plan.data)
    found = Rows(data.name, str(data), echo.train_rows, echo.data_hash, ())
    try:
        manifest = read_manifest(data)
    except PunieError as error:
        return _unknown(found, error.what)
    hashes = {f"{split}.jsonl": manifest.hashes[split] for split in _LEARNED_FROM if split in manifest.hashes}
    if f"sha256:{hash_names(hashes)}" != echo.data_hash:
        return _unknown(found, "These are not the rows that it learned from any more.")
    return Rows(data.name, str(data), echo.train_rows, echo.data_hash, lineage(data, manifest))


def _unknown(found: Rows, why: str) -> Rows:
    return Rows(found.name, found.folder, found.count, found.fingerprint, (), why)


def training_of(evaluation: Evaluation, journal: Journal) -> Training | None:
    """The training whose adapter was asked, by the hash of its files."""
    found = evaluation.record.identity.adapter_hash
    return None if found is None else journal.trained(found)


def evaluation_changes(before: Evaluation, after: Evaluation, journal: Journal) -> tuple[Change, ...]:
    """Everything that was asked or done otherwise, and may explain another result."""
    trainings = [training_of(one, journal) for one in (before, after)]
    plans = all(trainings)
    first, second = (
        {**dict(_asked(one.record)), **_taught(training, plans)}
        for one, training in zip((before, after), trainings, strict=True)
    )
    return _changes(first, second)


def training_changes(before: Training, after: Training) -> tuple[Change, ...]:
    return _changes(_taught(before), _taught(after))


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    labels = dict.fromkeys([*before, *after])
    pairs = ((label, before.get(label, _NOTHING), after.get(label, _NOTHING)) for label in labels)
    return tuple(Change(*pair) for pair in pairs if pair[1] != pair[2])


def _asked(record: RunRecord) -> Iterator[tuple[str, str]]:
    identity = record.identity
    yield "Model", identity.model
    yield "Model hash", identity.model_hash
    yield "Adapter", identity.adapter or "none"
    yield "Adapter hash", identity.adapter_hash or _NOTHING
    yield "Chat template hash", identity.template_hash
    for suite in record.suites:
        yield f"Suite {suite.name}", f"{suite.cases} cases, {suite.half}, at most {suite.max_tokens} tokens"
        yield f"Suite {suite.name}: hash", suite.hash
    yield "Samples of each case", str(record.samples)
    yield "Sampling", sampling_text(record)
    yield "Requests at a time", str(record.concurrency)
    yield "Code was executed in", record.code_execution
    yield "Rubrics were judged by", record.judge or _NOTHING
    yield from ((f"Version of {package}", version) for package, version in sorted(record.versions.items()))


def _taught(training: Training | None, with_plan: bool = True) -> dict[str, str]:
    """A plan is worth reading only beside another."""
    if training is None or training.record.outcome is None:
        return {}
    rows, outcome = rows_of(training), training.record.outcome
    plan = training.record.plan.model_dump(mode="json", exclude=_WITHOUT, exclude_none=True) if with_plan else {}
    return {
        "Dataset": rows.folder,
        "Dataset hash": rows.fingerprint,
        "Training rows": f"{rows.count:,}",
        **{f"Plan: {key}": _written(value) for key, value in plan.items()},
        "Chosen checkpoint": f"iteration {outcome.selection.iteration:,} of {outcome.iterations:,}",
    }


def _written(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
