"""A model as one GGUF file, by mlx-lm's writer where that is right. Runs in the shipping child.

What mlx-lm 0.32.2 writes wrongly is refused, but for one thing: it gives all tokens the same score, and llama.cpp joins
the pair with the highest first. Here a token's score is minus its place among the tokenizer's merges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm.gguf import HfVocab, permute_weights, prepare_metadata, translate_weight_names

from punie.errors import TrainingError, UsageError
from punie.files import read_json
from punie.shipping.messages import Converted, GgufAsked
from punie.training.student import load_model

LLAMA_CPP = "With a copy of llama.cpp: python convert_hf_to_gguf.py MODEL --outfile FILE.gguf --outtype f16"
_KINDS = ("llama", "mistral")
_EPS = 2.0**-11
"""Half a step of float16, relative."""
_TINY = 2.0**-25
_Config = Mapping[str, Any]


def write_gguf(asked: GgufAsked) -> Iterator[Converted]:
    """Write the file and read it back. Raises UsageError for a model that mlx-lm's writer does not do justice."""
    folder = Path(asked.model)
    config, tokenizer = read_json(folder / "config.json"), read_json(folder / "tokenizer.json")
    require_writable(config, tokenizer, asked.model)
    model, _ = load_model(asked.model)
    weights = dict(tree_flatten(model.parameters()))
    arrays = {
        translate_weight_names(name): _in_order(name, weight, config).astype(
            mx.float32 if "norm" in name else mx.float16
        )
        for name, weight in weights.items()
    }
    metadata = _metadata(folder, config, tokenizer, rows=weights["model.embed_tokens.weight"].shape[0])
    mx.save_gguf(asked.output, arrays, metadata)
    yield Converted(len(arrays), _read_back(asked.output, weights, config))


def require_writable(config: _Config, tokenizer: Mapping[str, Any], where: str) -> None:
    """Raises UsageError with the first reason against."""
    for is_wrong, why in _REASONS:
        if is_wrong(config, tokenizer):
            raise UsageError(f"mlx-lm cannot write this model as GGUF: {why}.", where=where, hint=LLAMA_CPP)


_REASONS: tuple[tuple[Callable[[_Config, Mapping[str, Any]], bool], str], ...] = (
    (lambda config, _: config["model_type"] not in _KINDS, f"it can do {' and '.join(_KINDS)} models only"),
    (lambda config, _: "quantization" in config, "it is quantized; give the folder that punie fuse wrote"),
    (
        lambda config, _: bool(config.get("attention_bias") or config.get("mlp_bias")),
        "it has biases, which its writer leaves in another order than the weights",
    ),
    (
        lambda config, _: (_scaling(config).get("rope_type") or _scaling(config).get("type", "linear")) != "linear",
        "its scaling of positions is none that the writer knows",
    ),
    (
        lambda config, _: config.get("head_dim") not in (None, config["hidden_size"] // config["num_attention_heads"]),
        "its heads have a size of their own, which the writer leaves out",
    ),
    (
        lambda _, tokenizer: not tokenizer["model"].get("byte_fallback"),
        "its tokenizer works on bytes, and the writer would mark it as SentencePiece's",
    ),
)


def _scaling(config: _Config) -> Mapping[str, Any]:
    return config.get("rope_scaling") or {}


def _in_order(name: str, weight: mx.array, config: _Config) -> mx.array:
    """With the rows of queries and keys as llama.cpp turns them."""
    heads = config["num_attention_heads"]
    if "self_attn.q_proj.weight" in name:
        return permute_weights(weight, heads, heads)
    if "self_attn.k_proj.weight" in name:
        return permute_weights(weight, heads, config.get("num_key_value_heads", heads))
    return weight


def _metadata(folder: Path, config: _Config, tokenizer: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Raises UsageError where the model has more rows than tokens, which llama.cpp does not load."""
    vocabulary: Any = HfVocab.load(folder)
    metadata = prepare_metadata({**config, "_name_or_path": folder.name}, vocabulary)
    tokens = metadata["tokenizer.ggml.tokens"]
    if len(tokens) != rows:
        what = f"The model has {rows:,} rows of embeddings and its tokenizer {len(tokens):,} tokens."
        raise UsageError(what, where=str(folder), hint=LLAMA_CPP)
    metadata["tokenizer.ggml.scores"] = mx.array(scores(tokens, tokenizer["model"]["merges"]), dtype=mx.float32)
    if isinstance(template := vocabulary.tokenizer.chat_template, str):
        metadata["tokenizer.chat_template"] = template
    return metadata


def scores(tokens: list[str], merges: list[Any]) -> list[float]:
    """The higher, the earlier two parts become this token; those that are never joined come last."""
    pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in merges)
    places: dict[str, int] = {}
    for place, pair in enumerate(pairs):
        places.setdefault("".join(pair), place)
    return [-float(places.get(token, len(merges))) for token in tokens]


def _read_back(file: str, weights: Mapping[str, mx.array], config: _Config) -> float:
    """Largest distance of a weight from the model's, in halves of a rounding step.

    Raises TrainingError where it is more than one.
    """
    stored: Any = mx.load(file)
    worst = 0.0
    for name, weight in weights.items():
        wanted = _in_order(name, weight, config).astype(mx.float32)
        distance = mx.abs(stored[translate_weight_names(name)].astype(mx.float32) - wanted)
        found: Any = mx.max(distance / (_EPS * mx.abs(wanted) + _TINY)).item()
        worst = max(worst, found)
    if not worst <= 1:
        raise TrainingError(f"What was written as GGUF is not the model: {worst:,.1f} half steps of rounding off.")
    return worst
