"""The child that says what MLX computes with: `python -m punie.child punie.doctor.compute_worker ANSWER`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec

from punie.doctor.compute import Compute
from punie.files import write_json

_SIZE = 512
_REPEATS = 3


def main() -> None:
    device: dict[str, Any] = {**mx.device_info()}
    answer = Compute(
        metal=mx.metal.is_available(),
        chip=str(device.get("device_name", "")),
        working_set=device.get("max_recommended_working_set_size"),
        gigaflops=_gigaflops(),
        blas=_loaded_blas(),
    )
    write_json(Path(sys.argv[1]), msgspec.to_builtins(answer))


def _gigaflops() -> float:
    """The best of a few float32 matrix products; the first, which compiles or starts threads, is not timed."""
    matrix = mx.ones((_SIZE, _SIZE))
    mx.eval(matrix @ matrix)
    return 2 * _SIZE**3 / min(_seconds(matrix) for _ in range(_REPEATS)) / 1e9


def _seconds(matrix: mx.array) -> float:
    started = time.perf_counter()
    mx.eval(matrix @ matrix)
    return time.perf_counter() - started


def _loaded_blas() -> str | None:
    """The OpenBLAS that is mapped into this process. Linux tells; macOS has another."""
    maps = Path("/proc/self/maps")
    lines = maps.read_text().splitlines() if maps.exists() else []
    return next((line.split()[-1] for line in lines if "openblas" in line), None)


if __name__ == "__main__":
    main()
