"""Before a pretraining of hours: can the model that a recipe makes learn a handful of rows by heart, and say them?

A loss that falls is no proof. One that comes from seeing what is to be predicted falls too, and then nothing can be
written: so what was learned is asked for.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from punie.files import read_jsonl, write_jsonl, write_text
from punie.training.metrics import Doing, Metric, Probed
from punie.training.outcome import TrainingOutcome
from punie.training.plan import TrainingPlan
from punie.training.pretrain.model_recipe import load_model_recipe
from punie.training.pretrain.scratch import Listener, Workshop, make_start, plan_of
from punie.training.rows import training_file
from punie.training.runner import train

_ROWS = 8
_UPDATES = 300
_BY_HEART = 0.9
"""Of the tokens it is asked for."""

_KEPT = {"model", "adapter_path", "seed", "fine_tune_type", "num_layers", "whole_model", "max_seq_length"}
_KEPT |= {"optimizer", "learning_rate", "weight_decay", "betas", "eps", "bias_correction", "momentum"}
"""What is tried is the recipe's: the model, and how it learns."""

_WHAT_TO_DO = (
    "A model that cannot learn a handful of rows by heart learns nothing from many. "
    "Try a lower or a higher learning_rate first, then another architecture."
)


def probe(recipe_path: Path, *, on_metric: Listener | None = None) -> tuple[Probed, ...]:
    """Everything is made and trained in a folder that is thrown away.

    Raises what `pretrain` raises, UsageError for a probe that fails before training among it.
    """
    heard: list[Metric] = []

    def hear(metric: Metric) -> None:
        heard.append(metric)
        if on_metric is not None and isinstance(metric, Doing):
            on_metric(metric)

    with TemporaryDirectory(prefix="punie-probe-") as name:
        outcome = train(_plan(recipe_path, Workshop(Path(name).resolve()), hear), on_metric=hear)
    probes = [metric for metric in heard if isinstance(metric, Probed)]
    return (*probes[:-1], _by_heart(outcome, probes[-1]))


def _plan(recipe_path: Path, shop: Workshop, hear: Listener) -> TrainingPlan:
    recipe = load_model_recipe(recipe_path)
    whole = plan_of(recipe, shop.root, str(recipe_path)).plan
    file = training_file(whole.data)
    write_text(shop.recipe, recipe.to_yaml())
    make_start(shop.recipe, file.parent, shop.start, hear)
    few = shop.root / "rows"
    few.mkdir()
    count = write_jsonl(few / "train.jsonl", (row for _, row in islice(read_jsonl(file), _ROWS)))
    rhythm = {"iters": _UPDATES, "save_every": _UPDATES, "steps_per_report": _UPDATES // 10, "schedule": "linear"}
    return TrainingPlan(**whole.model_dump(include=_KEPT), data=str(few), batch_size=count, **rhythm)


def _by_heart(outcome: TrainingOutcome, output: Probed) -> Probed:
    found = f"After {outcome.iterations} updates on {_ROWS} rows the loss is {outcome.train_loss:.3f}. {output.found}"
    learned = output.value is not None and output.value >= _BY_HEART
    return Probed(
        iteration=outcome.iterations,
        probe="one batch by heart",
        value=output.value,
        found=found,
        advice="" if learned else _WHAT_TO_DO,
    )
