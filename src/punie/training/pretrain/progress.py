"""What the pretraining child reports, one JSON line each."""

from __future__ import annotations

import msgspec

from punie.training.metrics import Failed


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="progress"):
    """Mean loss in nats since the last report; `stage` is "induction" or "text", `iteration` of `total` are done."""

    stage: str
    iteration: int
    total: int
    loss: float
    tokens_per_second: float


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="finished"):
    """The model lies whole in the output folder. Losses in nats; `tokens` are of the text, without the warm-up."""

    parameters: int
    tokens: int
    train_loss: float
    valid_loss: float


DECODER = msgspec.json.Decoder(Progress | Finished | Failed)
