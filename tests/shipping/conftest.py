"""A small Qwen2 model and adapters whose matrices are drawn, made on the spot."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import pytest
from mlx.utils import tree_flatten
from mlx_lm.models.qwen2 import Model, ModelArgs
from mlx_lm.tuner.utils import linear_to_lora_layers
from mlx_lm.utils import load

from punie.files import write_json

SHAPE = {
    **{"model_type": "qwen2", "hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-6, "vocab_size": 1024},
    **{"tie_word_embeddings": True, "torch_dtype": "float16", "eos_token_id": 2},
}

AdapterMaker = Callable[..., Path]


@pytest.fixture(scope="session")
def qwen(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random float16 weights and the tokenizer of the embedded model."""
    folder = tmp_path_factory.mktemp("models") / "qwen"
    folder.mkdir()
    for file in tiny_model.iterdir():
        if "tokenizer" in file.name or file.suffix == ".jinja":
            shutil.copy(file, folder)
    (folder / "config.json").write_text(json.dumps(SHAPE))
    mx.random.seed(3)
    model = Model(ModelArgs.from_dict(SHAPE))
    model.apply(lambda weight: (4 * weight).astype(mx.float16))
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())))
    return folder


@pytest.fixture
def make_adapter(tmp_path: Path) -> AdapterMaker:
    """An adapter as training leaves it, but drawn: `size` is the spread of what training would have moved."""

    def make(model: Path, *, size: float = 0.05, kind: str = "lora") -> Path:
        folder = tmp_path / f"adapter-{kind}-{size}"
        parameters = {"rank": 4, "scale": 2.0, "dropout": 0.0}
        config = {"model": str(model), "fine_tune_type": kind, "num_layers": 2, "lora_parameters": parameters}
        write_json(folder / "adapter_config.json", config)
        adapted, *_ = load(str(model))
        adapted.freeze()
        linear_to_lora_layers(adapted, 2, parameters, use_dora=kind == "dora")
        weights = dict(tree_flatten(adapted.trainable_parameters()))
        mx.random.seed(5)
        drawn = {name: size * mx.random.normal(array.shape) for name, array in weights.items() if "lora_b" in name}
        mx.save_safetensors(str(folder / "adapters.safetensors"), weights | drawn)
        return folder

    return make
