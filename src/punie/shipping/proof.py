"""What is written beside a shipped model: which files it came from, what was measured, and what that comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from punie import __version__, fingerprint
from punie.errors import GateError, TrainingError
from punie.files import write_json
from punie.moments import now
from punie.sharing.scrub import public_name
from punie.shipping.messages import Measured, Survival
from punie.workspace import PROOF

_FORMAT = 1
_STEPS = 4.0
"""Rounding steps a fused weight may be off: one each for the product, its type, the sum, and the stored type."""
_SILENT = 1e-3
"""Nats per token. 16-bit rounding moves answers too: an adapter that moves them less is judged by its weights."""


@dataclass(frozen=True, slots=True)
class Score:
    """Answers of a model to a suite. `low` and `high` bound the share of right ones at 95 %."""

    name: str
    right: int
    counted: int
    low: float
    high: float
    verdict: str | None
    """Against the first model of the table, pair by pair; None for that one."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One fuse or quantize. `scores` are in the order of `models`, and empty where no suite was asked for."""

    kind: str
    made_of: dict[str, str]
    models: tuple[Measured, ...]
    survival: Survival | None = None
    scores: tuple[Score, ...] = ()
    created: str = field(default_factory=now)

    @property
    def kept(self) -> float | None:
        """Of what the adapter changed in the answers, the share that fusing kept: 1 - KL(fused) / KL(base).

        None where the adapter hardly changed them, or nothing was fused. Below 0 the fused model is farther away than
        the base.
        """
        found = {measured.name: measured.divergence for measured in self.models}
        base, fused = found.get("base"), found.get("fused")
        if base is None or fused is None or base.kl_mean < _SILENT:
            return None
        return 1 - fused.kl_mean / base.kl_mean

    def record(self) -> dict[str, Any]:
        """One JSON object. Sizes in bytes, divergences in nats per token, shares 0..1."""
        return {
            "format": _FORMAT,
            "kind": self.kind,
            "created": self.created,
            "made_of": self.made_of,
            "versions": {name: version(name) for name in ("mlx", "mlx-lm")} | {"punie": __version__},
            "models": [msgspec.to_builtins(measured) for measured in self.models],
            "survival": msgspec.to_builtins(self.survival),
            "kept": self.kept,
            "scores": [asdict(score) for score in self.scores],
        }

    def write(self, folder: Path) -> None:
        write_json(folder / PROOF, self.record())


def made_of(model: Path, adapter: Path | None = None) -> dict[str, str]:
    """Names and hashes, without the folders they lay in: a shipped model may be published."""
    found = {"model": public_name(str(model)), "model_hash": fingerprint.model(model)}
    return found if adapter is None else found | {"adapter": adapter.name, "adapter_hash": fingerprint.adapter(adapter)}


def require_fused(proof: Proof, min_kept: float) -> None:
    """Raises TrainingError where floats are not base + adapter, GateError where too little of the adapter is left."""
    survived = proof.survival
    if survived is not None and survived.steps is not None and survived.steps > _STEPS:
        raise TrainingError(
            f"The fused weights are not base + scale * B * A: {survived.steps:,.0f} rounding steps off.",
            hint="Nothing was kept. This model type may need another version of mlx-lm.",
        )
    for share, what in _shares(proof):
        if not min_kept <= share <= 2 - min_kept:
            lost = "erased" if share < min_kept else "drowned"  # Rounding can go along with an adapter, and beyond it.
            raise GateError(
                f"Fusing {lost} the adapter: {share:.0%} of {what} is there, {min_kept:.0%} is asked for.",
                where=", ".join(map(str, proof.made_of.values())),
                hint="Nothing was kept. Leave --requantize out, or ship the adapter beside its model.",
            )


def _shares(proof: Proof) -> Sequence[tuple[float, str]]:
    found = [] if proof.survival is None else [(proof.survival.share, "its change of the weights")]
    return found if proof.kept is None else [*found, (proof.kept, "its change of the answers")]
