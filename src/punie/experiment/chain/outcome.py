"""What a chain comes to: each model beside the untrained one, and which of them is to be used.

The chosen model is the smallest of those up to which every model passes the gate, from the first that was made on. A
fixed order, given up at the first failure, keeps the risk of a wrong choice at that of a single test (Maurer, Hothorn
and Lehmacher 1995), although the same cases choose and report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import msgspec

from punie.experiment.chain.ledger import Entry
from punie.experiment.chain.products import comparisons_in
from punie.report.gate import require_none


@dataclass(frozen=True, slots=True)
class Verdict:
    """`gate`: why it does not pass, a sentence each."""

    model: str
    verdict: str
    statement: str
    evidence: str
    gate: tuple[str, ...]

    @property
    def headline(self) -> str:
        return f"{self.verdict.capitalize()}. {self.statement}."


@dataclass(frozen=True, slots=True)
class Outcome:
    """`entries` are in the order in which steps were done; `verdicts` in that in which models were made."""

    entries: tuple[Entry, ...]
    verdicts: tuple[Verdict, ...]
    page: Path

    @property
    def chosen(self) -> str | None:
        """None where nothing was compared, or the first model does not pass."""
        return chosen(self.verdicts)


def read_verdicts(comparison: Path) -> tuple[Verdict, ...]:
    return tuple(
        Verdict(one["after"]["name"], one["verdict"], one["statement"], one["evidence"], tuple(one["gate"]))
        for one in comparisons_in(comparison)
    )


def chosen(verdicts: Sequence[Verdict]) -> str | None:
    passing = [verdict.model for verdict in takewhile(lambda verdict: not verdict.gate, verdicts)]
    return passing[-1] if passing else None


def require_passing(outcome: Outcome) -> None:
    """Raises GateError, with the reasons of the first model, where no model was chosen."""
    if outcome.verdicts and outcome.chosen is None:
        require_none(outcome.verdicts[0].gate)


def to_record(outcome: Outcome) -> dict[str, Any]:
    """In JSON's values: seconds, hashes, and the words of the comparison."""
    return {
        "format": 1,
        "chosen": outcome.chosen,
        "verdicts": [asdict(verdict) for verdict in outcome.verdicts],
        "steps": [
            {**msgspec.to_builtins(entry.record), "output": str(entry.output), "done now": entry.why}
            for entry in outcome.entries
        ],
    }
