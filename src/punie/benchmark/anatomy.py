"""What a model is made of, as far as time and memory of training go by it. Counted by a child, weights unread."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from punie.benchmark.asking import ask
from punie.files import copy_file
from punie.training.metrics import Failed
from punie.training.plan import TrainingPlan

WORKER = "punie.benchmark.anatomy_worker"


class Anatomy(msgspec.Struct, frozen=True, tag_field="event", tag="anatomy"):
    """Of a model as a plan makes it trainable. Sizes in bytes; what is "of a layer" is the mean over all layers."""

    layers: int
    parameters: int
    weights: int
    """As config.json says they are stored, with what is added to be trained."""
    weights_at: dict[int, int]
    """What they would be at so many bits a number."""
    trainable: int
    trainable_bytes: int
    optimizer: int
    """Its moments."""
    hidden: int
    vocabulary: int
    heads: int
    head_size: int
    number: int
    """Of one activation."""
    outputs: int
    """Numbers that the matrices of a layer give for one token; of experts, those that are asked."""
    room: int
    """Bytes that a run may use on this machine now."""
    products: int
    """Multiplications with the matrices of a layer for one token."""


_DECODER = msgspec.json.Decoder(Anatomy | Failed)


def read_anatomy(plan: TrainingPlan) -> Anatomy:
    """Of the model in the folder `plan.model`, of which only config.json is read.

    Raises UsageError for an architecture mlx-lm does not know, and for layers the model lacks.
    """
    with tempfile.TemporaryDirectory(prefix="punie-") as scratch:
        alone = Path(scratch) / Path(plan.model).name
        copy_file(Path(plan.model) / "config.json", alone / "config.json")
        asked = plan.model_copy(update={"model": str(alone)}).model_dump(mode="json")
        (found,) = ask(WORKER, asked, _DECODER, f"{alone.name} could not be taken apart")
        return found
