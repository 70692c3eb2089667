"""What the child that ships a model is asked, and what it says, one JSON line per event."""

from __future__ import annotations

from pathlib import Path

import msgspec

from punie.training.metrics import Failed


class FuseAsked(msgspec.Struct, frozen=True, tag="fuse"):
    """`requantize`: quantize fused weights again as those of the base are; otherwise they stay as floats."""

    model: str
    adapter: str
    output: str
    requantize: bool


class QuantizeAsked(msgspec.Struct, frozen=True, tag="quantize"):
    """`outputs`: the folder to make for each width in bits."""

    model: str
    outputs: dict[int, str]


class PeftAsked(msgspec.Struct, frozen=True, tag="peft"):
    """`base_name`: how PEFT is to call the model that the adapter belongs to."""

    model: str
    adapter: str
    output: str
    base_name: str


class GgufAsked(msgspec.Struct, frozen=True, tag="gguf"):
    """`output`: the file to make."""

    model: str
    output: str


class TurnsAsked(msgspec.Struct, frozen=True, tag="turns"):
    """What the model's chat template comes to, turn by turn."""

    model: str


Asked = FuseAsked | QuantizeAsked | PeftAsked | GgufAsked | TurnsAsked


class Divergence(msgspec.Struct, frozen=True):
    """How far another model's next tokens are from the reference's, over the answers that the reference gives.

    Kullback-Leibler divergences are of the other from the reference, in nats per token.
    """

    kl_mean: float
    kl_max: float
    agreement: float
    """Share of tokens where both find the same one likeliest."""
    tokens: int


class Measured(msgspec.Struct, frozen=True, tag_field="event", tag="measured"):
    """One model. `size` is that of its weights on disk, in bytes; `divergence` is None for the reference itself."""

    name: str
    size: int
    bits_per_weight: float
    tokens_per_second: float
    divergence: Divergence | None = None


class Survival(msgspec.Struct, frozen=True, tag_field="event", tag="survival"):
    """How much of scale * B * A is in the weights that lie on disk, beside the base's.

    A share is the length of what arrived along the adapter's own direction: 1 is all of it, 0 none.
    """

    modules: int
    share: float
    least: float
    least_module: str
    steps: float | None
    """Largest distance from base + adapter, in rounding steps of the stored type; None where it was quantized."""


class Converted(msgspec.Struct, frozen=True, tag_field="event", tag="converted"):
    """Tensors that were written for another program. `difference` is the largest one found on reading them back.

    Of an adapter it counts in lengths of the largest change of a weight; of a model in rounding steps of float16.
    """

    tensors: int
    difference: float


class Turns(msgspec.Struct, frozen=True, tag_field="event", tag="turns"):
    """What stands around each turn of a chat, or why it cannot be said so simply.

    `opening` begins a chat that has no system message; `answer` is what follows the last turn when it is the model's.
    """

    stops: list[str]
    """The tokens that end an answer."""
    unlike: str = ""
    opening: str = ""
    around: dict[str, tuple[str, str]] = {}
    answer: str = ""


Event = Measured | Survival | Converted | Turns | Failed
DECODER = msgspec.json.Decoder(Event)


def weight_bytes(folder: Path) -> int:
    """Of the files that mlx-lm loads for a model."""
    return sum(file.stat().st_size for file in folder.glob("model*.safetensors"))
