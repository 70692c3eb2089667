"""Measured settings for models we know. Every value is a default: what the user gives wins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from punie.files import read_json
from punie.workspace import is_embedded, local_folder

_TINY_ITERS = 150
_TINY_RATE = 1e-3


_USUAL_LAYERS = 16


def preset(model: Path, iters: int | None = None) -> dict[str, Any]:
    """Defaults for a model's folder, paced for `iters` if that is given; none for a model we do not know."""
    return _tiny(iters or _TINY_ITERS) if is_embedded(model) else {}


def model_preset(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same for the model and the length that these values of a plan name."""
    return preset(local_folder(str(values["model"])), values.get("iters"))


def cautious(model: Path) -> dict[str, Any]:
    """A short run that harms no model: mlx-lm's defaults with a usual LoRA rate, on the layers there are."""
    config = read_json(model / "config.json")
    layers = config.get("text_config", config).get("num_hidden_layers", _USUAL_LAYERS)
    return {
        "iters": 150,
        "learning_rate": 1e-4,
        "num_layers": min(layers, _USUAL_LAYERS),
        "mask": "last",
        "steps_per_eval": 50,
        "save_every": 50,
    }


def _tiny(iters: int) -> dict[str, Any]:
    """For the embedded model. A rate of 3e-3 has destroyed an unfinished one; 1e-3 works. See docs/LOG.md."""
    return {
        "iters": iters,
        "batch_size": 16,
        "learning_rate": _TINY_RATE,
        "schedule": "cosine",
        "warmup": iters // 15,
        "final_learning_rate": _TINY_RATE / 30,
        "optimizer": "adamw",
        "num_layers": -1,
        "rank": 16,
        "scale": 4.0,
        "max_seq_length": 512,
        "mask": "last",
        "steps_per_eval": max(1, iters // 3),
        "save_every": max(1, iters // 3),
    }
