"""What the files of a model say of it: shape, parameters, quantisation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from punie import fingerprint
from punie.files import read_json

_HEADER_LENGTH_BYTES = 8
_PACKED_BITS = 32
_SHAPE = ("num_hidden_layers", "hidden_size", "vocab_size", "max_position_embeddings")


def about_model(folder: Path) -> dict[str, Any]:
    """Facts by name; sizes in bytes. Raises UsageError where there are no weights."""
    config = read_json(folder / "config.json")
    quantised = config.get("quantization") or {}
    weights = sorted(folder.glob("model*.safetensors"))
    return {
        "folder": str(folder),
        "kind": config.get("model_type"),
        **{name: config.get(name) for name in _SHAPE},
        "parameters": sum(_parameters(path, quantised.get("bits")) for path in weights),
        "quantisation": f"{quantised['bits']} bits, groups of {quantised['group_size']}" if quantised else "none",
        "bytes": sum(path.stat().st_size for path in weights),
        "hash": fingerprint.model(folder),
    }


def _parameters(path: Path, bits: int | None) -> int:
    """Quantised weights are packed into 32 bits; their scales and biases are no parameters of the model."""
    shapes = dict(_shapes(path))
    scaled = {name.removesuffix(".scales") for name in shapes if name.endswith(".scales")}
    total = 0
    for name, shape in shapes.items():
        module, _, part = name.rpartition(".")
        if module not in scaled:
            total += prod(shape)
        elif part == "weight" and bits:
            total += prod(shape) * _PACKED_BITS // bits
    return total


def _shapes(path: Path) -> Iterator[tuple[str, list[int]]]:
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(_HEADER_LENGTH_BYTES), "little")))
    yield from ((name, tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
