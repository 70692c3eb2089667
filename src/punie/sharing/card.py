"""The model card: what the folder itself can prove, and a plain "not recorded" for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from punie import __version__, fingerprint
from punie.data.dataset import MANIFEST, read_manifest
from punie.data.schema import row_label
from punie.errors import DataError
from punie.files import hash_file, hash_files, read_json, read_jsonl
from punie.report import numbers
from punie.sharing.evidence import Evidence
from punie.sharing.scrub import hub_name, public_name
from punie.training.adapter import AdapterFolder
from punie.training.outcome import TrainingOutcome
from punie.training.plan import TrainingPlan
from punie.training.request import load_plan
from punie.workspace import PROOF

MARK = "punie"
"""The tag by which a repository is known to be one of ours."""
_MOST_LICENCES = 5

_USE = """\
```bash
hf download {0} --local-dir adapter
mlx_lm.generate --model {1} --adapter-path adapter --prompt '...'
```"""

Facts = Iterator[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Card:
    """Of `folder`, whose scrubbed copy is `root`. Without an outcome, nothing is said of the training."""

    repository: str
    kind: str
    folder: Path
    root: Path
    outcome: TrainingOutcome | None
    evidence: Sequence[Evidence]
    licence: str | None

    def to_markdown(self) -> str:
        parts = [self._front_matter(), f"# {self.repository.rpartition('/')[2]}", self._introduction()]
        if self.outcome is not None:
            plan = load_plan(AdapterFolder(self.folder).plan)
            parts += ["## Data", _table(_data_facts(self.outcome)), "## Training"]
            parts += [_table(_training_facts(self.outcome, plan)), ""]
        parts += ["## Is it better?", *self._results(), "## Identity", _table(self._identity())]
        return "\n\n".join(filter(None, parts)) + "\n"

    @property
    def _parents(self) -> dict[str, str]:
        """Names and hashes of what a model was fused from; nothing where no proof is at hand."""
        proof = self.folder / PROOF
        return read_json(proof)["made_of"] if self.kind == "model" and proof.is_file() else {}

    @property
    def _base(self) -> str:
        if self.kind == "model":
            return self._parents.get("model", "")
        named = str(read_json(AdapterFolder(self.folder).config).get("model", ""))
        return hub_name(named) or public_name(named)

    def _front_matter(self) -> str:
        fields = {
            "license": self.licence,
            "base_model": hub_name(self._base),
            "library_name": "mlx",
            "pipeline_tag": "text-generation",
            "tags": [MARK, "mlx", *(["lora"] if self.kind == "adapter" else [])],
        }
        known = {key: value for key, value in fields.items() if value}
        return f"---\n{yaml.safe_dump(known, sort_keys=False)}---"

    def _introduction(self) -> str:
        licence = self.licence or "not stated"
        if self.kind == "model":
            fused = f": `{parents['adapter']}` fused into `{self._base}`" if (parents := self._parents) else ""
            return f"A language model for mlx-lm{fused}. Licence: {licence}."
        told = f"An adapter of mlx-lm for the model `{self._base}`. Licence: {licence}; the model has its own."
        return f"{told}\n\n{_USE.format(self.repository, self._base)}" if hub_name(self._base) else told

    def _results(self) -> Iterator[str]:
        if not self.evidence:
            yield "Not known: these weights were not evaluated, or no evaluation of them was at hand."
            return
        columns = ("suite (half)", "right", "share", "95% interval", "evaluated")
        yield _rows(columns, [evidence.row for evidence in self.evidence])
        for evidence in self.evidence:
            if evidence.comparison is not None:
                yield f"{evidence.suite}, beside the model alone: {evidence.comparison.headline}"
            cautions = evidence.comparison.cautions if evidence.comparison else evidence.summary.warnings
            yield "\n".join(f"- {caution}" for caution in cautions)

    def _identity(self) -> Facts:
        hash_of = fingerprint.adapter if self.kind == "adapter" else fingerprint.model
        yield "hash of this repository", hash_of(self.root)
        if (measured := hash_of(self.folder)) != hash_of(self.root):
            yield "hash when evaluated", f"{measured} (the same weights; paths in the configuration are replaced)"
        for what in ("model", "adapter"):
            if what in self._parents:
                yield f"{what} that it was fused from", f"{self._parents[what]}, {self._parents[f'{what}_hash']}"
        for weights in sorted(self.root.glob("*.safetensors")):
            yield weights.name, f"sha256:{hash_file(weights)}"
        yield "card made by", f"punie {__version__} from the folder's own records"


def _data_facts(outcome: TrainingOutcome) -> Facts:
    folder = Path(outcome.data)
    yield "dataset", hub_name(outcome.data) or public_name(outcome.data)
    yield "hash of train and valid", outcome.data_hash
    files = [path for split in ("train", "valid") if (path := folder / f"{split}.jsonl").is_file()]
    if not files or f"sha256:{hash_files(files)}" != outcome.data_hash:
        yield "rows and licences", "not at hand any more as they were when it was trained"
        return
    counts = [f"{path.stem} {sum(1 for _ in read_jsonl(path)):,}" for path in files]
    yield "rows", ", ".join(counts)
    yield "licences of rows", _licences(files)
    if (folder / MANIFEST).is_file():
        try:
            manifest = read_manifest(folder)
        except DataError:
            return
        yield "dataset.json", f"{manifest.name}, fingerprint {manifest.fingerprint}"


def _licences(files: Sequence[Path]) -> str:
    """As the rows say it, the commonest first."""
    rows = (row for path in files for _, row in read_jsonl(path))
    found = Counter(str(row_label(row, "licence") or row_label(row, "license") or "not stated") for row in rows)
    told = [f"{name} {count:,}" for name, count in found.most_common(_MOST_LICENCES)]
    more = len(found) - len(told)
    return ", ".join(told) + (f", and {more} more" if more else "")


def _training_facts(outcome: TrainingOutcome, plan: TrainingPlan) -> Facts:
    yield "method", plan.fine_tune_type
    if plan.fine_tune_type != "full":
        yield "rank, scale, dropout", f"{plan.rank}, {plan.scale:g}, {plan.dropout:g}"
    yield "modules", ", ".join(plan.keys) if plan.keys else "every linear one"
    yield "layers", "all" if plan.num_layers == -1 else f"the last {plan.num_layers}"
    if plan.resume_from is not None:
        yield "began with", hub_name(plan.resume_from) or public_name(plan.resume_from)
    if plan.stages:
        yield "stages", ", ".join(stage.name for stage in plan.stages)
    rows = f"{plan.batch_tokens:,} tokens" if plan.batch_tokens else f"{plan.batch_size} rows"
    yield "steps", f"{outcome.iterations:,} batches of {rows}, learning rate {plan.learning_rate:g} ({plan.schedule})"
    yield "tokens", f"{outcome.tokens:,} seen, {outcome.trained_tokens:,} learned from"
    yield "parameters", f"{outcome.trainable_parameters:,} trained of {outcome.total_parameters:,}"
    yield "seed", str(plan.seed)
    yield "training loss", f"{outcome.train_loss:.4f} nats per token"
    valid = outcome.valid_loss
    yield "validation loss", "not measured" if valid is None else f"{valid:.4f} nats per token, of the rows chosen on"
    yield "checkpoint", f"iteration {outcome.selection.iteration}: {outcome.selection.reason}"
    yield "time, peak memory", f"{numbers.duration(outcome.seconds)}, {numbers.size(outcome.peak_memory)}"
    yield "machine", outcome.machine or "not recorded"
    yield "finished", outcome.finished or "not recorded"
    yield "versions", ", ".join(f"{name} {version}" for name, version in sorted(outcome.versions.items()))


def _table(facts: Facts) -> str:
    return _rows(("what", "value"), list(facts))


def _rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
