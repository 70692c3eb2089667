"""Attention in blocks: the same numbers and gradients as in one piece, and only while it is asked for."""

from __future__ import annotations

import sys
from typing import Any

import mlx.core as mx
import pytest
from mlx_lm.models.base import create_causal_mask, scaled_dot_product_attention

from punie.training import attention
from punie.training.attention import attention_in_blocks, in_blocks
from punie.training.student import load_student

from .conftest import PlanMaker

MASKS = {"word": lambda length: "causal", "array": create_causal_mask, "window": lambda n: create_causal_mask(n, 0, 5)}


@pytest.mark.parametrize(
    ("kind", "length", "past"), [*((kind, length, 0) for kind in MASKS for length in (16, 32, 41)), ("word", 41, 9)]
)
def test_blocks_are_exact(kind: str, length: int, past: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values and gradients to 1e-5: fewer key heads than query heads, blocks and a rest, keys before the queries."""
    monkeypatch.setattr(attention, "BLOCK", 16)
    mx.random.seed(0)
    shapes = ((4, length), (2, past + length), (2, past + length))
    given = [mx.random.normal((2, heads, tokens, 8)) for heads, tokens in shapes]
    weights = mx.random.normal((2, 4, length, 8))

    def total(compute: Any) -> Any:
        def loss(queries: mx.array, keys: mx.array, values: mx.array) -> mx.array:
            return (weights * compute(queries, keys, values, cache=None, scale=0.3, mask=MASKS[kind](length))).sum()

        return mx.value_and_grad(loss, argnums=(0, 1, 2))(*given)

    ours, theirs = total(in_blocks(scaled_dot_product_attention)), total(scaled_dot_product_attention)
    assert ours[0].item() == pytest.approx(theirs[0].item(), abs=1e-4)
    assert all(mx.allclose(mine, other, atol=1e-5).item() for mine, other in zip(ours[1], theirs[1], strict=True))


def test_no_block_computes_keys_after_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of 40 tokens in blocks of 16, alone and after five others."""
    monkeypatch.setattr(attention, "BLOCK", 16)
    pairs: list[tuple[int, int]] = []

    def whole(queries: mx.array, keys: mx.array, values: mx.array, mask: Any) -> mx.array:
        pairs.append((queries.shape[2], keys.shape[2]))
        return queries

    row, keys = mx.zeros((1, 1, 40, 4)), mx.zeros((1, 1, 45, 4))
    assert in_blocks(whole)(row, row, row, mask="causal").shape == row.shape
    in_blocks(whole)(row, keys, keys, mask="causal")
    assert pairs == [(16, 16), (16, 32), (8, 40), (16, 21), (16, 37), (8, 45)]


def test_the_architecture_gets_its_own_attention_back(make_plan: PlanMaker, tmp_path: Any) -> None:
    """On a CPU blocks are in use inside the context, and not after it."""
    model, _ = load_student(make_plan(tmp_path))
    architecture = sys.modules[type(model).__module__]
    with attention_in_blocks(model):
        inside = architecture.scaled_dot_product_attention
    assert architecture.scaled_dot_product_attention is scaled_dot_product_attention
    assert (inside is not scaled_dot_product_attention) == (mx.default_device() == mx.Device(mx.cpu))
