"""How much of an adapter is in stored weights."""

from __future__ import annotations

import mlx.core as mx
import pytest
from mlx import nn
from mlx_lm.tuner.dora import DoRALinear
from mlx_lm.tuner.lora import LoRALinear

from punie.errors import GateError, TrainingError, UsageError
from punie.shipping.deltas import survival
from punie.shipping.messages import Survival
from punie.shipping.proof import Proof, require_fused

NAME = "layer"
LAYOUT = {"group_size": 64, "bits": 4, "mode": "affine"}


def adapted(kind: type, size: float, *, quantized: bool = False) -> LoRALinear | DoRALinear:
    """A layer of 128 x 128 with a drawn adapter, in float32 or over 4 bits."""
    mx.random.seed(1)
    base = nn.Linear(128, 128, bias=False)
    module = kind.from_base(base.to_quantized(64, 4) if quantized else base, r=4, scale=2.0)
    module.lora_b = size * mx.random.normal((4, 128))
    return module


def stored(layer: nn.Module) -> dict[str, mx.array]:
    """As they lie on disk."""
    return {f"{NAME}.{key}": layer[key] for key in ("weight", "scales", "biases") if key in layer}


@pytest.mark.parametrize("kind", [LoRALinear, DoRALinear])
def test_what_mlx_lm_fuses_as_floats_is_all_there(kind: type) -> None:
    """Every weight is base + delta within a few rounding steps."""
    module = adapted(kind, 0.05)
    found = survival({NAME: module}, stored(module.fuse()), {})
    assert found.share == pytest.approx(1, abs=1e-3)
    assert found.steps is not None
    assert found.steps < 4
    require_fused(Proof("fuse", {}, (), found), 0.99)


@pytest.mark.parametrize(("size", "erased"), [(0.0005, True), (0.5, False)])
def test_four_bits_lose_a_small_adapter(size: float, erased: bool) -> None:
    """Quantized again, a change smaller than the steps of four bits is gone, and a large one is there."""
    module = adapted(LoRALinear, size, quantized=True)
    found = survival({NAME: module}, stored(module.fuse()), LAYOUT)
    assert found.steps is None
    assert (found.share < 0.5) == erased
    if erased:
        with pytest.raises(GateError, match="erased the adapter"):
            require_fused(Proof("fuse", {}, (), found), 0.5)


@pytest.mark.parametrize(("share", "told"), [(0.4, "erased"), (1.6, "drowned"), (13.4, "drowned")])
def test_too_little_and_too_much_are_refused(share: float, told: str) -> None:
    """What arrived along the adapter may be rounding, and then be many times the adapter itself."""
    found = Survival(modules=1, share=share, least=share, least_module=NAME, steps=None)
    with pytest.raises(GateError, match=f"{told} the adapter"):
        require_fused(Proof("fuse", {}, (), found), 0.5)


def test_weights_that_are_not_base_plus_adapter_are_told(tiny_adapter: LoRALinear) -> None:
    """The bare base, and a fuse with twice the scale, are not what was asked for."""
    bare = survival({NAME: tiny_adapter}, stored(tiny_adapter.linear), {})
    assert bare.share == pytest.approx(0, abs=1e-6)
    tiny_adapter.scale *= 2
    fused = tiny_adapter.fuse()
    tiny_adapter.scale /= 2
    twice = survival({NAME: tiny_adapter}, stored(fused), {})
    assert twice.share == pytest.approx(2, abs=1e-3)
    for found in (bare, twice):
        with pytest.raises(TrainingError, match="rounding steps off"):
            require_fused(Proof("fuse", {}, (), found), 0.5)


@pytest.fixture
def tiny_adapter() -> LoRALinear:
    layer = adapted(LoRALinear, 0.05)
    assert isinstance(layer, LoRALinear)
    return layer


def test_an_adapter_of_zeros_is_refused() -> None:
    """What changes nothing cannot be proven to be there."""
    module = adapted(LoRALinear, 0.0)
    with pytest.raises(UsageError, match="changes nothing"):
        survival({NAME: module}, stored(module.fuse()), {})


def test_the_least_module_is_named() -> None:
    """One erased module among good ones does not hide in the mean."""
    good, bad = adapted(LoRALinear, 0.05), adapted(LoRALinear, 0.05)
    weights = stored(good.fuse()) | {"other.weight": bad.linear.weight}
    found = survival({NAME: good, "other": bad}, weights, {})
    assert isinstance(found, Survival)
    assert (found.least_module, found.modules) == ("other", 2)
    assert found.least == pytest.approx(0, abs=1e-6)
