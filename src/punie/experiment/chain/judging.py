"""Steps that judge: every model is asked alike, and compared with the untrained one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from punie.data.draft import Draft
from punie.evaluation import outcomes
from punie.evaluation.options import EvaluationOptions
from punie.evaluation.runner import evaluate
from punie.evaluation.runs import read_run
from punie.evaluation.suite import load_suite
from punie.experiment.chain import products
from punie.experiment.chain.ledger import Step
from punie.experiment.chain.work import Candidate, Work
from punie.report.compare import Terms, compare_all, with_teaching
from punie.report.pages import write_comparison_pages, write_run_page


def ask(work: Work, candidate: Candidate) -> Candidate:
    """The candidate with its run. Suites count by their cases, wherever they lie."""
    asked = work.recipe.evaluate
    assert asked is not None, "the recipe evaluates"
    inputs = {f"suite {suite.name}": suite.hash for suite in map(load_suite, asked.suites)}
    inputs["model"] = candidate.model.hash
    if candidate.adapter is not None:
        inputs["adapter"] = candidate.adapter.hash
    settings = {**asked.model_dump(mode="json", exclude={"suites"}), "run format": outcomes.FORMAT}
    step = Step(
        f"evaluate {candidate.name}",
        work.folder.evaluation(candidate.name),
        products.RUN,
        settings,
        inputs,
        lambda output: _asked(work, candidate, output, asked.model_dump()),
    )
    return Candidate(candidate.name, candidate.model, candidate.adapter, work.ledger.do(step))


def _asked(work: Work, candidate: Candidate, output: Path, settings: Mapping[str, Any]) -> None:
    options = EvaluationOptions(
        model=candidate.model.folder(),
        label=work.recipe.model if candidate.adapter or candidate.name == "base" else candidate.name,
        output=output,
        adapter=None if candidate.adapter is None else candidate.adapter.folder(),
        use_cache=True,
        **settings,
    )
    run = asyncio.run(evaluate(options, on_trial=work.watcher.trial, on_stage=work.watcher.stage))
    write_run_page(run, output)


def compare_models(work: Work, first: Candidate, others: Sequence[Candidate]) -> Path:
    """The folder of the comparison."""
    asked = work.recipe.compare
    assert asked is not None, "the recipe compares"
    runs = {one.name: one.run for one in (first, *others) if one.run is not None}
    made = work.ledger.do(
        Step(
            "compare",
            work.folder.comparison,
            products.COMPARED,
            {**asked.model_dump(mode="json", exclude={"gate"})},
            {name: run.hash for name, run in runs.items()},
            lambda output: _compared(work, [run.folder() for run in runs.values()], output),
        )
    )
    return made.folder()


def _compared(work: Work, folders: Sequence[Path], output: Path) -> None:
    """What the adapter was taught, the models made of it know too."""
    asked = work.recipe.compare
    assert asked is not None, "the recipe compares"
    before, *runs = map(read_run, folders)
    found = compare_all(before, runs, Terms(asked.max_drop / 100, asked.categories))
    trained = [run for run in runs if run.record.identity.adapter is not None]
    draft = Draft(output)
    try:
        write_comparison_pages([with_teaching(one, *trained) for one in found], draft.folder, output.parent)
        draft.publish()
    finally:
        draft.discard()
