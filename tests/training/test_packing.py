"""Packing: rows that share a row of inputs are learned as if each were alone, or packing is refused."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx import nn

from punie.errors import UsageError
from punie.training.batches import TokenRow, make_group, make_pack
from punie.training.packing import caches, require_packable, unpackable
from punie.training.student import load_student

from .conftest import PlanMaker

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "intermediate_size": 64,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "rms_norm_eps": 1e-6,
    "vocab_size": 128,
    "max_position_embeddings": 4096,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
}
DRAW = np.random.default_rng(0)
ROWS = [TokenRow(DRAW.integers(1, 128, n).tolist(), ((1, n),)) for n in (40, 23, 9, 61)]


def random_model(kind: str, **more: Any) -> Any:
    module = import_module(f"mlx_lm.models.{kind}")
    mx.random.seed(0)
    return module.Model(module.ModelArgs.from_dict({"model_type": kind, **SMALL, **more}))


def losses(model: Any, rows: list[TokenRow], packed: bool) -> mx.array:
    """Of every token, row after row."""
    group = make_pack(rows, 256) if packed else make_group(rows, 256)
    segments = mx.array(group.segments) if packed else None
    logits = model(mx.array(group.inputs), cache=caches(model, segments)).flatten(0, 1)[mx.array(group.places)]
    return nn.losses.cross_entropy(logits, mx.array(group.targets))


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "gemma", "olmo2", "embedded"])
def test_a_packed_token_costs_what_it_costs_alone(kind: str, make_plan: PlanMaker, tmp_path: Path) -> None:
    """To 1e-5 in every token's loss, of a nat or of the loss where that is more, on each architecture."""
    model = load_student(make_plan(tmp_path))[0] if kind == "embedded" else random_model(kind)
    assert unpackable(model, ROWS, 4096) is None
    packed, alone = (losses(model, ROWS, way) for way in (True, False))
    assert mx.all(mx.abs(packed - alone) < 1e-5 * mx.maximum(alone, 1)).item()


def test_half_precision_is_told_from_a_leak() -> None:
    """Its rounding is far above that of single precision, and still far below what rows do that see each other."""
    model = random_model("qwen2")
    model.set_dtype(mx.bfloat16)
    assert unpackable(model, ROWS, 4096) is None


@pytest.mark.parametrize(
    ("kind", "more", "reason"),
    [
        ("llama", {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 8}, "window of 8 tokens"),
        ("gemma3_text", {"query_pre_attn_scalar": 16, "sliding_window": 8, "sliding_window_pattern": 2}, "window of 8"),
        (
            "mamba",
            {"state_size": 8, "conv_kernel": 4, "use_bias": False, "use_conv_bias": True},
            "no mask from outside",
        ),
        ("gpt2", {"n_embd": 32, "n_head": 2, "n_layer": 2, "n_positions": 512, "n_ctx": 512}, "logits change by"),
    ],
)
def test_what_cannot_be_packed_is_refused_with_the_reason(kind: str, more: dict[str, Any], reason: str) -> None:
    """Windows, recurrent layers and learned positions are found by trying the model, not by its name."""
    defaults = {"layer_norm_epsilon": 1e-5, "time_step_rank": 4, "num_heads": 2}
    with pytest.raises(UsageError, match=reason):
        require_packable(random_model(kind, **{**defaults, **more}), ROWS, 256, where="model")
