"""How many questions at once serve a model best, measured on this machine and remembered.

The width is part of the conditions of an answer: greedy text can depend on what shares its batch. So it is measured
before the first case, on questions of our own, and every arm of the same base model is given the same one.
"""

from __future__ import annotations

import asyncio
import time
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from punie.files import hash_value, make_folder, write_json
from punie.serving.completion import DroppedReply, Messages, ModelClient, RefusedQuestion, Sampling
from punie.serving.identity import Identity
from punie.workspace import cache_folder

_NARROWEST, _WIDEST = 4, 32
"""mlx_lm decodes 32 at once, and lets others wait."""
_WORTH_IT = 1.05
_SAMPLING = Sampling(max_tokens=32)


class Tuning(BaseModel):
    """The width that was chosen, and the tokens per second at each that was tried."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int
    rates: dict[int, float]


async def best_width(client: ModelClient, identity: Identity) -> Tuning:
    """The width measured earlier for this base model and server, or else measured now."""
    path = _place(identity)
    try:
        return Tuning.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        tuning = await measure_width(client)
    make_folder(path.parent)
    write_json(path, tuning.model_dump(mode="json"))
    return tuning


async def measure_width(client: ModelClient) -> Tuning:
    """Ask 4, 8, 16, 32 questions at once, for as long as that makes at least 5 % more tokens per second."""
    best, rates = _NARROWEST, {_NARROWEST: await _rate(client, _NARROWEST)}
    while best < _WIDEST:
        rates[best * 2] = await _rate(client, best * 2)
        if rates[best * 2] < _WORTH_IT * rates[best]:
            break
        best *= 2
    return Tuning(width=best, rates=rates)


async def _rate(client: ModelClient, width: int) -> float:
    began = time.perf_counter()
    tokens = await asyncio.gather(*(_tokens(client, number) for number in range(width)))
    return sum(tokens) / (time.perf_counter() - began)


async def _tokens(client: ModelClient, number: int) -> int:
    question: Messages = ({"role": "user", "content": f"Write a Python function that adds {number} to a number."},)
    try:
        return (await client.complete(question, (), _SAMPLING)).completion_tokens
    except (DroppedReply, RefusedQuestion):
        return 0


def _place(identity: Identity) -> Path:
    known = [identity.model_hash, identity.tokenizer_hash, version("mlx-lm")]
    return cache_folder() / "widths" / f"{hash_value(known)}.json"
