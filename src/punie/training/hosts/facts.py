"""What has to be the same on every machine before they train together, and whether it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from punie import __version__, fingerprint
from punie.errors import PunieError, UsageError
from punie.files import hash_file, hash_files, hash_names
from punie.training.hosts.hostfile import Hosts
from punie.training.plan import TrainingPlan

_PACKAGES = ("mlx", "mlx-lm", "transformers", "tokenizers", "numpy")
"""Another version of one of these may tokenize, draw or compute otherwise."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The folders that a plan, which is resolved, reads; under the same paths everywhere."""

    model: str
    data: str
    resume_from: str | None

    @classmethod
    def of(cls, plan: TrainingPlan) -> Inputs:
        return cls(plan.model, plan.data, plan.resume_from)


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one machine. `problem` is empty, or why the rest could not be found out."""

    machine: str
    versions: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


def facts(machine: str, inputs: Inputs) -> Facts:
    """Of this machine."""
    try:
        return Facts(machine, _versions(), _hashes(inputs))
    except PunieError as error:
        return Facts(machine, problem=str(error))


def require_alike(hosts: Hosts, found: Sequence[Facts]) -> None:
    """Raises UsageError that names the first host which is not as the first of all, and in what."""
    for rank, one in enumerate(found):
        if one.problem:
            raise UsageError(f"{hosts.name(rank)} is not ready: {one.problem}")
    for rank, one in enumerate(found):
        _require_same(hosts, rank, found[0].versions, one.versions, "Install the same versions everywhere.")
        _require_same(hosts, rank, found[0].hashes, one.hashes, "Copy it from the first host to the others.")


def _require_same(hosts: Hosts, rank: int, first: Mapping[str, Any], other: Mapping[str, Any], hint: str) -> None:
    for name in first:
        if other[name] != first[name]:
            raise UsageError(
                f"{hosts.name(rank)} has another {name} than {hosts.name(0)}: {_short(other[name])}, "
                f"not {_short(first[name])}.",
                hint=hint,
            )


def _versions() -> dict[str, str]:
    return {"Punie": __version__, **{name: version(name) for name in _PACKAGES}}


def _hashes(inputs: Inputs) -> dict[str, str]:
    model, data = Path(inputs.model), Path(inputs.data)
    splits = [file for name in ("train", "valid") if (file := data / f"{name}.jsonl").is_file()]
    start = {} if inputs.resume_from is None else {"first adapter": fingerprint.adapter(Path(inputs.resume_from))}
    return {
        "code of Punie": _code(),
        "model": fingerprint.model(model),
        "tokenizer": fingerprint.vocabulary(model),
        "data": f"sha256:{hash_files(splits)}",
        **start,
    }


def _code() -> str:
    """Two checkouts of one version may differ."""
    package = Path(__file__).parents[2]
    return f"sha256:{hash_names({str(file.relative_to(package)): hash_file(file) for file in package.rglob('*.py')})}"


def _short(value: str) -> str:
    return value if len(value) < 30 else f"{value[:22]}..."
