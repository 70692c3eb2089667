"""Endless rows of token ids: documents one after another, cut without regard to their ends."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random

import numpy as np
from tokenizers import Tokenizer

from punie.generate.documents import draw_documents
from punie.training.pretrain.recipe import Induction
from punie.training.pretrain.tokenizer import END

_CHUNK = 512
_WIDEST_GAP = 8


def token_rows(tokenizer: Tokenizer, seed: int, rows: int, length: int) -> Iterator[np.ndarray]:
    """Arrays of (rows, length + 1) ids: inputs and targets overlap by all but one."""
    documents = draw_documents(seed)
    size = rows * (length + 1)
    held = np.empty(0, np.int32)
    while True:
        while len(held) < size:
            texts = [f"{text}{END}" for text in islice(documents, _CHUNK)]
            ids = [token for encoded in tokenizer.encode_batch(texts) for token in encoded.ids]
            held = np.concatenate([held, np.array(ids, np.int32)])
        yield held[:size].reshape(rows, length + 1)
        held = held[size:]


def repeated_rows(induction: Induction, vocabulary: int, step: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """(rows, length + 1) ids, a segment, a gap and the same segment, and the first target position of the repeat.

    From `separated_from` on, every other token of a segment is one of two separators, as in paths and phrases: what
    follows it then depends on the last two tokens.
    """
    size = induction.narrow_vocabulary if step < induction.narrow_steps else vocabulary
    gap = int(rng.integers(1, _WIDEST_GAP + 1))
    segment = (induction.length + 1 - gap) // 2
    pool = rng.permutation(vocabulary)[:size] if size < vocabulary else np.arange(vocabulary)
    first = rng.choice(pool, (induction.rows, segment))
    if step >= induction.separated_from:
        first[:, 1::2] = _separators(first[:, 1::2].shape, pool, rng)
    between = rng.choice(pool, (induction.rows, induction.length + 1 - 2 * segment))
    return np.concatenate([first, between, first], axis=1).astype(np.int32), induction.length - segment


def _separators(shape: tuple[int, int], pool: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    pairs = rng.choice(pool, (shape[0], 2))
    return np.take_along_axis(pairs, rng.integers(0, 2, shape), axis=1)


def sample_text(seed: int, documents: int) -> list[str]:
    """Text for the tokenizer, from another seed than the rows."""
    return list(islice(draw_documents(Random(f"tokenizer {seed}").getrandbits(32)), documents))
