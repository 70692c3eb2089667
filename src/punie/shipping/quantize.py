"""The same model with fewer bits for each weight, and what each width costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from punie.errors import UsageError
from punie.files import read_json
from punie.shipping.child import OnMeasured, ask_child, new_folder
from punie.shipping.messages import Measured, QuantizeAsked, weight_bytes
from punie.shipping.proof import Proof, made_of
from punie.workspace import resolve_model

WIDTHS = (2, 3, 4, 5, 6, 8)


def quantize(model: str, bits: Sequence[int], output: Path, on_measured: OnMeasured = lambda name: None) -> Proof:
    """Write `output`/N-bit for each width, and one proof beside them.

    Raises UsageError, CapacityError and TrainingError.
    """
    base = resolve_model(model)
    if not bits or set(bits) - set(WIDTHS) or len(set(bits)) < len(bits):
        raise UsageError(f"The widths are some of {', '.join(map(str, WIDTHS))}, each at most once.")
    if "quantization" in read_json(base / "config.json"):
        raise UsageError(
            "The model is quantized already; what it lost does not come back.",
            where=str(base),
            hint="Give the model it was made from, or the folder that punie fuse wrote without --requantize.",
        )
    with new_folder(output, sum(bytes_needed(weight_bytes(base), width) for width in bits)) as folder:
        asked = QuantizeAsked(str(base), {width: str(folder / name_of(width)) for width in bits})
        models = tuple(event for event in ask_child(asked, on_measured) if isinstance(event, Measured))
        proof = Proof("quantize", made_of(base), models)
        proof.write(folder)
    return proof


def name_of(width: int) -> str:
    """Of a width's folder, and of its row in the table."""
    return f"{width}-bit"


def bytes_needed(weights: int, width: int) -> int:
    """Disk for a model of `weights` bytes in another width.

    Scale and offset of a group of 64 weights are one bit more for each, where the model has 16 or more.
    """
    return weights * (width + 1) // 16
