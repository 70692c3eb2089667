"""How much of a run may go unjudged before its numbers mean little."""

from __future__ import annotations

from collections import Counter

from punie.errors import GateError
from punie.evaluation.outcomes import EvaluationRun, Trial

_SHOWN = 5


def require_judged(run: EvaluationRun, most: float) -> None:
    """Raises GateError, with the reasons by number, where a larger share than `most` (0..1) was left unscored."""
    reasons = Counter(_reason(trial) for trial in run.trials if not trial.counted)
    unscored = reasons.total()
    if unscored > most * len(run.trials):
        raise GateError(
            f"{unscored} of {len(run.trials)} answers could not be judged, more than {most:.1%}.",
            where=run.record.name,
            hint="\n".join(f"{count} x {reason}" for reason, count in reasons.most_common(_SHOWN))
            + "\nThe run is kept, with every answer.",
        )


def _reason(trial: Trial) -> str:
    return trial.failure or trial.reason
