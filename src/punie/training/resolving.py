"""A plan on this machine: paths made absolute, what it needs found, and held against the run that it goes on with."""

from __future__ import annotations

from pathlib import Path

from punie.errors import UsageError
from punie.training.adapter import AdapterFolder, read_adapter
from punie.training.fixed_rows import rows_file
from punie.training.plan import TrainingPlan
from punie.training.request import load_plan
from punie.training.rows import training_file
from punie.workspace import resolve_adapter, resolve_model

_FREE = ("adapter_path", "memory_limit", "matrix_rows", "probes")
"""Fields that may differ when a run resumes: they change nothing that is learned."""


def resolve_plan(plan: TrainingPlan) -> TrainingPlan:
    """The same plan with absolute paths. Raises UsageError where model, training data or adapter are not there."""
    data = training_file(plan.data).parent
    if plan.patience is not None and plan.select != "score" and not (data / "valid.jsonl").is_file():
        raise UsageError(
            "patience waits for a validation loss, and there is no valid.jsonl here.",
            where=str(data),
            hint="Leave patience out, or make validation rows with `punie dataset split`.",
        )
    if any(stage.adaptive for stage in plan.stages) and not (data / "valid.jsonl").is_file():
        raise UsageError(
            "An adaptive schedule goes by validation losses, and there is no valid.jsonl here.",
            where=str(data),
            hint="Make validation rows with `punie dataset split`, or take another schedule.",
        )
    if plan.matrix_rows and rows_file(data) is None:
        raise UsageError(
            "matrix_rows measures on test.jsonl or valid.jsonl, and there is neither here.",
            where=str(data),
            hint="Leave matrix_rows out, or make such rows with `punie dataset split`.",
        )
    adapter = Path(plan.adapter_path).expanduser().resolve()
    paths = {"model": str(resolve_model(plan.model)), "data": str(data), "adapter_path": str(adapter)}
    if plan.score_suite is not None and (suite := Path(plan.score_suite).expanduser()).is_file():
        paths["score_suite"] = str(suite.resolve())
    if plan.resume_from is not None:
        paths["resume_from"] = str(read_adapter(resolve_adapter(plan.resume_from)).folder)
    return plan.model_copy(update=paths)


def require_same_plan(plan: TrainingPlan, folder: AdapterFolder) -> None:
    if not folder.plan.is_file():
        raise UsageError("There is no training run to resume.", where=str(folder.root), hint="Leave --resume out.")
    then, now = load_plan(folder.plan).model_dump(), plan.model_dump()
    changed = [key for key in now if key not in _FREE and now[key] != then[key]]
    if changed:
        differences = "; ".join(f"{key} was {then[key]}, is {now[key]}" for key in changed)
        raise UsageError(
            f"A run resumes only under its own plan: {differences}.",
            where=str(folder.plan),
            hint="Give the same values again, or train into another folder.",
        )
