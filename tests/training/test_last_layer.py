"""The last layer at learned positions only: the same losses and gradients as the whole layer, from fewer positions."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx import nn
from mlx_lm.tuner.trainer import grad_checkpoint
from mlx_lm.tuner.utils import linear_to_lora_layers

from punie.training.attention import attention_in_blocks
from punie.training.batches import Group, TokenRow, make_group, make_pack
from punie.training.checkpoint import flat
from punie.training.head import Halves, split_model
from punie.training.last_layer import Windows
from punie.training.loss import group_loss, measured_loss

SMALL = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "intermediate_size": 64,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "rms_norm_eps": 1e-6,
    "vocab_size": 128,
    "max_position_embeddings": 512,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
}
ROPE = {"rope_theta": 1e4, "llama_4_scaling_beta": 0.1, "original_max_position_embeddings": 512}
MORE = {
    "llama window": {"layer_types": ["full_attention", "sliding_attention"], "sliding_window": 8},
    "gemma3_text": {"query_pre_attn_scalar": 16, "sliding_window": 8, "sliding_window_pattern": 2},
    "mixtral": {"num_local_experts": 2, "num_experts_per_tok": 1},
    "ministral3": {"rope_parameters": ROPE},
    "stablelm": {"use_qkv_bias": True, "partial_rotary_factor": 0.5, "layer_norm_eps": 1e-5},
}
DRAW = np.random.default_rng(0)


def row(length: int, *spans: tuple[int, int]) -> TokenRow:
    return TokenRow(DRAW.integers(1, 128, length).tolist(), spans)


LAST = [row(60, (50, 60)), row(45, (20, 45)), row(55, (48, 49))]
TURNS = [row(60, (10, 14), (30, 33)), row(50, (12, 20), (25, 40))]
GROUPS = {
    "last turn": make_group(LAST, 256),
    "one row": make_group([row(300, (150, 299))], 512),
    "several turns": make_group(TURNS, 256),
    "one token": make_group([row(40, (20, 21))], 256),
    "everything": make_group([row(40, (0, 40)), row(33, (0, 33))], 256),
    "packed": make_pack([LAST[0], TURNS[1]], 256),
}


def learning(kind: str = "llama", adapter: str = "lora", bits: int | None = None) -> Any:
    """A random model with an adapter that already does something, or one that learns in full."""
    name = kind.split()[0]
    module = import_module(f"mlx_lm.models.{name}")
    mx.random.seed(0)
    model = module.Model(module.ModelArgs.from_dict({"model_type": name, **SMALL, **MORE.get(kind, {})}))
    if bits:
        nn.quantize(model, group_size=32, bits=bits)
    model.freeze()
    if adapter == "full":
        model.layers[-1].unfreeze()
        return model
    linear_to_lora_layers(model, 2, {"rank": 4, "scale": 2.0, "dropout": 0.0}, use_dora=adapter == "dora")
    for path, weight in flat(model.trainable_parameters()).items():
        model.load_weights([(path, 0.1 * mx.random.normal(weight.shape))], strict=False)
    return model


def halves_of(model: Any) -> Halves:
    halves = split_model(model, LAST[0].tokens)
    assert halves is not None
    assert halves.last is not None
    return halves


def given(group: Group) -> tuple[Any, ...]:
    segments = None if group.segments is None else mx.array(group.segments)
    return mx.array(group.inputs), group.places, mx.array(group.targets), segments


def require_same(model: Any, halves: Halves, group: Group) -> None:
    """Loss and gradients of both ways, to 1e-5 of the largest."""
    model.train()
    ways = [group_loss(way) for way in (halves, replace(halves, last=None))]
    with attention_in_blocks(model):
        (ours, mine), (whole, theirs) = (nn.value_and_grad(model, way)(model, *given(group)) for way in ways)
        measured = measured_loss(halves)(model, *given(group))
    assert ours.item() == pytest.approx(whole.item(), rel=1e-5)
    assert measured.item() == pytest.approx(whole.item(), rel=1e-5)
    expected = flat(theirs)
    largest = max(mx.abs(part).max().item() for part in expected.values())
    assert largest > 1e-3
    assert all(mx.abs(part - expected[name]).max().item() < 1e-5 * largest for name, part in flat(mine).items())


@pytest.mark.parametrize("rows", GROUPS)
def test_every_mask_and_a_pack_are_exact(rows: str) -> None:
    """One learned span, several, one token, everything; one row longer than a block of attention; rows in a pack."""
    model = learning()
    require_same(model, halves_of(model), GROUPS[rows])


@pytest.mark.parametrize(("adapter", "bits"), [("lora", 4), ("dora", None), ("full", None)])
def test_every_way_to_learn_is_exact(adapter: str, bits: int | None) -> None:
    """Quantized weights below LoRA, DoRA, and layers that learn in full."""
    model = learning("qwen3", adapter, bits)
    require_same(model, halves_of(model), GROUPS["last turn"])


@pytest.mark.parametrize(
    "kind", ["qwen2", "gemma", "olmo2", "phi3", "starcoder2", "llama window", "gemma3_text", "mixtral", "stablelm"]
)
def test_every_kind_of_layer_is_exact(kind: str) -> None:
    """Norms before and after, biases, experts, windows: the layer is called as it is."""
    model = learning(kind)
    require_same(model, halves_of(model), GROUPS["last turn"])


def test_a_checkpointed_model_is_exact() -> None:
    """mlx-lm's checkpointing changes the class of the layers: after the halves were made, or before, without them."""
    model = learning()
    halves = halves_of(model)
    grad_checkpoint(model.layers[0])
    require_same(model, halves, GROUPS["last turn"])
    later = split_model(model, LAST[0].tokens)
    assert later is not None
    assert later.last is None
    require_same(model, later, GROUPS["last turn"])


def test_half_precision_is_told_from_a_mistake() -> None:
    """Rounding of bfloat16 does not keep the last layer whole."""
    model = learning("qwen2")
    model.set_dtype(mx.bfloat16)
    halves_of(model)


@pytest.mark.parametrize("kind", ["ministral3", "leaking"])
def test_a_layer_that_needs_more_is_left_whole(kind: str) -> None:
    """One that is given more than states, mask and cache; one that looks at other positions by itself."""
    if kind == "ministral3":
        model = learning(kind)
    else:
        model = learning()
        layer = type(model.layers[-1])
        leaking = {"__call__": lambda self, x, *given, **named: layer.__call__(self, x, *given, **named) + x.cumsum(1)}
        model.model.layers[-1].__class__ = type("Layer", (layer,), leaking)
    halves = split_model(model, LAST[0].tokens)
    assert halves is not None
    assert halves.last is None


def test_windows_are_the_shortest_of_one_length() -> None:
    """Of two rows of ten positions; the second one's would end outside, and so begins earlier."""
    windows = Windows.around(np.array([2, 5, 18, 19]), 2, 10)
    assert (windows.starts.tolist(), windows.length) == ([2, 6], 4)
    assert windows.places.tolist() == [0, 3, 6, 7]
