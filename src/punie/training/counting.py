"""How much a run will compute, from its rows, before any of it is computed. Runs in a training child."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from heapq import nlargest
from itertools import islice
from operator import add

from punie.training.batches import Group, TokenRow
from punie.training.batching import Batching, batching
from punie.training.last_layer import windows_of
from punie.training.plan import TrainingPlan
from punie.training.views import View, staged_order
from punie.training.workload import CHUNK, Widest, Work, Workload

_SAMPLED = 256
"""Steps that are looked at; of a longer run they are taken evenly from all of it."""
_LONGEST = 32
"""Steps with most tokens that are looked at besides: one of them has the group that needs most memory."""


def count_workload(
    plan: TrainingPlan, views: Sequence[View], rows: Sequence[TokenRow], valid: Sequence[TokenRow], loss_route: str
) -> Workload:
    """`loss_route` as the engine tells it. An adaptive stage is counted as if it stayed in its first phase."""
    how = batching(plan)
    steps = list(islice(staged_order(views, how, rows, plan.seed, 0, spread=plan.spread), plan.iters))
    sampled = steps[:: -(-plan.iters // _SAMPLED)]
    longest = nlargest(_LONGEST, steps, key=lambda step: sum(len(rows[index].tokens) for index in step))
    groups, long_ones = (_groups(how, rows, some) for some in (sampled, longest))
    training = Work(steps=len(sampled)) + work_of(groups, loss_route)
    passes = {*range(0, plan.iters, plan.steps_per_eval), *(view.start for view in views), plan.iters}
    validation = how.validation(valid, plan.val_batches) if valid else ()
    return Workload(
        training * (plan.iters / len(sampled)),
        work_of(validation, loss_route) * len(passes),
        widest_of([*groups, *long_ones], loss_route),
    )


def _groups(how: Batching, rows: Sequence[TokenRow], steps: Iterable[list[int]]) -> list[Group]:
    return [group for step in steps for group in how.groups([rows[index] for index in step])]


def largest_groups(plan: TrainingPlan, how: Batching, rows: Sequence[TokenRow]) -> list[Group]:
    """Of the step that the longest rows would make, should they ever meet."""
    longest = sorted(rows, key=lambda row: len(row.tokens), reverse=True)
    budget = plan.batch_tokens and plan.batch_tokens // min(len(longest[0].tokens), how.row_limit)
    return how.groups(longest[: max(1, budget or plan.batch_size)])


def widest_of(groups: Sequence[Group], loss_route: str) -> Widest:
    found = max(groups, key=lambda group: group.inputs.size)
    work = _work(found, loss_route)
    targets = work.targets if _full(loss_route) else min(CHUNK, work.targets)
    return Widest(*found.inputs.shape, round(work.last), round(targets))


def work_of(groups: Iterable[Group], loss_route: str) -> Work:
    return reduce(add, (_work(group, loss_route) for group in groups), Work())


def _work(group: Group, loss_route: str) -> Work:
    rows, width = group.inputs.shape
    windows = windows_of(group.places, rows, width) if "last layer" in loss_route else None
    return Work(
        groups=1,
        positions=rows * width,
        last=rows * (width if windows is None else windows.length),
        pairs=rows * width**2,
        targets=rows * width if _full(loss_route) else len(group.targets),
    )


def _full(loss_route: str) -> bool:
    return loss_route == "full logits"
