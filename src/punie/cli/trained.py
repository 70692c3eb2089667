"""What `punie train` does with a plan: train it, score it if it says so, and tell what came of it."""

from __future__ import annotations

import shlex
from pathlib import Path

from punie.cli import console
from punie.cli.watching import listeners, page_of_training
from punie.evaluation.checkpoints import CheckpointScorer, checkpoint_scorer
from punie.report.scores import choice
from punie.training.hosts.hostfile import read_hosts
from punie.training.hosts.preflight import Meeting, meet
from punie.training.outcome import TrainingOutcome
from punie.training.plan import TrainingPlan
from punie.training.resolving import resolve_plan
from punie.training.runner import train


def train_and_tell(
    plan: TrainingPlan, *, resume: bool, hosts: Path | None, report_to: list[str], events: bool, as_json: bool
) -> None:
    watch = console.Stopwatch()
    meeting = None if hosts is None else _met(plan, hosts)
    with page_of_training(plan), listeners(plan, events=events, trackers=report_to) as on_metric:
        scorer = None if plan.score_suite is None else _ready_to_score(plan)
        outcome = train(plan, resume=resume, on_metric=on_metric, scorer=scorer, meeting=meeting)
    if events:
        console.print_line_of_json({"event": "outcome", **outcome.model_dump()})
        return
    if as_json:
        console.print_json(outcome.model_dump())
        return
    console.print_facts(_facts(plan, outcome, watch.seconds))
    for sentence in choice(outcome.scores, outcome.selection):
        console.note(sentence)
    suite = "" if plan.score_suite is None else f" --suite {shlex.quote(plan.score_suite)}"
    console.note(f"Next: punie eval --model {plan.model} --adapter {plan.adapter_path}{suite} --output reports/mine")


def _met(plan: TrainingPlan, hosts: Path) -> Meeting:
    found = read_hosts(hosts)
    console.note(f"pre-flight of {found.size} processes ...")
    meeting = meet(resolve_plan(plan), found)
    console.note(str(meeting))
    return meeting


def _ready_to_score(plan: TrainingPlan) -> CheckpointScorer:
    """What it will ask is said before anything is trained; what it will cost, once it was done for the first time."""
    console.note("checking the suite, and that the rows do not teach it ...")
    scorer = checkpoint_scorer(plan)
    if scorer.taught:
        some = ", ".join(list(scorer.taught)[:3])
        console.note(
            f"The rows teach {len(scorer.taught)} cases of {plan.score_suite}, whole or nearly ({some}"
            f"{', ...' if len(scorer.taught) > 3 else ''}): they are not asked here. "
            "`punie dataset decontaminate` takes such rows out."
        )
    times = -(-plan.iters // (plan.score_every or plan.iters))
    console.note(
        f"Scores: {len(scorer.suite.cases)} cases of {scorer.suite.name}, {times} times. They choose; the result comes "
        "from the test half, by punie eval."
    )
    return scorer


def _facts(plan: TrainingPlan, outcome: TrainingOutcome, seconds: float) -> dict[str, object]:
    return {
        "adapter": outcome.adapter_path,
        "iterations": f"{outcome.iterations}{' of ' + str(plan.iters) if outcome.stopped_early else ''}",
        "checkpoint": f"that of iteration {outcome.selection.iteration}: {outcome.selection.reason}",
        "training loss": f"{outcome.train_loss:.4f}",
        "validation loss": _span(outcome.first_valid_loss, outcome.valid_loss),
        "tokens": f"{outcome.tokens:,} seen, {outcome.trained_tokens:,} learned from",
        "time": f"{outcome.seconds:.1f} s in training steps, {seconds:.1f} s in all",
        "peak memory": _memory(outcome.peak_memory, outcome.estimated_memory),
    }


def _memory(peak: int, estimated: int | None) -> str:
    return f"{peak / 1e9:.2f} GB" + ("" if estimated is None else f", estimated {estimated / 1e9:.2f}")


def _span(first: float | None, last: float | None) -> str:
    if last is None:
        return "no validation rows"
    return f"{last:.4f}" if first is None else f"{first:.4f} -> {last:.4f}"
