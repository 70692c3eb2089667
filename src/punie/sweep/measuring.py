"""Measuring one trial: train what it says, ask what it answers, and write down what came, or why nothing did."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from punie import moments
from punie.errors import InterruptedRun, PunieError
from punie.evaluation.checkpoints import checkpoint_scorer
from punie.evaluation.options import EvaluationOptions
from punie.evaluation.outcomes import EvaluationRun
from punie.evaluation.runner import evaluate
from punie.evaluation.runs import read_run
from punie.files import write_json
from punie.report.pages import write_run_page, write_training_page
from punie.report.rates import rate
from punie.sweep.plans import Workshop
from punie.sweep.space import varied
from punie.sweep.trial import RECORD, Arrived, ScoreRecord, Trial, TrialRecord, read_trial
from punie.training.adapter import AdapterFolder
from punie.training.echo import arrivals
from punie.training.metrics import Echo, Metric, read_metrics
from punie.training.outcome import TrainingOutcome
from punie.training.plan import TrainingPlan
from punie.training.runner import train


class Listener(Protocol):
    """Hears what is done; of a training, also what its child says, and how many iterations it has."""

    def __call__(self, what: str, metric: Metric | None = None, iters: int = 0) -> None: ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a trial came to so far."""

    stage: Literal["training", "asking", ""] = ""
    valid_loss: float | None = None
    score: ScoreRecord | None = None
    arrived: tuple[Arrived, ...] = ()


@dataclass(frozen=True, slots=True)
class Bench:
    """Measures trials. `fields` are those of the plan that change from setting to setting: each must come back."""

    workshop: Workshop
    fields: Sequence[str]
    on_news: Listener

    def measure(self, trial: Trial, earlier: Sequence[TrialRecord]) -> TrialRecord:
        """The trial's record, made now unless it is there. `earlier` trials may have failed in the same training.

        Raises InterruptedRun; what went wrong otherwise stands in the record.
        """
        folder = self.workshop.folder.trial(trial.name)
        if (known := read_trial(folder)) is not None:
            return known
        record = self._record(trial, earlier)
        write_json(folder / RECORD, record.model_dump(mode="json"))
        return record

    def _record(self, trial: Trial, earlier: Sequence[TrialRecord]) -> TrialRecord:
        began, found = time.monotonic(), Found(stage="training")
        failure = _shared_failure(self._adapter(trial), earlier)
        try:
            if not failure:
                found = self._trained(trial)
                found = self._asked(trial, replace(found, stage="asking"))
        except InterruptedRun:
            raise
        except PunieError as error:
            failure = str(error)
            self.on_news(f"{trial.name}: failed: {error.what}")
        return self._ended(trial, found, failure, time.monotonic() - began)

    def _ended(self, trial: Trial, found: Found, failure: str, seconds: float) -> TrialRecord:
        return TrialRecord(
            name=trial.name,
            setting=trial.setting.number,
            rung=trial.rung,
            seed=trial.seed,
            length=trial.length,
            train=trial.setting.train,
            sampling=trial.setting.sampling,
            status="failed" if failure else "done",
            stage=found.stage if failure else "",
            reason=failure,
            adapter=self._adapter(trial),
            valid_loss=found.valid_loss,
            score=found.score,
            arrived=found.arrived,
            seconds=seconds,
            finished=moments.now(),
        )

    def _adapter(self, trial: Trial) -> str | None:
        return None if self.workshop.recipe.plan is None else self.workshop.adapter_name(trial)

    def _trained(self, trial: Trial) -> Found:
        plan = self.workshop.plan(trial)
        if plan is None:
            return Found()
        outcome = train_once(plan, trial.name, self.on_news)
        return Found(valid_loss=outcome.valid_loss, arrived=tuple(read_back(plan, self.fields)))

    def _asked(self, trial: Trial, found: Found) -> Found:
        if self.workshop.recipe.lower:
            if found.valid_loss is None:
                raise PunieError("There is no validation loss to choose by.", hint="The data need a valid.jsonl.")
            return found
        output = self.workshop.folder.trial(trial.name) / "dev"
        name = self._adapter(trial)
        adapter = None if name is None else self.workshop.folder.adapter(name)
        self.on_news(f"{trial.name}: asking the dev half")
        run = ask_once(self.workshop.questions(trial.setting, "dev", output, adapter))
        noted = as_noted(run, {name: trial.setting.sampling[name] for name in varied(self.workshop.recipe.sampling)})
        return replace(found, score=score_of(run), arrived=(*found.arrived, *noted))


def train_once(plan: TrainingPlan, what: str, on_news: Listener) -> TrainingOutcome:
    """Train what is not trained yet, from where it was interrupted. Raises what training raises."""
    folder = AdapterFolder.of(plan)
    on_news(f"{what}: training")
    scorer = None if plan.score_suite is None or folder.outcome.is_file() else checkpoint_scorer(plan)

    def hear(metric: Metric) -> None:
        on_news(what, metric, plan.iters)

    outcome = train(plan, resume=folder.plan.is_file(), on_metric=hear, scorer=scorer)
    write_training_page(folder.root)
    return outcome


def ask_once(options: EvaluationOptions) -> EvaluationRun:
    """Ask what was not asked yet. Raises what an evaluation raises."""
    if options.output.is_dir():
        return read_run(options.output)
    run = asyncio.run(evaluate(options))
    write_run_page(run, options.output)
    return run


def score_of(run: EvaluationRun) -> ScoreRecord:
    """Raises PunieError where no answer could be judged."""
    found = rate(run.trials)
    if not found.counted:
        raise PunieError("No answer could be judged.", where=run.record.name)
    effective = float(found.counted if found.effective is None else found.effective)
    return ScoreRecord(
        right=found.right,
        counted=found.counted,
        share=found.share,
        low=found.interval.low,
        high=found.interval.high,
        effective=effective,
    )


def as_noted(run: EvaluationRun, asked: Mapping[str, Any]) -> Iterator[Arrived]:
    """How the server noted that it drew the answers; an evaluation has refused what is not as it was asked."""
    for drawn in run.record.drawn:
        for field, value in asked.items():
            yield Arrived(field=field, asked=value, found=getattr(drawn, field))


def read_back(plan: TrainingPlan, fields: Sequence[str]) -> list[Arrived]:
    """What the training child read back of these fields; `train` has refused whatever is not as the plan says."""
    echoes = [metric for metric in read_metrics(AdapterFolder.of(plan).metrics) if isinstance(metric, Echo)]
    back = {arrival.field: arrival for arrival in arrivals(plan, echoes[-1])}
    return [_arrived(back[field].expected, back[field].found, field) for field in fields if field in back]


def _arrived(asked: Any, found: Any, field: str) -> Arrived:
    return Arrived(field=field, asked=asked, found=found)


def _shared_failure(adapter: str | None, earlier: Sequence[TrialRecord]) -> str:
    """Why a training that this trial shares with an earlier one has failed; empty where it has not."""
    failed = (one for one in earlier if adapter is not None and one.adapter == adapter and one.stage == "training")
    return next((one.reason for one in failed), "")
