"""How long rows are, in characters and in a model's own tokens, and how much of a training batch is padding.

Lengths go into bins as they are met, so memory does not grow with the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from punie.data.cuts import block_width, cut, width
from punie.errors import UsageError

_EXACT_BITS = 12
_SAMPLE = 100_000
_LEAST_BATCHES = 256


def row_text(row: Mapping[str, Any]) -> str:
    """What a row says: message contents, tool calls and declared tools as JSON, prompt and completion, or text.

    This is what is counted, in characters and in tokens. Roles and what a chat template puts around them are not in it.
    """
    return "\n".join(_row_texts(row))


def _row_texts(row: Mapping[str, Any]) -> Iterator[str]:
    if "prompt" in row and "completion" in row:
        yield from (row[key] for key in ("prompt", "completion") if isinstance(row[key], str))
    elif isinstance(messages := row.get("messages"), list):
        for message in messages:
            yield from _message_texts(message)
        if row.get("tools"):
            yield _json(row["tools"])
    elif isinstance(text := row.get("text"), str):
        yield text


def _message_texts(message: Any) -> Iterator[str]:
    if not isinstance(message, dict):
        return
    if isinstance(content := message.get("content"), str):
        yield content
    elif content:
        yield _json(content)
    if message.get("tool_calls"):
        yield _json(message["tool_calls"])


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


@dataclass(slots=True)
class Histogram:
    """How often each length was met: exact below 4096, within 0.05 % above."""

    bins: Counter[int] = field(default_factory=Counter)
    count: int = 0
    total: int = 0
    longest: int = 0

    def add(self, length: int) -> None:
        shift = max(0, length.bit_length() - _EXACT_BITS)
        self.bins[length >> shift << shift] += 1
        self.count += 1
        self.total += length
        self.longest = max(self.longest, length)

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else 0.0

    def quantile(self, share: float) -> int:
        """The shortest length that at least this share of the rows does not exceed; 0 without rows."""
        lengths = sorted(self.bins)
        wanted = share * self.count
        reached = zip(lengths, accumulate(self.bins[length] for length in lengths), strict=True)
        return next((length for length, rows in reached if rows >= wanted), 0)

    def above(self, limit: int) -> int:
        """Rows longer than `limit`, which is exact below 4096."""
        return sum(rows for length, rows in self.bins.items() if length > limit)


class TokenCounter:
    """Counts tokens as the model's tokenizer.json makes them, without special tokens around a row.

    Raises UsageError where the model has none.
    """

    def __init__(self, model: Path) -> None:
        from tokenizers import Tokenizer

        path = model / "tokenizer.json"
        if not path.is_file():
            raise UsageError("The model has no tokenizer.json.", where=str(model), hint="Choose another model.")
        self._encode = partial(Tokenizer.from_file(str(path)).encode_batch_fast, add_special_tokens=False)

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(encoding) for encoding in self._encode(list(texts))]


@dataclass(frozen=True, slots=True)
class Padding:
    """Shares of padding among all positions of an epoch's batches, by the order in which rows are taken."""

    batch_size: int
    file_order: float
    random_order: float
    training_order: float


class PaddingMeter:
    """Adds up real and padded positions, batch by batch, in the order in which rows come.

    A batch is one block, padded as mlx-lm pads, or is cut into groups of like length, as Punie trains.
    """

    def __init__(self, batch_size: int, max_seq_length: int, *, cutting: bool = False) -> None:
        self.batch_size, self.max_seq_length, self.cutting = batch_size, max_seq_length, cutting
        self.real = self.padded = 0
        self._batch: list[int] = []

    def add(self, length: int) -> None:
        self._batch.append(min(length, self.max_seq_length))
        if len(self._batch) == self.batch_size:
            self.real += sum(self._batch)
            self.padded += self._cut() if self.cutting else self._block()
            self._batch.clear()

    def _block(self) -> int:
        return self.batch_size * block_width(max(self._batch), self.max_seq_length)

    def _cut(self) -> int:
        groups = cut(self._batch, self.max_seq_length)
        return sum(len(group) * width(self._batch[group[-1]], self.max_seq_length) for group in groups)

    @property
    def share(self) -> float:
        """NaN before a batch is full."""
        return 1 - self.real / self.padded if self.padded else float("nan")


def expected_padding(lengths: Histogram, in_file_order: PaddingMeter, seed: int = 0) -> Padding:
    """Random batches in one block each, and the same batches as Punie cuts them.

    Both are drawn from the histogram, from at most 100,000 of its rows; few rows are drawn for several epochs.
    """
    batch_size, limit = in_file_order.batch_size, in_file_order.max_seq_length
    whole, groups = PaddingMeter(batch_size, limit), PaddingMeter(batch_size, limit, cutting=True)
    for length in _epochs(lengths, batch_size, seed).tolist():
        whole.add(length)
        groups.add(length)
    return Padding(batch_size, in_file_order.share, whole.share, groups.share)


def _epochs(lengths: Histogram, batch_size: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    values, counts = (np.fromiter(part, np.int64) for part in (lengths.bins.keys(), lengths.bins.values()))
    if lengths.count > _SAMPLE:
        counts = random.multivariate_hypergeometric(counts, _SAMPLE, method="marginals")
    rows = np.repeat(values, counts)
    epochs = max(1, -(-_LEAST_BATCHES * batch_size // max(1, len(rows))))
    return np.concatenate([random.permutation(rows) for _ in range(epochs)])
