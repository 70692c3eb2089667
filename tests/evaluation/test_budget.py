from __future__ import annotations

from collections.abc import Mapping

import pytest

from punie.errors import GateError
from punie.evaluation.budget import require_judged
from punie.evaluation.outcomes import EvaluationRun, Outcome, RunRecord, Trial
from punie.evaluation.suite import Case

RECORD = RunRecord.model_construct(name="run")


def make_run(cases: Mapping[str, Case], unscored: int) -> EvaluationRun:
    trials = tuple(
        Trial(
            case=cases["sum"],
            sample=sample,
            answer=None,
            outcome=Outcome.UNSCORED if sample < unscored else Outcome.FAILED,
            value=None,
            reason="the judge is away",
        )
        for sample in range(20)
    )
    return EvaluationRun(RECORD, trials)


def test_a_few_unjudged_answers_are_within_the_budget(cases: Mapping[str, Case]) -> None:
    """As many as the budget says are no reason to stop; with less of a budget, the same run is refused."""
    run = make_run(cases, 1)
    require_judged(run, 0.05)
    with pytest.raises(GateError):
        require_judged(run, 0.04)


def test_too_many_unjudged_answers_are_refused_with_their_reasons(cases: Mapping[str, Case]) -> None:
    """One more than the budget is, and the reasons are counted."""
    with pytest.raises(GateError, match=r"2 of 20 answers could not be judged, more than 5.0%") as caught:
        require_judged(make_run(cases, 2), 0.05)
    assert "2 x the judge is away" in caught.value.hint
