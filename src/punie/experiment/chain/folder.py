"""What lies where in the folder of a chain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ChainFolder:
    root: Path

    @property
    def recipe(self) -> Path:
        """As it was at the last start, with every default."""
        return self.root / "recipe.yaml"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def scored(self) -> Path:
        """The same rows with their difficulty."""
        return self.root / "scored"

    @property
    def adapter(self) -> Path:
        return self.root / "adapter"

    @property
    def fused(self) -> Path:
        return self.root / "fused"

    @property
    def quantized(self) -> Path:
        """A model folder for each width."""
        return self.root / "quantized"

    @property
    def comparison(self) -> Path:
        return self.root / "comparison"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def figures(self) -> Path:
        return self.root / "report.json"

    def source(self, name: str) -> Path:
        return self.root / "sources" / name

    def evaluation(self, model: str) -> Path:
        return self.root / "evaluations" / model

    def record(self, step: str) -> Path:
        """What a step was made from, and what came of it."""
        return self.root / "steps" / f"{step.replace(' ', '-')}.json"

    def earlier(self, step: str) -> Path:
        """A place for what a step made before something that it depends on changed."""
        places = (self.root / "earlier" / f"{step.replace(' ', '-')}-{number}" for number in range(1, 1_000_000))
        return next(place for place in places if not place.exists())
