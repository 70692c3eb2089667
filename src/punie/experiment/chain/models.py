"""Steps that make models: trained, fused, quantized."""

from __future__ import annotations

from punie import fingerprint
from punie.evaluation.checkpoints import checkpoint_scorer
from punie.evaluation.suite import load_suite
from punie.experiment.chain import products
from punie.experiment.chain.ledger import Made, Step
from punie.experiment.chain.work import Candidate, Work
from punie.files import hash_value
from punie.report.pages import write_training_page
from punie.shipping.fuse import fuse
from punie.shipping.quantize import name_of, quantize
from punie.training.adapter import AdapterFolder
from punie.training.plan import TrainingPlan
from punie.training.runner import train
from punie.workspace import resolve_adapter, resolve_model

_PLACES = {"model", "data", "adapter_path", "resume_from", "score_suite"}
"""Fields of a plan that say where something is: its content decides."""
_IDLE = {"memory_limit"}
"""Fields that change nothing that is learned or measured."""


def base(work: Work) -> Made:
    """The model as it is. Its tokenizer and chat template count: they decide what it reads."""
    folder = resolve_model(work.recipe.model)
    found = hash_value([fingerprint.model(folder), fingerprint.vocabulary(folder)])
    return Made(found, lambda: folder)


def train_adapter(work: Work, model: Made, rows: Made) -> Made:
    plan = work.recipe.plan(str(rows.folder()), str(work.folder.adapter), work.where)
    inputs = {"model": model.hash, "rows": rows.hash, **_beside(plan)}
    settings = plan.model_dump(mode="json", exclude=_PLACES | _IDLE)
    return work.ledger.do(
        Step("train", work.folder.adapter, products.ADAPTER, settings, inputs, lambda _: _trained(work, plan))
    )


def _beside(plan: TrainingPlan) -> dict[str, str]:
    found = {}
    if plan.score_suite is not None:
        found["score_suite"] = load_suite(plan.score_suite).hash
    if plan.resume_from is not None:
        found["resume_from"] = fingerprint.adapter(resolve_adapter(plan.resume_from))
    return found


def _trained(work: Work, plan: TrainingPlan) -> None:
    folder = AdapterFolder.of(plan)
    scorer = None if plan.score_suite is None else checkpoint_scorer(plan)
    train(
        plan,
        resume=folder.plan.is_file(),
        on_metric=lambda metric: work.watcher.metric(metric, plan.iters),
        scorer=scorer,
    )
    write_training_page(folder.root)


def fuse_adapter(work: Work, model: Made, adapter: Made) -> Made:
    asked = work.recipe.fuse
    assert asked is not None, "the recipe fuses"
    return work.ledger.do(
        Step(
            "fuse",
            work.folder.fused,
            products.MODEL,
            asked.model_dump(),
            {"model": model.hash, "adapter": adapter.hash},
            lambda output: fuse(
                adapter.folder(),
                output,
                model=str(model.folder()),
                requantize=asked.requantize,
                min_kept=asked.min_kept,
            ),
        )
    )


def quantize_model(work: Work, model: Made) -> list[Candidate]:
    """The model in each width, the widest first."""
    asked = work.recipe.quantize
    assert asked is not None, "the recipe quantizes"
    bits = sorted(asked.bits, reverse=True)
    made = work.ledger.do(
        Step(
            "quantize",
            work.folder.quantized,
            products.WIDTHS,
            {"bits": bits},
            {"model": model.hash},
            lambda output: quantize(str(model.folder()), bits, output),
        )
    )
    return [
        Candidate(name, Made(hash_value([made.hash, name]), lambda name=name: made.folder() / name))
        for name in map(name_of, bits)
    ]
