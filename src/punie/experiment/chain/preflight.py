"""What is looked at before anything is made: words that are wrong anywhere, and room on the disk for all steps."""

from __future__ import annotations

from pathlib import Path

from punie.data.source import open_source
from punie.evaluation.suite import load_suite
from punie.experiment.chain.folder import ChainFolder
from punie.experiment.chain.recipe import ChainExperiment
from punie.files import read_json
from punie.shipping import fuse, quantize
from punie.shipping.messages import weight_bytes
from punie.training.disk import bytes_needed, require_space
from punie.training.plan import TrainingPlan
from punie.workspace import resolve_model

_ROW_BYTES = 2_000
_DRAFTS = 3
"""Copies of the rows on the disk while a dataset is made of them."""
_RUN_BYTES = 20_000_000
"""Of an evaluation, with its pages, generously."""


def require_ready(recipe: ChainExperiment, folder: ChainFolder, where: str) -> None:
    """Raises UsageError for what no step could do, CapacityError where the disk cannot hold what is left to do."""
    model = resolve_model(recipe.model)
    recipe.blend(f"{where}, key data")
    plan = None if recipe.train is None or _reads_rows(recipe) else recipe.plan("data", str(folder.adapter), where)
    suites = {*(recipe.evaluate.suites if recipe.evaluate else ()), plan.score_suite if plan else None}
    for suite in filter(None, suites):
        load_suite(suite)
    require_space(folder.root.resolve(), _left(recipe, folder, model, plan))


def _reads_rows(recipe: ChainExperiment) -> bool:
    """Whether the plan can only be known once there are rows: a named curriculum looks at them."""
    return isinstance((recipe.train or {}).get("curriculum"), str) or "curriculum_phase" in (recipe.train or {})


def _left(recipe: ChainExperiment, folder: ChainFolder, model: Path, plan: TrainingPlan | None) -> int:
    """Bytes for the steps whose output is not there; for all of them where the recipe is not that of the last start."""
    same = folder.recipe.is_file() and folder.recipe.read_text(encoding="utf-8") == recipe.to_yaml()
    return sum(size for place, size in _sizes(recipe, folder, model, plan).items() if not (same and place.exists()))


def _sizes(recipe: ChainExperiment, folder: ChainFolder, model: Path, plan: TrainingPlan | None) -> dict[Path, int]:
    """Bytes by output."""
    sizes = {folder.source(name): origin.count * _ROW_BYTES for name, origin in recipe.sources.items()}
    if recipe.data is not None:
        sizes[folder.data] = _DRAFTS * (sum(sizes.values()) + _given(recipe))
    if plan is not None:
        sizes[folder.adapter] = bytes_needed(plan.model_copy(update={"model": str(model)}))
    weights = weight_bytes(model)
    if recipe.fuse is not None:
        widened = "quantization" in read_json(model / "config.json") and not recipe.fuse.requantize
        weights = sizes[folder.fused] = fuse.bytes_needed(model, widened=widened)
    if recipe.quantize is not None:
        sizes[folder.quantized] = sum(quantize.bytes_needed(weights, width) for width in recipe.quantize.bits)
    if recipe.evaluate is not None:
        models = 1 + (plan is not None) + (recipe.fuse is not None)
        models += len(recipe.quantize.bits) if recipe.quantize else 0
        sizes[folder.root / "evaluations"] = models * _RUN_BYTES
    return sizes


def _given(recipe: ChainExperiment) -> int:
    """Bytes of the rows that are not made here. Raises UsageError where there are none."""
    blend = recipe.blend("key data")
    names = [str(recipe.data)] if blend is None else [source.path for source in blend.sources]
    return sum(open_source(Path(name)).size for name in names if name not in recipe.sources)
