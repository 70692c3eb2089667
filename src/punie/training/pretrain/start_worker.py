"""The child that makes a model nobody has trained yet: `python -m punie.child ...start_worker RECIPE DATA OUTPUT`.

The folder it leaves is whole for mlx-lm: configuration, tokenizer, random weights, and start.json, which says how they
were drawn. What goes wrong is told in metrics.jsonl.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_unflatten
from mlx_lm.utils import load, load_model
from tokenizers import Tokenizer

from punie.errors import DataError, PunieError, UsageError
from punie.files import write_json
from punie.training.adapter import START
from punie.training.checkpoint import flat
from punie.training.metrics import Failed, append_metric
from punie.training.pretrain.model_recipe import FirstWeights, ModelRecipe, load_model_recipe
from punie.training.pretrain.tokenizer import END, write_tokenizer
from punie.training.pretrain.vocabulary import CONTINUE, UNKNOWN, learn_tokenizer
from punie.training.rows import read_teaching_rows

_MARKS = ("bos_token_id", "eos_token_id", "pad_token_id")
"""All of them the mark of the end: transformers makes up its own where a configuration is silent."""
_RESIDUAL = ("o_proj", "down_proj", "c_proj")
_TRIED = 1000
"""Texts that must come back from the tokenizer as mlx-lm loads it."""


def make_start(recipe: ModelRecipe, data: Path, output: Path) -> None:
    """Raises UsageError where mlx-lm knows no such model or loads another tokenizer, DataError for other rows."""
    texts = read_texts(data)
    tokenizer = learn_tokenizer(recipe.tokenizer, texts)
    marks = {"eos_token": END, "pad_token": END}
    if recipe.tokenizer.kind == "characters":
        marks["unk_token"] = UNKNOWN
    write_tokenizer(tokenizer, output, CONTINUE, marks, {"model_max_length": recipe.positions})
    write_json(output / "config.json", _configuration(recipe, tokenizer))
    model = _network(output)
    draw_weights(model, recipe.first_weights, recipe.seed)
    weights = flat(model.parameters())
    mx.save_safetensors(str(output / "model.safetensors"), weights, {"format": "mlx"})
    _require_same_tokenizer(output, tokenizer, texts[:_TRIED])
    facts = {"parameters": sum(weight.size for weight in weights.values()), "vocabulary": tokenizer.get_vocab_size()}
    write_json(output / START, {"format": 1, "seed": recipe.seed, **recipe.first_weights.model_dump(), **facts})


def read_texts(data: Path) -> list[str]:
    """Of training and validation rows, so that no character of either is unknown. Raises DataError for other rows."""
    rows = read_teaching_rows(data, 1)
    for split in (rows.train, rows.valid):
        if split.shape != "text":
            raise DataError(
                f"Pretraining learns from text rows, and these are {split.shape} rows.",
                where=str(split.path),
                hint='Write rows as {"text": "..."}.',
            )
    return [row["text"] for split in (rows.train, rows.valid) for row in split.rows]


def draw_weights(model: nn.Module, first: FirstWeights, seed: int) -> None:
    """As FirstWeights says; each array has a random stream of its own, by its place in the order of names."""
    residual = first.std / math.sqrt(2 * len(model.layers))

    def drawn(number: int, name: str, weight: mx.array) -> mx.array:
        if weight.ndim < 2:
            return mx.ones_like(weight) if name.endswith("weight") else mx.zeros_like(weight)
        std = residual if name.split(".")[-2] in _RESIDUAL else first.std
        return std * mx.random.normal(weight.shape, key=mx.random.key(seed * 65_537 + number))

    weights = sorted(flat(model.parameters()).items())
    model.update(tree_unflatten([(name, drawn(at, name, weight)) for at, (name, weight) in enumerate(weights)]))


def _configuration(recipe: ModelRecipe, tokenizer: Tokenizer) -> dict[str, Any]:
    end = tokenizer.token_to_id(END)
    marks = {"vocab_size": tokenizer.get_vocab_size(), **dict.fromkeys(_MARKS, end)}
    return {**recipe.model, **marks, "torch_dtype": "float32"}


def _network(folder: Path) -> Any:
    """As mlx-lm builds it from config.json. Raises UsageError where it cannot."""
    try:
        model, _ = load_model(folder, lazy=True, strict=False)
    except (ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
        raise UsageError(
            f"mlx-lm cannot build this model: {error}.",
            hint="Compare the recipe's model with that architecture's keys.",
        ) from error
    return model


def _require_same_tokenizer(folder: Path, tokenizer: Tokenizer, texts: Sequence[str]) -> None:
    """transformers replaces the tokenizer of some architectures, qwen2 among them, without a word."""
    _, loaded, *_ = load(str(folder), lazy=True)
    for text in texts:
        ids = tokenizer.encode(text).ids
        if loaded.encode(text) != ids or loaded.decode(ids) != text:
            raise UsageError(
                "transformers loads another tokenizer for this model_type than the one that was made.",
                hint="Use model_type llama (with attention_bias it is Qwen2's network) or gpt2.",
            )


def main() -> None:
    recipe, data, output = (Path(argument) for argument in sys.argv[1:])
    try:
        make_start(load_model_recipe(recipe), data, output)
    except PunieError as error:
        append_metric(output / "metrics.jsonl", Failed.of(error))


if __name__ == "__main__":
    main()
