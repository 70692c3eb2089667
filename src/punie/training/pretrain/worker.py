"""The child process that pretrains: `python -m punie.training.pretrain.worker RECIPE OUTPUT`."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import msgspec
import numpy as np
from mlx.utils import tree_flatten, tree_map

from punie.files import write_json
from punie.training.pretrain.network import Network, configuration, token_losses
from punie.training.pretrain.progress import Finished, Progress
from punie.training.pretrain.recipe import Recipe, load_recipe
from punie.training.pretrain.text import repeated_rows, sample_text, token_rows
from punie.training.pretrain.tokenizer import save_tokenizer, train_tokenizer

Step = Callable[[mx.array, mx.array], mx.array]
Report = Callable[[Progress | Finished], None]

_TOKENIZER_DOCUMENTS = 20_000
_VALIDATION_ROWS = 64
_VALIDATION_SEED = 1_000_003


def pretrain(recipe: Recipe, output: Path, report: Report) -> None:
    """Train tokenizer and network, and write a folder that mlx-lm loads. Validation is on another seed's text."""
    tokenizer = train_tokenizer(sample_text(recipe.seed, _TOKENIZER_DOCUMENTS), recipe.shape.vocabulary)
    save_tokenizer(tokenizer, output)
    mx.random.seed(recipe.seed)
    network = Network(recipe.shape)
    _warm_up(network, recipe, report)
    train_loss = _learn(network, recipe, token_rows(tokenizer, recipe.seed, recipe.rows, recipe.length), report)
    held = next(token_rows(tokenizer, recipe.seed + _VALIDATION_SEED, _VALIDATION_ROWS, recipe.length))
    valid_loss = _loss(network, mx.array(held), 0).item()
    weights = dict(tree_flatten(network.parameters()))
    mx.save_safetensors(str(output / "model.safetensors"), weights, {"format": "mlx"})
    write_json(output / "config.json", configuration(recipe.shape))
    report(
        Finished(
            parameters=sum(weight.size for weight in weights.values()),
            tokens=recipe.steps * recipe.rows * recipe.length,
            train_loss=train_loss,
            valid_loss=valid_loss,
        )
    )


def _warm_up(network: Network, recipe: Recipe, report: Report) -> None:
    """Teach copying, on rows of which the second half repeats the first."""
    induction = recipe.induction
    rng = np.random.default_rng(recipe.seed)

    def batches() -> Iterator[tuple[np.ndarray, int]]:
        return (repeated_rows(induction, recipe.shape.vocabulary, step, rng) for step in range(induction.steps))

    _run(network, recipe, "induction", induction.steps, induction.rows * induction.length, batches(), report)


def _learn(network: Network, recipe: Recipe, rows: Iterator[np.ndarray], report: Report) -> float:
    """Teach text; every position counts. Returns the mean loss of the last report."""
    batches = ((tokens, 0) for tokens in rows)
    return _run(network, recipe, "text", recipe.steps, recipe.rows * recipe.length, batches, report)


def _run(
    network: Network,
    recipe: Recipe,
    stage: str,
    steps: int,
    tokens_per_step: int,
    batches: Iterator[tuple[np.ndarray, int]],
    report: Report,
) -> float:
    step = _stepper(network, _optimizer(recipe, steps))
    losses, began, mean = list[float](), time.perf_counter(), math.nan
    for iteration, (tokens, first) in zip(range(1, steps + 1), batches, strict=False):
        losses.append(step(mx.array(tokens), mx.array(first)).item())
        if len(losses) == recipe.report_every or iteration == steps:
            mean = sum(losses) / len(losses)
            rate = len(losses) * tokens_per_step / (time.perf_counter() - began)
            report(Progress(stage=stage, iteration=iteration, total=steps, loss=mean, tokens_per_second=rate))
            losses, began = [], time.perf_counter()
    return mean


def _loss(network: Network, tokens: mx.array, first: mx.array | int) -> mx.array:
    """Mean cross-entropy in nats over target positions from `first` on."""
    losses = token_losses(network(tokens[:, :-1]), tokens[:, 1:])
    counted = mx.broadcast_to(mx.arange(losses.shape[1]) >= first, losses.shape)
    return (losses * counted).sum() / counted.sum()


def _stepper(network: Network, optimizer: optim.Optimizer) -> Step:
    """One compiled update. The two halves of a batch run on two CPU streams, which uses the second core."""
    gradient = nn.value_and_grad(network, _loss)
    streams = [mx.default_stream(mx.default_device()), mx.new_stream(mx.default_device())]
    state = [network.state, optimizer.state]

    def half(tokens: mx.array, first: mx.array, index: int) -> tuple[mx.array, Any]:
        size = tokens.shape[0] // 2
        with mx.stream(streams[index]):
            return gradient(network, tokens[index * size : (index + 1) * size], first)

    @partial(mx.compile, inputs=state, outputs=state)
    def update(tokens: mx.array, first: mx.array) -> mx.array:
        (loss_a, grad_a), (loss_b, grad_b) = half(tokens, first, 0), half(tokens, first, 1)
        grads, _ = optim.clip_grad_norm(tree_map(lambda a, b: (a + b) / 2, grad_a, grad_b), 1.0)
        optimizer.update(network, grads)
        return (loss_a + loss_b) / 2

    def step(tokens: mx.array, first: mx.array) -> mx.array:
        loss = update(tokens, first)
        mx.eval(state, loss)
        return loss

    return step


def _optimizer(recipe: Recipe, steps: int) -> optim.Optimizer:
    """Muon for the matrices of the layers, Adam for embeddings, norms and biases."""

    def matrix(path: str, weight: mx.array) -> bool:
        return weight.ndim == 2 and "embed" not in path

    muon = optim.Muon(_schedule(recipe.matrix_rate, recipe, steps), weight_decay=0.0)
    adam = optim.Adam(_schedule(recipe.vector_rate, recipe, steps), betas=[0.9, 0.95])
    return optim.MultiOptimizer([muon, adam], [matrix])


def _schedule(peak: float, recipe: Recipe, steps: int) -> Callable[[mx.array], mx.array]:
    begin = recipe.decay_from * steps

    def rate(step: mx.array) -> mx.array:
        share = mx.clip((step - begin) / (steps - begin), 0.0, 1.0)
        return peak * (1.0 - share * (1.0 - recipe.final_rate))

    return rate


def main() -> None:
    recipe, output = load_recipe(Path(sys.argv[1])), Path(sys.argv[2])
    with (output / "metrics.jsonl").open("ab", buffering=0) as out:
        pretrain(recipe, output, lambda metric: out.write(msgspec.json.encode(metric) + b"\n") and None)


if __name__ == "__main__":
    main()
