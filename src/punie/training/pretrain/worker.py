"""The child process that pretrains: `python -m punie.training.pretrain.worker RECIPE OUTPUT`."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import msgspec
import numpy as np
from mlx.utils import tree_flatten, tree_map
from tokenizers import Tokenizer

from punie.errors import DivergedError, PunieError
from punie.files import write_json
from punie.training.metrics import Failed
from punie.training.pretrain.network import Network, configuration, token_losses
from punie.training.pretrain.progress import Finished, Progress
from punie.training.pretrain.recipe import Recipe, load_recipe
from punie.training.pretrain.text import repeated_rows, sample_text, token_rows
from punie.training.pretrain.tokenizer import save_tokenizer, train_tokenizer

Step = Callable[[mx.array, mx.array], float]
Report = Callable[[Progress | Finished | Failed], None]

_TOKENIZER_DOCUMENTS = 20_000
_VALIDATION_ROWS = 64
_VALIDATION_SEED = 1_000_003


@dataclass(frozen=True, slots=True)
class Stage:
    """One run of the optimizer; `batches` are (rows, length + 1) ids and the first target position that counts."""

    name: str
    steps: int
    tokens_per_step: int
    batches: Iterator[tuple[np.ndarray, int]]


def pretrain(recipe: Recipe, output: Path, report: Report) -> None:
    """Train tokenizer and network, and write a folder that mlx-lm loads. Validation is on another seed's text.

    Raises DivergedError when a loss is not a number any more.
    """
    tokenizer = train_tokenizer(sample_text(recipe.seed, _TOKENIZER_DOCUMENTS), recipe.shape.vocabulary)
    save_tokenizer(tokenizer, output)
    mx.random.seed(recipe.seed)
    network = Network(recipe.shape)
    _train(network, recipe, _warm_up(recipe), report)
    train_loss = _train(network, recipe, _text(recipe, tokenizer), report)
    held = next(token_rows(tokenizer, recipe.seed + _VALIDATION_SEED, _VALIDATION_ROWS, recipe.length))
    valid_loss = _number(_loss(network, mx.array(held), 0), "validation")
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


def _warm_up(recipe: Recipe) -> Stage:
    """Copying, on rows of which the second half repeats the first."""
    induction = recipe.induction
    rng = np.random.default_rng(recipe.seed)
    batches = (repeated_rows(induction, recipe.shape.vocabulary, step, rng) for step in count())
    return Stage("induction", induction.steps, induction.rows * induction.length, batches)


def _text(recipe: Recipe, tokenizer: Tokenizer) -> Stage:
    """Text, of which every position counts."""
    rows = token_rows(tokenizer, recipe.seed, recipe.rows, recipe.length)
    return Stage("text", recipe.steps, recipe.rows * recipe.length, ((tokens, 0) for tokens in rows))


def _train(network: Network, recipe: Recipe, stage: Stage, report: Report) -> float:
    """Returns the mean loss of the last report. Raises DivergedError."""
    step = _stepper(network, _optimizer(recipe, stage.steps))
    losses, began, mean = list[float](), time.perf_counter(), math.nan
    for iteration, (tokens, first) in enumerate(islice(stage.batches, stage.steps), start=1):
        losses.append(step(mx.array(tokens), mx.array(first)))
        if len(losses) == recipe.report_every or iteration == stage.steps:
            mean = sum(losses) / len(losses)
            speed = len(losses) * stage.tokens_per_step / (time.perf_counter() - began)
            report(
                Progress(stage=stage.name, iteration=iteration, total=stage.steps, loss=mean, tokens_per_second=speed)
            )
            losses, began = [], time.perf_counter()
    return mean


def _number(loss: mx.array, where: str) -> float:
    value = cast(float, loss.item())
    if not math.isfinite(value):
        raise DivergedError("The loss is not a number any more.", where=where, hint="Lower the rates in the recipe.")
    return value


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

    def step(tokens: mx.array, first: mx.array) -> float:
        loss = update(tokens, first)
        mx.eval(state, loss)
        return _number(loss, "training")

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

        def report(line: Progress | Finished | Failed) -> None:
            out.write(msgspec.json.encode(line) + b"\n")

        try:
            pretrain(recipe, output, report)
        except PunieError as error:
            report(Failed.of(error))


if __name__ == "__main__":
    main()
