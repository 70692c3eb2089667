"""The processes that train together, as `mlx.launch` started them; usually there is one. Runs in the training child.

Every process goes through the same steps in the same order and computes a share of each step's rows. Decisions are made
on sums over all, so that all decide alike: to stop, to give up, which weights are the best.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
import numpy as np
from mlx.nn.utils import average_gradients
from mlx.utils import tree_map

from punie.errors import PunieError, UsageError
from punie.training.batches import TokenRow
from punie.training.metrics import Failed

_WORDS = 4096
"""Bytes of an error that the other processes get to know."""


@dataclass(frozen=True, slots=True)
class World:
    """`rank` is this process's place among `size`. Each method but `share` waits for all the others to call it, too."""

    rank: int
    size: int

    def share(self, rows: Sequence[TokenRow]) -> list[TokenRow]:
        """This process's rows of a step, dealt by length, so that all have about the same to do; maybe none."""
        if self.size == 1:
            return list(rows)
        return sorted(rows, key=lambda row: len(row.tokens))[self.rank :: self.size]

    def total(self, *numbers: float) -> list[float]:
        """Each number summed over all, in single precision where there are several."""
        if self.size == 1:
            return list(numbers)
        return cast(list[float], mx.distributed.all_sum(mx.array(numbers, mx.float32), stream=mx.cpu).tolist())

    def total_gradient(self, gradient: Any) -> Any:
        """The same for a tree of arrays."""
        if self.size == 1:
            return gradient
        return tree_map(lambda part: part * self.size, average_gradients(gradient))

    def any(self, flag: bool) -> bool:
        return self.total(flag)[0] > 0

    @contextmanager
    def together(self) -> Generator[None]:
        """What is done inside succeeds for all, or all raise the error of the first that failed.

        So nobody waits for one that has given up. Inside, no process may wait for another.
        """
        own: PunieError | None = None
        try:
            yield
        except PunieError as error:
            own = error
        if self.any(own is not None):
            raise own if self.size == 1 and own else self._first_error(own)

    def highest(self, number: float) -> float:
        """The highest of all processes' numbers."""
        if self.size == 1:
            return number
        return cast(float, mx.distributed.all_max(mx.array(number, mx.float32), stream=mx.cpu).item())

    def gather(self, words: bytes, most: int) -> list[bytes]:
        """What each process says, by rank: `most` bytes of it, without zeros at its end."""
        padded = np.frombuffer(words[:most].ljust(most, b"\0"), np.uint8)
        everyones = mx.distributed.all_gather(mx.array(padded)[None], stream=mx.cpu)
        return [bytes(np.asarray(line)).rstrip(b"\0") for line in everyones]

    def from_first(self, path: Path) -> bytes:
        """The content of a file on the machine of rank 0; nothing where there is none."""
        content = path.read_bytes() if self.rank == 0 and path.is_file() else b""
        size = cast(int, mx.distributed.all_sum(mx.array([len(content)], mx.int64), stream=mx.cpu).item())
        if not size:
            return b""
        own = np.frombuffer(content, np.uint8) if content else np.zeros(size, np.uint8)
        return bytes(np.asarray(mx.distributed.all_sum(mx.array(own), stream=mx.cpu)))

    def _first_error(self, own: PunieError | None) -> PunieError:
        """Of the lowest rank that has one, and its rank with it."""
        parts = () if own is None else (type(own).__name__, own.what, own.where, own.hint)
        said = [line.decode(errors="ignore") for line in self.gather("\0".join(parts).encode(), _WORDS)]
        rank = next(rank for rank, line in enumerate(said) if line)
        error, what, where, hint = [*said[rank].split("\0"), "", "", ""][:4]
        return Failed(error=error, what=what, where=f"{where} (process of rank {rank})".lstrip(), hint=hint).to_error()

    def require_same(self, **hashes: str) -> None:
        """Raises UsageError, everywhere, where the processes were given different things under one name."""
        if self.size == 1:
            return
        mine = mx.array([[int(hash[-7:], 16) for hash in hashes.values()]], mx.int32)
        everyones = mx.distributed.all_gather(mine, stream=mx.cpu)
        differ = cast(list[bool], mx.any(everyones != everyones[0], axis=0).tolist())
        if names := [name for name, differs in zip(hashes, differ, strict=True) if differs]:
            raise UsageError(
                f"The machines do not have the same {', '.join(names)}.",
                where=f"rank {self.rank} of {self.size}",
                hint="Copy the folders of one machine to the others.",
            )


def find_world() -> World:
    group = mx.distributed.init()
    return World(group.rank(), group.size())
