"""Checks that cost a few passes and would have spared whole projects: is the model causal, does it begin where a model
that knows nothing begins, is anything learned, and does it say anything afterwards.

They run in eval mode, draw from no random stream and change no weight. Runs in the training child.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, cast

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx_lm.generate import generate_step

from punie.degeneration import is_degenerate
from punie.training.batches import TokenRow, clipped
from punie.training.metrics import Probed

_CAUSAL_TOKENS = 32
_ROUNDING = {mx.float32: 1e-4, mx.float16: 5e-3, mx.bfloat16: 4e-2}
"""Of the largest logit; what changes at all where a model is causal is rounding."""

_FIRST_LOSS_ROWS = 8
_FIRST_LOSS_NATS = 0.25
_LEAST_LEARNED = 0.001

_SEES_AHEAD = (
    "The model sees the tokens it is to predict, so its loss will mean nothing and it will not be able to write. "
    "It lacks a causal mask: use another architecture."
)
_BLIND = "The model does not look at what it is given: these weights are not those of a language model."
_HARDLY_ANYTHING = (
    f"That is less than {_LEAST_LEARNED:.1%}: look at the mask, and at what the rows hold besides answers."
)
_LOOK = "Look at the learning rate, the loss curve and the rows before you use this."

_ANSWERS = 2
_ANSWER_TOKENS = 32


def before_training(model: Any, rows: Sequence[TokenRow], limit: int, *, untrained: bool) -> Iterator[Probed]:
    """Of a model and the rows it is about to learn from, `limit` tokens of each."""
    with _at_rest(model):
        yield causality(model, rows)
        if untrained:
            yield first_loss(model, rows, limit)
        yield learned_share(rows, limit)


def causality(model: Any, rows: Sequence[TokenRow]) -> Probed:
    """Changing a token must change no logit before it."""
    tokens = max((_ids(row, _CAUSAL_TOKENS) for row in islice(rows, _CAUSAL_TOKENS)), key=len)
    at = len(tokens) // 2
    changed = [*tokens[:at], next(token for token in range(2) if token != tokens[at]), *tokens[at + 1 :]]
    logits, other = (model(mx.array([ids])) for ids in (tokens, changed))
    bound = _ROUNDING.get(logits.dtype, max(_ROUNDING.values()))
    change = mx.abs(logits.astype(mx.float32) - other.astype(mx.float32))[0] / _largest(logits)
    before, after = _largest(change[:at]) if at else 0.0, _largest(change[at:])
    found = (
        f"Another token {at + 1} changes the logits before it by {before:.2g} of the largest, others by {after:.2g}."
    )
    return _judged("causality", before, found, _SEES_AHEAD if before > bound else "" if after else _BLIND)


def first_loss(model: Any, rows: Sequence[TokenRow], limit: int) -> Probed:
    """A model that knows nothing gives every token the same chance, so its loss is the logarithm of their number."""
    loss, tokens = 0.0, 0
    for row in rows[:_FIRST_LOSS_ROWS]:
        ids = mx.array(_ids(row, limit))
        logits = model(ids[None, :-1])[0].astype(mx.float32)
        loss += _number(nn.losses.cross_entropy(logits, ids[1:], reduction="sum"))
        tokens += len(ids) - 1
    loss, blind = loss / tokens, math.log(logits.shape[-1])
    found = (
        f"Before training the loss is {loss:.3f}; blind guessing among {logits.shape[-1]:,} tokens costs {blind:.3f}."
    )
    advice = ""
    if loss < blind - _FIRST_LOSS_NATS:
        advice = "A model that nobody trained cannot know that much: it sees what it is to predict, or it was trained."
    elif not loss < blind + _FIRST_LOSS_NATS:
        advice = "The first weights are too large: lower first_weights.std."
    return _judged("first loss", loss, found, advice)


def learned_share(rows: Sequence[TokenRow], limit: int) -> Probed:
    """Of all tokens, those that carry loss."""
    tokens, learned = sum(clipped(rows, limit)), sum(row.learned(limit).size for row in rows)
    share = learned / tokens
    found = f"{learned:,} of {tokens:,} tokens of the rows are learned."
    return _judged("learned tokens", share, found, "" if share >= _LEAST_LEARNED else _HARDLY_ANYTHING)


def after_training(model: Any, tokenizer: Any, rows: Sequence[TokenRow], limit: int) -> Probed:
    """Let the model go on from the beginnings of a few rows, greedily, and hold that against the rows."""
    alike, written, empty = 0, 0, 0
    with _at_rest(model):
        for row in rows[:_ANSWERS]:
            start, truth = _parts(row, limit)
            said = _greedy(model, tokenizer, start, len(truth))
            alike += sum(one == other for one, other in zip(said, truth, strict=False))
            written += len(truth)
            empty += _says_nothing(tokenizer, said, truth)
    count = min(len(rows), _ANSWERS)
    found = f"Going on from the beginning of {count} rows it wrote {alike} of their next {written} tokens."
    advice = f"{empty} of {count} continuations are nothing, or one thing over and over. {_LOOK}" if empty else ""
    return _judged("output", alike / written, found, advice)


def _judged(probe: str, value: float, found: str, advice: str) -> Probed:
    return Probed(iteration=0, probe=probe, value=value if math.isfinite(value) else None, found=found, advice=advice)


def _parts(row: TokenRow, limit: int) -> tuple[list[int], list[int]]:
    """What the model is asked, up to its first learned token or half of the row, and how the row goes on."""
    tokens = _ids(row, limit)
    first = int(row.learned(limit)[0])
    start = first if first > 1 else max(1, len(tokens) // 2)
    return tokens[:start], tokens[start : start + _ANSWER_TOKENS]


def _greedy(model: Any, tokenizer: Any, start: list[int], count: int) -> list[int]:
    said = list[int]()
    for token, _ in generate_step(mx.array(start), model, max_tokens=count):
        said.append(int(token))
        if said[-1] in tokenizer.eos_token_ids:
            break
    return said


def _says_nothing(tokenizer: Any, said: list[int], truth: list[int]) -> bool:
    """Where the row itself goes on with something."""
    own, right = (tokenizer.decode(tokens, skip_special_tokens=True) for tokens in (said, truth))
    return is_degenerate(own) and not is_degenerate(right)


@contextmanager
def _at_rest(model: nn.Module) -> Generator[None]:
    """Without dropout, so that nothing is drawn."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def _ids(row: TokenRow, limit: int) -> list[int]:
    return np.asarray(row.tokens[:limit]).tolist()


def _largest(array: mx.array) -> float:
    return _number(mx.abs(array.astype(mx.float32)).max())


def _number(array: mx.array) -> float:
    return cast(float, array.item())
