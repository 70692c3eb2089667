"""What a model or an adapter is, by the content of its files.

A hash says how it was taken: `sha256:` over whole files, `sampled-sha256:` over names, sizes and both ends of files
that are together larger than 2 GB.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from punie.errors import UsageError
from punie.files import hash_file, hash_files, hash_value, open_input, read_json

_WORDS = ("*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken", "*.py")
_WHOLE_BYTES = 2_000_000_000
_SAMPLE_BYTES = 4_000_000


def model(folder: Path) -> str:
    """Over weights and config.json, since the same weights under another configuration are another model."""
    weights = sorted(folder.glob("model*.safetensors"))
    if not weights:
        raise UsageError("The model has no weights: no model*.safetensors.", where=str(folder))
    return _hash([*weights, folder / "config.json"])


def adapter(folder: Path) -> str:
    """Over weights and configuration, since the scale is in the latter."""
    return _hash([folder / "adapters.safetensors", folder / "adapter_config.json"])


def tokenizer(folder: Path) -> str:
    return f"sha256:{hash_file(folder / 'tokenizer.json')}"


def template(folder: Path) -> str:
    """Over the chat template. Raises UsageError when the model has none."""
    return f"sha256:{hash_value(_chat_template(folder))}"


def vocabulary(folder: Path) -> str:
    """Over every file that may have a say in how text becomes tokens: all of a model but its weights."""
    files = [file for pattern in _WORDS for file in folder.glob(pattern) if file.is_file()]
    return f"sha256:{hash_files(files)}"


def _chat_template(model: Path) -> Any:
    """The template where transformers and mlx_lm look for it; without one the server makes up a format of its own."""
    file, settings = model / "chat_template.jinja", model / "tokenizer_config.json"
    if file.is_file():
        return file.read_text()
    found = read_json(settings) if settings.is_file() else {}
    template = found.get("chat_template") or found.get("chat_template_type")
    if not template:
        raise UsageError(
            "The model has no chat template, so there is no agreed way to ask it anything.",
            where=str(model),
            hint="Use the instruction-tuned version of the model, or put a chat_template.jinja into its folder.",
        )
    return template


def _hash(paths: Sequence[Path]) -> str:
    for path in paths:
        if not path.is_file():
            raise UsageError("The file does not exist.", where=str(path))
    if sum(path.stat().st_size for path in paths) < _WHOLE_BYTES:
        return f"sha256:{hash_files(paths)}"
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        digest.update(f"{path.name}\0{path.stat().st_size}\n".encode())
        digest.update(_ends(path))
    return f"sampled-sha256:{digest.hexdigest()}"


def _ends(path: Path) -> bytes:
    """The first and the last 4 MB of a file."""
    size = path.stat().st_size
    with open_input(path) as file:
        start = file.read(_SAMPLE_BYTES)
        file.seek(max(0, size - _SAMPLE_BYTES))
        return start + file.read(_SAMPLE_BYTES)
