"""Probes: what makes a training meaningless is found before it, and none of them changes what is learned."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest
from mlx import nn
from mlx_lm.models import llama

from punie.errors import UsageError
from punie.files import hash_file
from punie.training.batches import TokenRow
from punie.training.checkpoint import random_key
from punie.training.metrics import Probed
from punie.training.pretrain.model_recipe import FirstWeights
from punie.training.pretrain.start_worker import draw_weights
from punie.training.probes import after_training, before_training, causality, first_loss, learned_share
from punie.training.runner import train
from punie.training.student import load_student, make_trainable

from .conftest import FinishedRun, PlanMaker

SMALL = {
    **{"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64, "num_attention_heads": 2, "n_ctx": 64},
    **{"rms_norm_eps": 1e-5, "layer_norm_epsilon": 1e-5, "vocab_size": 128, "n_embd": 32, "n_head": 2, "n_layer": 2},
    **{"max_position_embeddings": 64, "n_positions": 64},
}
ROWS = [TokenRow([(7 * number + at * at) % 128 for at in range(40)], ((0, 40),)) for number in range(4)]


def drawn(kind: str, std: float = 0.02) -> Any:
    module = import_module(f"mlx_lm.models.{kind}")
    model = module.Model(module.ModelArgs.from_dict({"model_type": kind, **SMALL}))
    draw_weights(model, FirstWeights(std=std), seed=1)
    return model


@pytest.fixture(scope="module")
def tiny(make_plan: PlanMaker, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    return load_student(make_plan(tmp_path_factory.mktemp("unused")))


@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_a_sound_model_that_nobody_trained_passes(kind: str, dtype: mx.Dtype) -> None:
    """Its rounding is no leak, and it guesses blindly."""
    model = drawn(kind)
    model.set_dtype(dtype)
    found = list(before_training(model, ROWS, 64, untrained=True))
    assert [probed.probe for probed in found] == ["causality", "first loss", "learned tokens"]
    assert not [probed for probed in found if probed.advice]


@pytest.mark.parametrize("quantized", [False, True])
def test_the_embedded_model_passes_with_an_adapter(
    make_plan: PlanMaker, tmp_path: Path, tiny: tuple[Any, Any], quantized: bool
) -> None:
    """Packed weights and LoRA layers in training mode are probed without dropout, and left in training mode."""
    plan = make_plan(tmp_path)
    model = load_student(plan)[0]
    if quantized:
        nn.quantize(model, group_size=32, bits=4)
    make_trainable(model, plan)
    model.train()
    key = random_key().tolist()
    rows = [TokenRow(tiny[1].encode("a = 1\nprint(a + 2)\n# output\n# 3 and so on"), ((1, 20),))]
    assert not [probed for probed in before_training(model, rows, 64, untrained=False) if probed.advice]
    after_training(model, tiny[1], rows, 64)
    assert model.training
    assert random_key().tolist() == key


@pytest.mark.parametrize("dtype", [mx.float32, mx.bfloat16])
def test_a_model_that_sees_ahead_is_caught(monkeypatch: pytest.MonkeyPatch, dtype: mx.Dtype) -> None:
    """Without a causal mask the loss is that of copying. This alone would have saved a project of two weeks."""
    model = drawn("llama", std=0.1)
    model.set_dtype(dtype)
    assert not causality(model, ROWS).advice
    monkeypatch.setattr(llama, "create_attention_mask", lambda *_, **__: None)
    assert "lacks a causal mask" in causality(model, ROWS).advice


def test_a_model_that_does_not_look_is_caught() -> None:
    """Weights that were never loaded give every text the same logits."""
    model = drawn("llama")
    model.model.embed_tokens.weight = mx.ones((128, 32))
    assert "does not look" in causality(model, ROWS).advice


def test_a_first_loss_tells_weights_that_are_too_large_or_not_first(tiny: tuple[Any, Any]) -> None:
    """Above blind guessing the start is bad; far below it somebody has trained, or the target is seen."""
    assert "too large" in first_loss(drawn("llama", std=2.0), ROWS, 64).advice
    text = tiny[1].encode("a = 1\nb = 2\nprint(a + b)\n# output\n# 3")
    assert "cannot know" in first_loss(tiny[0], [TokenRow(text, ((0, len(text)),))], 64).advice


def test_rows_of_which_hardly_anything_is_learned_are_told() -> None:
    """One token of thousands is no answer."""
    assert learned_share([TokenRow(range(4000), ((3999, 4000),))], 4096).advice
    assert not learned_share(ROWS, 64).advice


def test_an_output_that_is_nothing_is_told(tiny: tuple[Any, Any]) -> None:
    """The trained model goes on as the row does; one whose head is empty says one thing over and over."""
    text = tiny[1].encode('# output\n# 3\n\ndef alpha(x):\n    """Add 3 to x."""\n    return x + 3\n')
    rows = [TokenRow(text, ((0, len(text)),))]
    sound = after_training(*tiny, rows, 64)
    assert sound.value is not None
    assert sound.value > 0
    model = drawn("llama")
    model.model.norm.weight = mx.zeros(32)
    assert "one thing over and over" in after_training(model, tiny[1], rows, 64).advice


def test_a_run_is_probed_once_and_learns_the_same(finished: FinishedRun, make_plan: PlanMaker, tmp_path: Path) -> None:
    """Before the first step and after the last; without them the adapter is the same to the bit."""
    probes = [(metric.probe, metric.iteration) for metric in finished.metrics if isinstance(metric, Probed)]
    assert probes == [("causality", 0), ("learned tokens", 0), ("output", 12)]
    heard: list[Any] = []
    without = train(make_plan(tmp_path / "run", probes=False), on_metric=heard.append)
    weights = [hash_file(folder / "adapters.safetensors") for folder in (finished.folder, Path(without.adapter_path))]
    assert weights[0] == weights[1]
    assert not [metric for metric in heard if isinstance(metric, Probed)]


def test_a_probe_that_fails_ends_the_run_before_it_begins(
    make_plan: PlanMaker, tiny_model: Path, tmp_path: Path
) -> None:
    """The error says what was found, what it means and how to go on all the same; nothing is left."""
    shutil.copytree(tiny_model, tmp_path / "model")
    (tmp_path / "model" / "start.json").write_text("{}")
    plan = make_plan(tmp_path / "run", model=str(tmp_path / "model"))
    with pytest.raises(UsageError, match="blind guessing") as caught:
        train(plan)
    assert "it was trained" in caught.value.hint
    assert "--no-probes" in caught.value.hint
    assert not (tmp_path / "run").exists()
