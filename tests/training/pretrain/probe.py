"""Child process: what mlx-lm makes of a model folder, beside what we make of it.

`probe.py MODEL ROWS`: ROWS is a JSON file with `documents` (texts) and `chats` (rows); the answer is JSON on stdout.
"""

from __future__ import annotations

import json
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten
from mlx_lm import load

from punie.training.pretrain.network import Network, fast_exp
from punie.training.pretrain.recipe import Shape


def main() -> None:
    folder, asked = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    model, tokenizer = load(str(folder))[:2]
    documents = [tokenizer.encode(text) for text in asked["documents"]]
    tokens = mx.array([list(chain(*documents))[:96], list(chain(*reversed(documents)))[:96]])
    network = our_network(folder)
    ours, theirs = network(tokens), model(tokens)
    answer = {
        "documents": documents,
        "chats": [tokenizer.apply_chat_template(row["messages"], row.get("tools")) for row in asked["chats"]],
        "texts": [written(tokenizer, row, row["messages"]) for row in asked["chats"]],
        "prompts": [written(tokenizer, row, row["messages"][:-1], ask=True) for row in asked["chats"]],
        "parses_calls": tokenizer.has_tool_calling,
        "ends": sorted(tokenizer.eos_token_ids),
        "weights": sorted(shapes_of(model)) == sorted(shapes_of(network)),
        "largest_logit": mx.max(mx.abs(theirs)).item(),
        "logit_error": mx.max(mx.abs(ours - theirs)).item(),
        "error_before": changed_before(network, tokens, 40),
        "change_after": changed_after(network, tokens, 40),
        "exp_error": exp_error(),
    }
    print(json.dumps(answer))


def our_network(folder: Path) -> Network:
    config = json.loads((folder / "config.json").read_text())
    network = Network(
        Shape(
            layers=config["num_hidden_layers"],
            width=config["hidden_size"],
            heads=config["num_attention_heads"],
            hidden=config["intermediate_size"],
            vocabulary=config["vocab_size"],
        )
    )
    network.load_weights(str(folder / "model.safetensors"))
    return network


def shapes_of(module: nn.Module) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, weight.shape) for name, weight in tree_flatten(module.parameters())]


def written(tokenizer: Any, row: dict, messages: list, ask: bool = False) -> str:
    return tokenizer.apply_chat_template(messages, row.get("tools"), tokenize=False, add_generation_prompt=ask)


def other_logits(network: Network, tokens: mx.array, place: int) -> mx.array:
    """How far each logit moves when the token at `place` is another one."""
    others = mx.array(tokens)
    others[:, place] = (others[:, place] + 7) % 256 + 5
    return mx.abs(network(others) - network(tokens))


def changed_before(network: Network, tokens: mx.array, place: int) -> Any:
    return mx.max(other_logits(network, tokens, place)[:, :place]).item()


def changed_after(network: Network, tokens: mx.array, place: int) -> Any:
    return mx.min(mx.max(other_logits(network, tokens, place)[:, place:], axis=(1, 2))).item()


def exp_error() -> Any:
    x = mx.linspace(-20.0, 0.0, 200_001)
    return mx.max(mx.abs(fast_exp(x) - mx.exp(x))).item()


if __name__ == "__main__":
    main()
