"""What leaves this machine: a folder of scrubbed copies beside links to the weights."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from punie import fingerprint
from punie.errors import UsageError
from punie.files import copy_file, make_folder, read_json, write_json, write_text
from punie.sharing.card import Card
from punie.sharing.evidence import gather
from punie.sharing.scan import require_clean
from punie.sharing.scrub import scrubbed, scrubbed_text, without_origin
from punie.training.adapter import AdapterFolder, read_adapter
from punie.training.outcome import TrainingOutcome, read_outcome
from punie.training.pretrain.card import CARD as PRETRAINED
from punie.training.pretrain.card import README
from punie.training.request import read_values

_RUN = ("run/plan.yaml", "run/outcome.json", "run/matrix.json", "run/results.md")
_ADAPTER = ("adapters.safetensors", "adapter_config.json")
_MODEL = ("*.json", "model*.safetensors", "*.jinja", "*.txt", "*.model", "*.tiktoken", "*.py")
_RECORDS = {"adapter_config.json", PRETRAINED, *_RUN}
"""Written by trainers, with paths."""
_NAMED = {"config.json", "tokenizer_config.json"}
"""Written by transformers, which notes in a key of its own where it read them; all else must stay as it is."""

Kind = Literal["adapter", "model"]


@dataclass(frozen=True, slots=True)
class Packed:
    """`root` lives as long as the block that asked for it. Sizes are in bytes, by name as on the hub."""

    root: Path
    kind: Kind
    sizes: dict[str, int]
    evaluations: int
    """How many of them the card shows."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to push: a folder, its evaluations (found in `reports` where none is given), and the licence it is under."""

    folder: Path
    repository: str
    evaluations: Sequence[Path] = ()
    licence: str | None = None


@contextmanager
def packed(asked: Asked) -> Generator[Packed]:
    """Everything as it will be on the hub, checked.

    Raises UsageError where the folder is neither a whole adapter nor a model, where its weights are not those its
    record speaks of, or where a file holds a secret or a path of this machine.
    """
    folder = asked.folder.expanduser().resolve()
    kind = _kind_of(folder)
    evidence = gather(folder, asked.evaluations, Path("reports"))
    with tempfile.TemporaryDirectory(prefix="punie-push-") as drafts:
        root = Path(drafts)
        for name in _names(folder, kind):
            _copy(folder, name, root)
        outcome = _outcome(folder, root) if kind == "adapter" else None
        card = Card(asked.repository, kind, folder, root, outcome, evidence, asked.licence)
        write_text(root / README, card.to_markdown())
        names = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        require_clean(root, names)
        yield Packed(root, kind, {name: (root / name).stat().st_size for name in names}, len(evidence))


def stale(names: Iterable[str], package: Packed) -> list[str]:
    """Of the files a repository has, the ones of an earlier push that would speak of other weights."""
    ours = [name for name in names if name in _RECORDS or name.endswith(".safetensors")]
    return [name for name in ours if name not in package.sizes]


def _kind_of(folder: Path) -> Kind:
    paths = AdapterFolder(folder)
    if paths.weights.is_file() or paths.config.is_file() or paths.run.is_dir():
        read_adapter(folder)
        return "adapter"
    if (folder / "config.json").is_file():
        fingerprint.model(folder)
        return "model"
    raise UsageError(
        "Neither an adapter nor a model.", where=str(folder), hint="Give the folder that training or fusing wrote."
    )


def _names(folder: Path, kind: Kind) -> list[str]:
    if kind == "adapter":
        return [name for name in (*_ADAPTER, *_RUN) if (folder / name).is_file()]
    return model_files(folder)


def model_files(folder: Path) -> list[str]:
    """The names of what belongs to a model: its weights, and every file with a say in how it is run."""
    return sorted({path.name for pattern in _MODEL for path in folder.glob(pattern) if path.is_file()})


def _copy(folder: Path, name: str, root: Path) -> None:
    """Weights are large and stay where they are; records of this machine are scrubbed."""
    source, target = folder / name, root / name
    make_folder(target.parent)
    if source.suffix == ".safetensors":
        target.symlink_to(source)
    elif name in _RECORDS:
        _copy_record(source, target)
    elif name in _NAMED and (value := read_json(source)) != (cleared := without_origin(value)):
        write_json(target, cleared)
    else:
        copy_file(source, target)


def _copy_record(source: Path, target: Path) -> None:
    match source.suffix:
        case ".json":
            write_json(target, scrubbed(read_json(source)))
        case ".yaml":
            write_text(target, yaml.safe_dump(scrubbed(read_values(source)), sort_keys=False, allow_unicode=True))
        case _:
            write_text(target, scrubbed_text(source.read_text(encoding="utf-8")))


def _outcome(folder: Path, root: Path) -> TrainingOutcome | None:
    """The record of the training, whose hash in the copy is that of the scrubbed adapter."""
    if not AdapterFolder(folder).outcome.is_file():
        return None
    outcome = read_outcome(folder)
    if outcome.adapter_hash != fingerprint.adapter(folder):
        raise UsageError(
            "The weights or their configuration are not those that run/outcome.json tells of.",
            where=str(folder),
            hint="Push the folder as training left it, or without its run folder.",
        )
    copy = read_json(AdapterFolder(root).outcome)
    write_json(AdapterFolder(root).outcome, {**copy, "adapter_hash": fingerprint.adapter(root)})
    return outcome
