"""The width: doubled for as long as it pays, measured once for a model."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from punie.serving.arms import LocalModel, serve_local
from punie.serving.completion import Completion, Messages, Sampling
from punie.serving.width import measure_width


class Batch:
    """A server that is as quick with many as with one, until more than `limit` come: then all of them take long."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inside = 0

    async def complete(self, messages: Messages, tools: Messages, sampling: Sampling) -> Completion:
        self._inside += 1
        await asyncio.sleep(0.02)
        if self._inside > self._limit:
            await asyncio.sleep(0.2)
        self._inside -= 1
        return Completion("", "stop", 1, sampling.max_tokens, 0.02)


@pytest.mark.parametrize(("limit", "width", "tried"), [(8, 8, [4, 8, 16]), (64, 32, [4, 8, 16, 32])])
async def test_the_width_is_what_the_batch_holds(limit: int, width: int, tried: list[int]) -> None:
    """It stops where twice as many are no faster, and at what the server decodes at once."""
    tuning = await measure_width(Batch(limit))
    assert (tuning.width, list(tuning.rates)) == (width, tried)


@pytest.mark.slow
async def test_a_measured_width_is_kept_for_the_other_arm(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second arm of the same model gets the first one's number, and its figures."""
    monkeypatch.setenv("PUNIE_CACHE", str(tmp_path / "cache"))
    found = []
    for log in ("one", "two"):
        async with serve_local(LocalModel(tiny_model), width=None, log=tmp_path / log) as arm:
            found.append((arm.width, arm.rates))
    assert found[0] == found[1]
    assert found[0][0] in found[0][1]
    asked = [(tmp_path / log).read_text().count("POST ") for log in ("one", "two")]
    assert asked[0] >= asked[1] + 4 + 8
