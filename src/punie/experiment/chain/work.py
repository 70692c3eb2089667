"""What every step is given, and the models that go through them."""

from __future__ import annotations

from dataclasses import dataclass

from punie.experiment.chain.folder import ChainFolder
from punie.experiment.chain.ledger import Ledger, Made
from punie.experiment.chain.recipe import ChainExperiment
from punie.experiment.watcher import Watcher


@dataclass(frozen=True, slots=True)
class Work:
    """`where` is the recipe's file, for errors."""

    recipe: ChainExperiment
    folder: ChainFolder
    ledger: Ledger
    watcher: Watcher
    where: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model to be asked, under its name on the pages. `run` is there once it was."""

    name: str
    model: Made
    adapter: Made | None = None
    run: Made | None = None
