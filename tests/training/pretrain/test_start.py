"""The model before training: its tokenizer comes back whole from mlx-lm, its weights are those of the seed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlx_lm.utils import load

from punie.errors import DataError, UsageError
from punie.files import hash_file, read_json, write_jsonl
from punie.training.checkpoint import flat
from punie.training.pretrain.model_recipe import ModelRecipe
from punie.training.pretrain.start_worker import make_start
from punie.training.pretrain.vocabulary import characters

TEXTS = ["a = 1\nprint(a)\n# output\n# 1", "b = 2\nif b < 3:\n\tprint(b)\n# output\n# 2", "é ü  \r\n ß"]
LLAMA = {
    **{"hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 32, "num_attention_heads": 2},
    **{"rms_norm_eps": 1e-5, "max_position_embeddings": 32, "attention_bias": True},
    "num_key_value_heads": 2,
}
SHAPES: dict[str, dict[str, Any]] = {
    "gpt2": {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 32, "n_ctx": 32, "layer_norm_epsilon": 1e-5},
    "llama": LLAMA,
    "qwen2": LLAMA,
}


def recipe(kind: str = "gpt2", vocabulary: str = "characters", **changes: Any) -> ModelRecipe:
    size = {} if vocabulary == "characters" else {"size": 270}
    values = {
        "name": "small",
        "seed": 3,
        "model": {"model_type": kind, **SHAPES[kind]},
        "tokenizer": {"kind": vocabulary, **size},
        "training": {"data": "unused", "iters": 1},
    }
    return ModelRecipe.model_validate({**values, **changes})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    write_jsonl(folder / "train.jsonl", [{"text": text} for text in TEXTS])
    write_jsonl(folder / "valid.jsonl", [{"text": "only here: ~"}])
    return folder


def made(recipe: ModelRecipe, data: Path, folder: Path) -> Path:
    folder.mkdir()
    make_start(recipe, data, folder)
    return folder


@pytest.mark.parametrize("vocabulary", ["characters", "bytes"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_mlx_lm_loads_model_and_tokenizer(data: Path, tmp_path: Path, kind: str, vocabulary: str) -> None:
    """Every text of both files comes back from the loaded tokenizer, and the loaded model has that many logits."""
    folder = made(recipe(kind, vocabulary), data, tmp_path / "start")
    model, tokenizer, *_ = load(str(folder))
    for text in [*TEXTS, "only here: ~"]:
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.apply_chat_template([{"role": "user", "content": TEXTS[0]}]) == tokenizer.encode(TEXTS[0])
    logits = model(mx.array([tokenizer.encode(TEXTS[0])]))
    assert logits.shape[-1] == read_json(folder / "start.json")["vocabulary"]


def test_an_architecture_whose_tokenizer_is_replaced_is_refused(data: Path, tmp_path: Path) -> None:
    """A model that was trained on other tokens than it is asked with would seem to know nothing."""
    with pytest.raises(UsageError, match="another tokenizer") as caught:
        made(recipe("qwen2"), data, tmp_path / "start")
    assert "llama" in caught.value.hint


def test_an_architecture_nobody_knows_is_refused(data: Path, tmp_path: Path) -> None:
    """The mistake is the recipe's, and mlx-lm's words for it are passed on."""
    with pytest.raises(UsageError, match="cannot build this model"):
        made(recipe(model={"model_type": "gpt0", "n_positions": 32}), data, tmp_path / "start")


def test_rows_without_text_are_refused(data: Path, tmp_path: Path) -> None:
    """Chats need a template that nobody has taught yet."""
    write_jsonl(data / "valid.jsonl", [{"prompt": "a", "completion": "b"}])
    with pytest.raises(DataError, match="learns from text rows"):
        made(recipe(), data, tmp_path / "start")


def test_the_seed_decides_the_weights(data: Path, tmp_path: Path) -> None:
    """The same recipe gives the same bytes; another seed gives other ones."""
    folders = [made(recipe(seed=seed), data, tmp_path / name) for name, seed in (("a", 3), ("b", 3), ("c", 4))]
    first, again, other = (hash_file(folder / "model.safetensors") for folder in folders)
    assert first == again != other


@pytest.mark.parametrize(("kind", "residual"), [("gpt2", "c_proj.weight"), ("llama", "o_proj.weight")])
def test_the_first_weights_are_drawn_as_written(data: Path, tmp_path: Path, kind: str, residual: str) -> None:
    """Matrices with the recipe's deviation, those that feed the residual stream with less, biases 0, norms 1."""
    folder = made(recipe(kind), data, tmp_path / "start")
    for name, weight in flat(load(str(folder))[0].parameters()).items():
        if name.endswith("bias"):
            assert not weight.any().item()
        elif weight.ndim == 1:
            assert (weight == 1).all().item()
        else:
            expected = 0.02 / math.sqrt(4) if name.endswith(residual) or "down_proj" in name else 0.02
            assert weight.std().item() == pytest.approx(expected, rel=0.25)


@given(st.text(st.sampled_from("ab \n\t#é"), max_size=40))
def test_a_character_is_a_token(text: str) -> None:
    """Nothing is joined, trimmed or lost; what the rows never had is unknown, one token for each."""
    tokenizer = characters(["ab \n\t#é"])
    ids = tokenizer.encode(text).ids
    assert len(ids) == len(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.encode("zz").ids == [1, 1]
