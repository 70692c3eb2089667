"""Suites asked of a model before and after, by the ordinary evaluation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from punie.evaluation.options import EvaluationOptions
from punie.evaluation.outcomes import EvaluationRun
from punie.evaluation.runner import evaluate
from punie.report.compare import compare
from punie.report.pages import write_run_page
from punie.report.summary import summarize
from punie.shipping.proof import Proof, Score

EVALUATIONS = "evaluations"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model to be asked, by the name it has in the table."""

    name: str
    model: Path
    adapter: Path | None = None


def score(
    proof: Proof,
    output: Path,
    candidates: Sequence[Candidate],
    suites: Sequence[str],
    on_stage: Callable[[str], None],
) -> Proof:
    """The proof in `output` with scores: each candidate on the test half, evaluated into `output`/evaluations.

    Raises as evaluate does; the models and their proof stay.
    """
    runs = []
    for candidate in candidates:
        options = EvaluationOptions(
            model=candidate.model,
            label=candidate.name,
            suites=tuple(suites),
            output=output / EVALUATIONS / candidate.name,
            adapter=candidate.adapter,
            use_cache=True,
        )
        runs.append(
            asyncio.run(evaluate(options, on_stage=lambda stage, name=candidate.name: on_stage(f"{name}: {stage}")))
        )
        write_run_page(runs[-1], options.output)
    scored = replace(proof, scores=tuple(_scores(candidates, runs)))
    scored.write(output)
    return scored


def _scores(candidates: Sequence[Candidate], runs: Sequence[EvaluationRun]) -> Iterator[Score]:
    for candidate, run in zip(candidates, runs, strict=True):
        rate = summarize(run).overall
        verdict = None if run is runs[0] else str(compare(runs[0], run).verdict)
        yield Score(candidate.name, rate.right, rate.counted, rate.interval.low, rate.interval.high, verdict)
