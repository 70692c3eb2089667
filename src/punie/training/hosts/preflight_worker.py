"""One process of a pre-flight: `python -m punie.training.hosts.preflight_worker INPUTS SIZE REPLY`.

Tells the others what this machine has, and helps to measure how fast numbers go round. Rank 0 writes the reply.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path

import mlx.core as mx
import msgspec

from punie.errors import TrainingError
from punie.files import write_json
from punie.training.hosts.facts import Facts, Inputs, facts
from punie.training.hosts.last_words import sign_last_words
from punie.training.world import World, find_world

_MOST = 20_000
"""Bytes of one machine's facts."""

_NUMBERS = 1 << 20
"""In single precision: 4 MB, as the gradients of a small adapter."""

_ROUNDS = 5


def main() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sign_last_words()
    world = find_world()
    if world.size != int(sys.argv[2]):
        raise TrainingError(f"MLX connected {world.size} of {sys.argv[2]} processes.")
    found = _everyones(world, facts(socket.gethostname(), msgspec.json.decode(sys.argv[1], type=Inputs)))
    latency, seconds = _seconds(world, 1), _seconds(world, _NUMBERS)
    sent = 2 * (world.size - 1) / world.size * 4 * _NUMBERS
    if world.rank == 0:
        reply = {"facts": [asdict(one) for one in found], "latency": latency, "bytes_per_second": sent / seconds}
        write_json(Path(sys.argv[3]), reply)
    world.any(False)
    # MLX may abort while a connected process ends, when all is said.
    os._exit(0)


def _everyones(world: World, own: Facts) -> list[Facts]:
    return [msgspec.json.decode(words, type=Facts) for words in world.gather(msgspec.json.encode(own), _MOST)]


def _seconds(world: World, numbers: int) -> float:
    """That it takes to sum so many numbers over all: the median, after a first time that does not count."""
    values, taken = mx.ones(numbers), list[float]()
    for _ in range(_ROUNDS + 1):
        world.any(False)
        began = time.perf_counter()
        mx.eval(mx.distributed.all_sum(values, stream=mx.cpu))
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


if __name__ == "__main__":
    main()
