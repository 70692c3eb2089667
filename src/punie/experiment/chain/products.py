"""What steps leave: when it is whole, what it is by its content, and what a person is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from punie import fingerprint
from punie.data.dataset import MANIFEST, read_manifest
from punie.data.source import open_source
from punie.evaluation.runs import RECORD, SAMPLES, read_run
from punie.files import hash_file, hash_files, hash_names, read_json
from punie.report import numbers
from punie.report.summary import summarize
from punie.shipping.messages import weight_bytes
from punie.shipping.proof import PROOF
from punie.training.adapter import AdapterFolder
from punie.training.outcome import read_outcome

COMPARISON = "comparison.json"


@dataclass(frozen=True, slots=True)
class Product:
    """`page` is where its own page lies, from its folder on."""

    whole: Callable[[Path], bool]
    hash: Callable[[Path], str]
    told: Callable[[Path], str]
    page_name: str | None = None

    def page(self, folder: Path) -> Path | None:
        return None if self.page_name is None else folder / self.page_name


def _rows(folder: Path) -> str:
    return ", ".join(f"{count:,} {split}" for split, count in read_manifest(folder).counts.items())


def _training(folder: Path) -> str:
    outcome = read_outcome(folder)
    end = outcome.train_loss if outcome.valid_loss is None else outcome.valid_loss
    start = "" if outcome.first_valid_loss is None else f"validation loss {outcome.first_valid_loss:.2f} -> "
    return f"{outcome.iterations} iterations, {start}{end:.3f}"


def _fused(folder: Path) -> str:
    kept = read_json(folder / PROOF)["kept"]
    return numbers.size(weight_bytes(folder)) + (
        "" if kept is None else f", {numbers.percent(kept)} of the change kept"
    )


def _widths(folder: Path) -> str:
    return ", ".join(f"{width.name} {numbers.size(weight_bytes(width))}" for width in widths_in(folder))


def _run(folder: Path) -> str:
    return f"{numbers.count(summarize(read_run(folder)).overall)} cases right"


def _comparison(folder: Path) -> str:
    verdicts = Counter(one["verdict"] for one in comparisons_in(folder))
    return ", ".join(verdict if verdicts.total() == 1 else f"{many} {verdict}" for verdict, many in verdicts.items())


def widths_in(folder: Path) -> list[Path]:
    """The models of a quantizing, the widest first."""
    return sorted(folder.glob("*-bit"), key=lambda width: -int(width.name.partition("-")[0]))


def comparisons_in(folder: Path) -> list[dict[str, Any]]:
    """Each model's record, as `punie.report.record` writes it, in the order in which they were made."""
    record = read_json(folder / COMPARISON)
    return record["comparisons"] if record["kind"] == "comparisons" else [record]


DATASET = Product(lambda folder: (folder / MANIFEST).is_file(), lambda folder: open_source(folder).fingerprint(), _rows)
ADAPTER = Product(
    lambda folder: AdapterFolder(folder).outcome.is_file(),
    fingerprint.adapter,
    _training,
    "run/report.html",
)
MODEL = Product(Path.is_dir, fingerprint.model, _fused)
WIDTHS = Product(
    Path.is_dir,
    lambda folder: hash_names({width.name: fingerprint.model(width) for width in widths_in(folder)}),
    _widths,
)
RUN = Product(
    Path.is_dir,
    lambda folder: hash_files([folder / RECORD, folder / SAMPLES]),
    _run,
    "report.html",
)
COMPARED = Product(Path.is_dir, lambda folder: hash_file(folder / COMPARISON), _comparison, "comparison.html")
