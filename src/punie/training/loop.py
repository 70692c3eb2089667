"""Punie's own training loop on mlx-lm's models, layers, schedules and MLX's optimizers.

Unless the plan says otherwise, one step learns from the same random batch that mlx-lm's loop would pad into one block.
Here the batch is cut into groups of like length, the groups' losses are summed, and the sum of their gradients is
divided by the number of learned tokens: the same mean, hardly any padding. Weights change only after loss and gradient
were found to be numbers. Runs in the training child.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_map
from mlx_lm.tuner.trainer import grad_checkpoint
from mlx_lm.utils import maybe_set_recommended_wired_limit

from punie.errors import DivergedError
from punie.training.attention import attention_in_blocks
from punie.training.batches import Group, TokenRow, clipped
from punie.training.batching import batching
from punie.training.checkpoint import flat
from punie.training.counting import count_workload, largest_groups
from punie.training.head import split_model
from punie.training.loss import group_loss, measured_loss
from punie.training.memory import estimate
from punie.training.needs import Needs
from punie.training.packing import require_packable
from punie.training.plan import TrainingPlan
from punie.training.rows import name_rows
from punie.training.steps import Listener, Pass, Step
from punie.training.student import Learner
from punie.training.views import staged_order
from punie.training.workload import CHUNK, Workload
from punie.training.world import find_world


class PunieEngine:
    """Gradients are accumulated as sums over tokens, so `grad_accumulation_steps` batches weigh as one larger batch."""

    def __init__(self, plan: TrainingPlan, learner: Learner, first: int) -> None:
        self.plan, self.learner, self.first = plan, learner, first
        halves = split_model(learner.model, learner.train_rows[0].tokens)
        self.loss_route = "full logits" if halves is None else halves.route
        self.chunk = None if halves is None else CHUNK
        self.loss, self.measured_loss = group_loss(halves), measured_loss(halves)
        self.gradient = nn.value_and_grad(learner.model, self.loss)
        self.batching, self.val_batches, self.spread = batching(plan), plan.val_batches, plan.spread
        self.limit = self.batching.row_limit
        if plan.packing is True:
            require_packable(learner.model, learner.train_rows, plan.max_seq_length, plan.model)
        self.iterations = range(first, plan.iters)
        self.every = plan.grad_accumulation_steps
        self.world = find_world()
        self.sum: Any = None
        self.sum_tokens = 0.0
        self.update = self._compiled_update()

    def run(self, listener: Listener) -> None:
        maybe_set_recommended_wired_limit()
        if self.plan.grad_checkpoint:
            grad_checkpoint(self.learner.model.layers[0])
        listener.begin(self._values())
        self.learner.model.train()
        learner = self.learner
        order = staged_order(
            learner.views,
            self.batching,
            learner.train_rows,
            learner.seed,
            self.first,
            spread=self.spread,
            judged=learner.judged,
        )
        with attention_in_blocks(self.learner.model):
            for iteration in self.iterations:
                listener.at_rest()
                listener.after(self._step(iteration, next(order)))

    def needs(self) -> Needs:
        plan, model = self.plan, self.learner.model
        groups = largest_groups(plan, self.batching, self.learner.train_rows)
        model.train()
        with attention_in_blocks(model):
            return estimate(self.gradient, model, self.learner.optimizer, groups, self.chunk)

    def workload(self) -> Workload:
        learner = self.learner
        return count_workload(self.plan, learner.views, learner.train_rows, learner.valid_rows, self.loss_route)

    def validate(self, rows: Sequence[TokenRow]) -> Pass:
        model = self.learner.model
        model.eval()
        total, count, tokens, positions, trained = 0.0, 0, 0, 0, 0
        groups = self.batching.validation(rows, self.val_batches)
        with attention_in_blocks(model):
            for group in islice(groups, self.world.rank, None, self.world.size):
                total += self._number(self.measured_loss(model, *_arrays(group)))
                count += group.rows
                tokens += group.tokens
                positions += group.positions
                trained += len(group.targets)
        model.train()
        total, *counts = self.world.total(total, count, tokens, positions, trained)
        count, tokens, positions, trained = map(round, counts)
        return Pass(total / trained, count, tokens, positions, trained)

    def _step(self, iteration: int, indices: Sequence[int]) -> Step:
        rows = [self.learner.train_rows[index] for index in indices]
        began = time.perf_counter()
        groups = self._groups(rows)
        tokens, positions, loss = self.world.total(
            sum(len(group.targets) for group in groups),
            sum(group.positions for group in groups),
            sum(self._learn(group) for group in groups),
        )
        loss /= tokens
        self.sum_tokens += tokens
        if not math.isfinite(loss):
            raise self._diverged(f"The loss is {loss}", iteration, indices)
        norm = self._update(iteration, indices) if (iteration + 1) % self.every == 0 else None
        mx.clear_cache()
        return Step(
            rows=indices,
            loss=loss,
            learning_rate=self._number(self.learner.optimizer.learning_rate),
            seconds=time.perf_counter() - began,
            tokens=sum(clipped(rows, self.limit)),
            positions=round(positions),
            trained_tokens=round(tokens),
            new_shape=iteration == self.first,
            gradient_norm=norm,
        )

    def _groups(self, rows: Sequence[TokenRow]) -> list[Group]:
        """What this process computes of a step; nothing where there are fewer rows than processes."""
        share = self.world.share(rows)
        return self.batching.groups(share) if share else []

    def _learn(self, group: Group) -> float:
        """Add a group's gradient to the sum. Returns its summed loss. Evaluated at once, to let go of its memory."""
        loss, gradient = self.gradient(self.learner.model, *_arrays(group))
        self.sum = gradient if self.sum is None else tree_map(mx.add, self.sum, gradient)
        mx.eval(loss, self.sum)
        return self._number(loss)

    def _update(self, iteration: int, indices: Sequence[int]) -> float:
        """Change the weights by the mean gradient. Returns its norm."""
        own = tree_map(mx.zeros_like, self.learner.model.trainable_parameters()) if self.sum is None else self.sum
        mean = tree_map(lambda gradient: gradient / self.sum_tokens, self.world.total_gradient(own))
        squares = [mx.square(part.astype(mx.float32)).sum() for part in flat(mean).values()]
        norm = self._number(mx.sqrt(mx.stack(squares).sum()))
        if not math.isfinite(norm):
            raise self._diverged(f"The gradient's norm is {norm}", iteration, indices)
        self.update(mean)
        mx.eval(self.learner.model.trainable_parameters(), self.learner.optimizer.state)
        self.sum, self.sum_tokens = None, 0.0
        return norm

    def _compiled_update(self) -> Any:
        """The only part whose shapes never change, so it is traced once; the groups' shapes nearly always do."""
        model, optimizer = self.learner.model, self.learner.optimizer
        state = [model.state, optimizer.state]
        return partial(mx.compile, inputs=state, outputs=state)(lambda gradient: optimizer.update(model, gradient))

    def _diverged(self, what: str, iteration: int, indices: Sequence[int]) -> DivergedError:
        rate = self.plan.rates.rate_at(iteration // self.every)
        bad = [index for index in indices if not math.isfinite(self._loss_of(self.learner.train_rows[index]))]
        rows = name_rows(sorted({self.learner.train_rows[index].line - 1 for index in bad or indices}))
        return DivergedError(
            f"{what} at iteration {iteration + 1}, with learning rate {rate:g}, on {rows}.",
            where=str(Path(self.plan.data) / "train.jsonl"),
            hint="No adapter was written. Look at these rows; lower the learning rate, or give the run some warmup.",
        )

    def _loss_of(self, row: TokenRow) -> float:
        groups = self.batching.groups([row])
        return sum(self._number(self.loss(self.learner.model, *_arrays(group))) for group in groups)

    def _values(self) -> dict[str, Any]:
        """The plan's fields that live in the loop, from what the loop uses."""
        return {
            "engine": "punie",
            "iters": self.iterations.stop,
            **self.batching.values(),
            "grad_accumulation_steps": self.every,
            "val_batches": self.val_batches,
            "spread": self.spread,
        }

    @staticmethod
    def _number(array: Any) -> float:
        return float(array.item())


def _arrays(group: Group) -> tuple[mx.array, np.ndarray, mx.array, mx.array | None]:
    segments = None if group.segments is None else mx.array(group.segments)
    return mx.array(group.inputs), group.places, mx.array(group.targets), segments
