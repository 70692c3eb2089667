"""An adapter becomes part of its model, and whoever asks is told whether it survived."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from punie.errors import UsageError
from punie.files import read_json
from punie.shipping.child import OnMeasured, ask_child, new_folder
from punie.shipping.messages import Event, FuseAsked, Measured, Survival, weight_bytes
from punie.shipping.proof import Proof, made_of, require_fused
from punie.training.adapter import read_adapter
from punie.workspace import resolve_model

_HEADROOM = 1.1


def fuse(
    adapter: Path,
    output: Path,
    *,
    model: str | None = None,
    requantize: bool = False,
    min_kept: float = 0.5,
    on_measured: OnMeasured = lambda name: None,
) -> Proof:
    """Write the fused model and its proof into `output`; where too little of the adapter is left, write nothing.

    `model` is the adapter's own unless given. Raises UsageError, CapacityError, GateError, and TrainingError.
    """
    found = read_adapter(adapter)
    base = resolve_model(model or found.base_model)
    quantized = "quantization" in read_json(base / "config.json")
    if requantize and not quantized:
        raise UsageError("The model is not quantized, so there is nothing to requantize.", where=str(base))
    with new_folder(output, bytes_needed(base, widened=quantized and not requantize)) as folder:
        asked = FuseAsked(str(base), str(found.folder.resolve()), str(folder), requantize)
        proof = _proof(ask_child(asked, on_measured), made_of(base, found.folder))
        require_fused(proof, min_kept)
        proof.write(folder)
    return proof


def _proof(heard: Sequence[Event], sources: dict[str, str]) -> Proof:
    models = tuple(event for event in heard if isinstance(event, Measured))
    return Proof("fuse", sources, models, next((event for event in heard if isinstance(event, Survival)), None))


def bytes_needed(model: Path, *, widened: bool) -> int:
    """Disk for the fused model: 16 bits for each weight where quantized ones are widened."""
    size = weight_bytes(model) * _HEADROOM
    bits = read_json(model / "config.json")["quantization"]["bits"] if widened else 16
    return int(size * 16 / bits)
