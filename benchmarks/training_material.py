"""Rows and models for the training benchmarks: chats cut from Python's own library, models of the Qwen2 type."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from tokenizers import Tokenizer

from punie.files import write_json, write_jsonl
from punie.workspace import EMBEDDED_MODEL, resolve_model

MEDIAN, SIGMA, LONGEST = 120, 1.07, 1024
"""Log-normal lengths in tokens: this sigma puts the 95th percentile at 700."""

Lengths = Literal["skewed", "uniform"]

SIZES = {
    "1 M": {"hidden_size": 128, "vocab_size": 2048},
    "4 M": {"hidden_size": 256, "vocab_size": 4096},
    "15 M": {"hidden_size": 512, "vocab_size": 4096},
    "100 M": {"hidden_size": 640, "vocab_size": 65_536, "num_hidden_layers": 12},
}


def write_chats(path: Path, count: int, lengths: Lengths, *, tools: bool = False, seed: int = 0) -> None:
    """Two turns each. Supervised are 40 % of the tokens; with `tools` the answer is a call of 10 to 20 %."""
    draw = np.random.default_rng(seed)
    cutter = _cutter(draw)

    def plain(length: int) -> dict[str, Any]:
        answer = max(1, round(0.4 * length))
        return {"messages": [_user(cutter(length - answer)), {"role": "assistant", "content": cutter(answer)}]}

    def calling(length: int) -> dict[str, Any]:
        answer = max(1, round(float(draw.uniform(0.1, 0.2)) * length))
        call = {"name": "write_file", "arguments": {"path": "notes.txt", "text": cutter(answer)}}
        said = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": call}]}
        return {"messages": [_user(cutter(length - answer)), said], "tools": [_TOOL]}

    drawn = draw.permutation(list(_SHAPES[lengths](count)))
    write_jsonl(path, map(calling if tools else plain, drawn.tolist()))


def make_model(folder: Path, size: str) -> None:
    """Random weights, and the embedded model's tokenizer. Needs MLX: call it in a child."""
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.models import qwen2
    from mlx_lm.utils import load_tokenizer

    config = shape(size)
    mx.random.seed(0)
    model = qwen2.Model(qwen2.ModelArgs.from_dict(config))
    load_tokenizer(resolve_model(EMBEDDED_MODEL)).save_pretrained(folder)
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())))
    write_json(folder / "config.json", config)


def shape(size: str) -> dict[str, Any]:
    hidden = SIZES[size]["hidden_size"]
    return {
        "model_type": "qwen2",
        "torch_dtype": "float32",
        "num_hidden_layers": 4,
        **SIZES[size],
        "intermediate_size": hidden * 11 // 4,
        "num_attention_heads": hidden // 32,
        "num_key_value_heads": hidden // 32,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1e6,
        "max_position_embeddings": LONGEST,
        "tie_word_embeddings": True,
        "eos_token_id": 2,
    }


def _cutter(draw: np.random.Generator) -> Callable[[int], str]:
    """Pieces of so many tokens from a random place of the library's modules."""
    tokenizer = Tokenizer.from_file(str(resolve_model(EMBEDDED_MODEL) / "tokenizer.json"))
    modules = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:40]
    ids = tokenizer.encode("\n".join(module.read_text(encoding="utf-8", errors="replace") for module in modules)).ids

    def piece(count: int) -> str:
        start = int(draw.integers(0, len(ids) - count))
        return tokenizer.decode(ids[start : start + count])

    return piece


def _skewed(count: int) -> Iterator[int]:
    """Evenly spaced quantiles, so that a few rows already have the shape of many."""
    normal = NormalDist(float(np.log(MEDIAN)), SIGMA)
    for number in range(count):
        yield min(max(round(np.exp(normal.inv_cdf((number + 0.5) / count))), 12), LONGEST - 30)


def _uniform(count: int) -> Iterator[int]:
    """From 100 to 300 tokens."""
    return (round(100 + 200 * (number + 0.5) / count) for number in range(count))


_SHAPES: dict[Lengths, Callable[[int], Iterator[int]]] = {"skewed": _skewed, "uniform": _uniform}

_TOOL = {
    "type": "function",
    "function": {"name": "write_file", "parameters": {"type": "object", "properties": {"path": {}, "text": {}}}},
}


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}
