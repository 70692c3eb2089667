"""Where things live: models by name, working folders, and what is made from what."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from punie.errors import UsageError
from punie.refusals import explained

EMBEDDED_MODEL = "tiny"
RUN_FOLDERS = ("reports", "adapters", "models")
"""Where evaluations and comparisons, trainings, and pretrained models lie, unless somebody says otherwise."""

PROOF = "proof.json"
"""In the folder of a fused model, and beside those of quantized ones: what was made of what, and when."""
ADAPTER_FILES = ["adapters.safetensors", "adapter_config.json", "run/*.json"]
MODEL_FILES = ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model", "*.tiktoken", "*.py"]


def cache_folder() -> Path:
    """For what can be made again: PUNIE_CACHE, or punie in XDG_CACHE_HOME, or ~/.cache/punie."""
    if own := os.environ.get("PUNIE_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "punie"


def run_folders(given: Sequence[Path] | None) -> list[Path]:
    """The folders to look for runs in: those given, or those of `RUN_FOLDERS` that are here. Raises UsageError."""
    folders = list(given or filter(Path.is_dir, map(Path, RUN_FOLDERS)))
    missing = [str(folder) for folder in folders if not folder.is_dir()]
    if missing or not folders:
        raise UsageError(
            "There is no such folder." if missing else "There are no runs here.",
            where=missing[0] if missing else str(Path.cwd()),
            hint="Run this where reports and adapters lie, or name their folders.",
        )
    return folders


def resolve_model(name: str) -> Path:
    """The local folder of a model: the embedded one, a folder, or a hub repository (fetched on first use).

    Raises UsageError when there is no such model or the hub cannot be reached.
    """
    path = local_folder(name)
    if not path.is_dir() and _looks_like_repository(name):
        path = _fetch(name, "model", MODEL_FILES)
    if not (path / "config.json").is_file():
        raise UsageError(
            f"There is no model called {name!r}.",
            where=str(path),
            hint="Give a folder with config.json, a hub name like org/model, or tiny for the embedded model.",
        )
    return path.resolve()


def local_folder(name: str) -> Path:
    """Where a model of this name would lie if it is none of the hub's, which is not asked."""
    return embedded_model() if name == EMBEDDED_MODEL else Path(name).expanduser()


def model_config(name: str) -> Path:
    """The config.json of a model, without its weights: of a hub repository nothing else is fetched.

    Raises UsageError when there is no such model or the hub cannot be reached.
    """
    path = local_folder(name)
    if not path.is_dir() and _looks_like_repository(name):
        return _fetch(name, "model", ["config.json"]) / "config.json"
    return resolve_model(name) / "config.json"


def resolve_adapter(name: str) -> Path:
    """The local folder of an adapter: a folder, or a hub repository (fetched on first use). What is in it is unchecked.

    Raises UsageError when there is no such folder or the hub cannot be reached.
    """
    path = Path(name).expanduser()
    if not path.is_dir() and _looks_like_repository(name):
        path = _fetch(name, "adapter", ADAPTER_FILES)
    if not path.is_dir():
        raise UsageError(
            f"There is no adapter called {name!r}.",
            where=str(path),
            hint="Give its folder, or a hub name: org/name.",
        )
    return path.resolve()


def embedded_model() -> Path:
    """The folder of the demonstration model inside the package, or the one PUNIE_TINY_MODEL names."""
    override = os.environ.get("PUNIE_TINY_MODEL")
    return Path(override) if override else Path(str(files("punie") / "models" / "tiny"))


def is_embedded(model: Path) -> bool:
    return model.resolve() == embedded_model().resolve()


def _looks_like_repository(name: str) -> bool:
    parts = name.split("/")
    return len(parts) == 2 and all(parts) and not name.startswith((".", "~"))


def _fetch(repository: str, what: str, files: list[str]) -> Path:
    from huggingface_hub import snapshot_download

    with explained(
        what, repository, f"It is not on this machine. Check the connection, or give a local {what} folder."
    ):
        return Path(snapshot_download(repository, allow_patterns=files))
