"""How an evaluation stands so far: category by category, while answers come in."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from punie.cli.curve import flow

if TYPE_CHECKING:
    from punie.evaluation.outcomes import Trial


class Scoreboard:
    """Fed trial by trial, drawn into a given width."""

    def __init__(self) -> None:
        self._right: Counter[str] = Counter()
        self._counted: Counter[str] = Counter()
        self._unscored = 0

    def add(self, trial: Trial) -> None:
        category = trial.case.category
        self._counted[category] += trial.counted
        self._right[category] += trial.right
        self._unscored += not trial.counted

    def lines(self, width: int) -> list[Text]:
        """Right of judged, for each category; nothing before the first trial."""
        items = [f"{name} {self._right[name]}/{counted} right" for name, counted in self._counted.items()]
        return flow([*items, f"{self._unscored} not judged"] if self._unscored else items, width)
