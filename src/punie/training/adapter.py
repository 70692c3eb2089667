"""What lies in an adapter folder: the files mlx-lm reads, and beside them the record of how they came to be."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from punie import fingerprint
from punie.data.ledger import LEDGER
from punie.errors import UsageError
from punie.files import read_json
from punie.training.plan import TrainingPlan

WEIGHTS = "adapters.safetensors"
CONFIG = "adapter_config.json"
START = "start.json"
"""In the folder of a model whose weights were drawn and never trained."""
TRAINING, RECIPE = "training", "recipe.yaml"
"""The folder of a training that is part of a pretraining, and what lies beside it."""


@dataclass(frozen=True, slots=True)
class AdapterFolder:
    """Every path of a run. Nothing is at the top level before the run is done."""

    root: Path

    @classmethod
    def of(cls, plan: TrainingPlan) -> AdapterFolder:
        return cls(Path(plan.adapter_path))

    @property
    def weights(self) -> Path:
        return self.root / WEIGHTS

    @property
    def config(self) -> Path:
        return self.root / CONFIG

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def plan(self) -> Path:
        return self.run / "plan.yaml"

    @property
    def metrics(self) -> Path:
        return self.run / "metrics.jsonl"

    @property
    def log(self) -> Path:
        return self.run / "train.log"

    @property
    def hosts(self) -> Path:
        """The machines that trained it, as mlx.launch was told; absent where one did."""
        return self.run / "hosts.json"

    @property
    def removed(self) -> Path:
        """The rows that were not learned from, in a dataset ledger's format; absent where there are none."""
        return self.run / LEDGER

    @property
    def outcome(self) -> Path:
        return self.run / "outcome.json"

    @property
    def prediction(self) -> Path:
        """What the run was expected to take; absent where no benchmark told."""
        return self.run / "prediction.json"

    @property
    def matrix(self) -> Path:
        """Every checkpoint of a curriculum on the same rows; absent where none was asked for."""
        return self.run / "matrix.json"

    @property
    def results(self) -> Path:
        """What the matrix says, in Markdown."""
        return self.run / "results.md"

    @property
    def state(self) -> Path:
        """What a resumed run starts from; gone when the run is done."""
        return self.run / "state" / "state.safetensors"

    def stage(self, name: str) -> Path:
        """The adapter as a stage left it, until the run is done."""
        return self.unfinished / "stages" / name

    def kept_stage(self, name: str) -> Path:
        """The same, once it is done."""
        return self.root / "stages" / name

    @property
    def candidate(self) -> Path:
        """The adapter as it is while it is scored; gone when the run is done."""
        return self.run / "candidate"

    @property
    def answer(self) -> Path:
        """The score of the candidate, from the parent to the child that waits for it."""
        return self.run / "score.json"

    def scored(self, iteration: int) -> Path:
        """The evaluation folder of a score: every answer that was given for it."""
        return self.run / "scores" / f"{iteration:07d}"

    @property
    def unfinished(self) -> Path:
        """Where weights and checkpoints wait until the run is done."""
        return self.run / "unfinished"

    @property
    def resume_command(self) -> str:
        """What goes on with an unfinished run, from any folder and whatever options it was begun with."""
        recipe = self.root.parent / RECIPE
        if self.root.name == TRAINING and recipe.is_file():
            return shlex.join(["punie", "pretrain", str(recipe), "--output", str(recipe.parent), "--resume"])
        together = f" --hosts {shlex.quote(str(self.hosts))}" if self.hosts.is_file() else ""
        return f"punie train --config {shlex.quote(str(self.plan))} --resume{together}"

    def checkpoint(self, iteration: int) -> Path:
        """The weights after so many iterations, under mlx-lm's name for them."""
        return self.unfinished / f"{iteration:07d}_{WEIGHTS}"

    def checkpoints(self) -> list[int]:
        """The iterations of the checkpoints that wait."""
        return [int(file.name.partition("_")[0]) for file in self.unfinished.glob(f"[0-9]*_{WEIGHTS}")]

    def drop_checkpoints(self, iterations: Iterable[int]) -> None:
        for iteration in iterations:
            self.checkpoint(iteration).unlink()


@dataclass(frozen=True, slots=True)
class Adapter:
    """A whole adapter. `hash` is over weights and configuration, since the scale is in the latter."""

    folder: Path
    base_model: str
    config: Mapping[str, Any]
    hash: str


def read_adapter(folder: Path) -> Adapter:
    """Raises UsageError where the folder is not a whole adapter, DataError where its configuration is broken."""
    paths = AdapterFolder(folder)
    missing = [file.name for file in (paths.weights, paths.config) if not file.is_file()]
    if missing:
        raise UsageError(f"Not an adapter: {' and '.join(missing)} is missing.", where=str(folder), hint=_advice(paths))
    config = read_json(paths.config)
    return Adapter(folder, str(config.get("model", "")), config, fingerprint.adapter(folder))


def _advice(paths: AdapterFolder) -> str:
    if paths.plan.is_file() and not paths.outcome.is_file():
        return "Its training was not finished; train with --resume to go on."
    return "Give the folder that training wrote."
