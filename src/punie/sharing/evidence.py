"""The evaluations that measured these very weights, and what they say beside the model without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from punie import fingerprint
from punie.errors import DataError, UsageError
from punie.evaluation.outcomes import EvaluationRun
from punie.evaluation.runs import read_run
from punie.report import numbers
from punie.report.cautions import unlike_sampling
from punie.report.compare import compare
from punie.report.comparison import Comparison
from punie.report.summary import Summary, summarize
from punie.serving.identity import same_base
from punie.training.adapter import AdapterFolder


@dataclass(frozen=True, slots=True)
class Evidence:
    """One evaluation, and the comparison with the base model on the same suites where there is one."""

    summary: Summary
    comparison: Comparison | None

    @property
    def suite(self) -> str:
        return " + ".join(f"{suite.name} ({suite.half})" for suite in self.summary.record.suites)

    @property
    def row(self) -> tuple[str, ...]:
        """Suite, right of counted, share, interval, date."""
        rate, when = self.summary.overall, self.summary.record.created
        share, interval = numbers.percent(rate.share), numbers.percent_interval(rate.interval)
        return self.suite, numbers.count(rate), share, interval, when[:10]


def gather(folder: Path, given: Sequence[Path], shelf: Path) -> tuple[Evidence, ...]:
    """Of the evaluations in `given`, or else of those in `shelf`: the ones of this adapter or model, oldest first.

    Raises UsageError where a given one measured something else.
    """
    read = [(path, read_run(path)) for path in given] if given else _readable(shelf)
    ours = [run for _, run in read if _measured(run, folder)]
    strange = [path for path, run in read if given and run not in ours and run.record.identity.adapter is not None]
    if strange or (given and not ours):
        raise UsageError(
            "This evaluation measured other weights.",
            where=str(strange[0] if strange else given[0]),
            hint=f"Evaluate these: punie eval ... --adapter {folder}",
        )
    others = [run for _, run in read if run.record.identity.adapter is None and run not in ours]
    ours.sort(key=lambda run: run.record.created)
    return tuple(Evidence(summarize(run), _beside_base(run, others)) for run in ours)


def _readable(shelf: Path) -> list[tuple[Path, EvaluationRun]]:
    found = []
    for record in shelf.glob("*/run.json"):
        try:
            found.append((record.parent, read_run(record.parent)))
        except (DataError, UsageError):
            continue  # Of another version, or broken: it was not asked for, and proves nothing.
    return found


def _measured(run: EvaluationRun, folder: Path) -> bool:
    identity = run.record.identity
    if AdapterFolder(folder).weights.is_file():
        return identity.adapter_hash == fingerprint.adapter(folder)
    return identity.adapter_hash is None and identity.model_hash == fingerprint.model(folder)


def _beside_base(run: EvaluationRun, others: Sequence[EvaluationRun]) -> Comparison | None:
    """With the newest evaluation of the same model alone on the same cases."""
    asked = [(suite.name, suite.hash) for suite in run.record.suites]
    alike = [
        other
        for other in others
        if run.record.identity.adapter is not None
        and same_base(other.record.identity, run.record.identity)
        and [(suite.name, suite.hash) for suite in other.record.suites] == asked
        and other.record.samples == run.record.samples
        and not unlike_sampling(run.record, other.record)
    ]
    return compare(max(alike, key=lambda other: other.record.created), run) if alike else None
