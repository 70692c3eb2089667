"""What the choice is worth, measured where nothing was chosen: once more with a fresh seed, and on the test half."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from punie.errors import InterruptedRun, PunieError
from punie.report.compare import Terms, compare, with_teaching
from punie.report.comparison import Comparison
from punie.report.pages import write_comparison_page
from punie.sweep.measuring import Listener, ask_once, score_of, train_once
from punie.sweep.plans import Workshop
from punie.sweep.space import Setting
from punie.sweep.trial import Trial

_GREEDY = Setting(0, {}, {})


@dataclass(frozen=True, slots=True)
class Fresh:
    """The chosen setting measured again as its trials were, by an adapter or by answers that chose nothing.

    `value` is a share right or a validation loss; None where `reason` says why there is none.
    """

    value: float | None
    reason: str = ""


def measure_afresh(workshop: Workshop, trial: Trial, on_news: Listener) -> Fresh:
    """With a seed that no trial had, or by asking again where answers are drawn. Raises InterruptedRun."""
    if workshop.recipe.plan is None and not float(trial.setting.sampling.get("temperature", 0)):
        return Fresh(None, "at temperature 0 nothing is drawn, so asking again would say nothing new")
    try:
        return Fresh(_value_afresh(workshop, trial, on_news))
    except InterruptedRun:
        raise
    except PunieError as error:
        return Fresh(None, str(error))


def _value_afresh(workshop: Workshop, trial: Trial, on_news: Listener) -> float | None:
    adapter = None
    if workshop.recipe.plan is not None:
        plan = workshop.fresh_plan(trial.setting, trial.length)
        outcome, adapter = train_once(plan, "the choice afresh", on_news), Path(plan.adapter_path)
        if workshop.recipe.lower:
            return outcome.valid_loss
    on_news("the choice afresh: asking the dev half")
    return score_of(ask_once(workshop.questions(trial.setting, "dev", workshop.folder.fresh / "dev", adapter))).share


def compare_on_test(workshop: Workshop, trial: Trial, on_news: Listener) -> Comparison | None:
    """The base and the chosen setting on the test half; None where the sweep names no suite.

    The base of a training is what it began with, asked in the same way; that of sampling is the model asked greedily.
    """
    if workshop.recipe.select.suite is None:
        return None
    trained, folder = workshop.recipe.plan is not None, workshop.folder
    adapter = folder.adapter(workshop.adapter_name(trial)) if trained else None
    on_news("the base: asking the test half")
    base_setting = trial.setting if trained else _GREEDY
    base = ask_once(workshop.questions(base_setting, "test", folder.base, workshop.start(trial)))
    on_news("the choice: asking the test half")
    chosen = ask_once(workshop.questions(trial.setting, "test", folder.chosen, adapter))
    comparison = with_teaching(compare(base, chosen, Terms(unlike_sampling=not trained)), base, chosen)
    write_comparison_page(comparison, folder.comparison)
    return comparison
