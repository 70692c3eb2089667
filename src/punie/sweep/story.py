"""What came of a sweep: the ledger of its trials, the sentences about its choice, and the same as a record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from textwrap import shorten
from typing import Any

import yaml

from punie.report import numbers
from punie.report.comparison import Comparison
from punie.report.training import nats
from punie.sweep.plans import shown_values
from punie.sweep.sweep import SweepResult, value_of
from punie.sweep.trial import Trial, TrialRecord

FORMAT = 1
_LONGEST_REASON = 100


def columns(result: SweepResult) -> list[str]:
    """The names of the ledger's columns."""
    halved = ["rung"] if len(result.course.rungs) > 1 else []
    seeds = ["seed"] if len(result.recipe.seeds) > 1 else []
    measure = "validation loss" if result.recipe.lower else "dev half"
    return ["setting", *halved, *seeds, *result.recipe.varied, measure, "time", "became"]


def ledger(result: SweepResult) -> list[list[str]]:
    """A row for each trial, those among them that failed and those that the budget left."""
    done = [[*_place(result, record), *_figures(result, record)] for record in result.course.records]
    left = [[*_place(result, trial), "–", "–", "not begun: the budget was spent"] for trial in result.course.left]
    return [*done, *left]


def _place(result: SweepResult, trial: TrialRecord | Trial) -> list[str]:
    if isinstance(trial, Trial):
        number, values = trial.setting.number, {**trial.setting.train, **trial.setting.sampling}
    else:
        number, values = trial.setting, {**trial.train, **trial.sampling}
    halved = [str(trial.rung + 1)] if len(result.course.rungs) > 1 else []
    seeds = [str(trial.seed)] if len(result.recipe.seeds) > 1 else []
    return [str(number), *halved, *seeds, *(shown(values[field]) for field in result.recipe.varied)]


def _figures(result: SweepResult, record: TrialRecord) -> list[str]:
    value = value_of(result.recipe, record)
    became = "chosen" if _is_chosen(result, record) else "" if record.done else f"failed: {_first_line(record.reason)}"
    return ["–" if value is None else told(result, value), numbers.duration(record.seconds), became]


def _is_chosen(result: SweepResult, record: TrialRecord) -> bool:
    return (record.setting, record.rung) == (result.choice.setting, result.choice.rung)


def _first_line(text: str) -> str:
    """As much of it as a row of a table can hold; the page has all of it."""
    return shorten(text.partition("\n")[0], _LONGEST_REASON, placeholder=" ...")


def shown(value: Any) -> str:
    """A value of a field, as short as it can be read back."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return f"{value:g}" if isinstance(value, float) else yaml.safe_dump(value, default_flow_style=True).split("\n")[0]


def told(result: SweepResult, value: float) -> str:
    return nats(value) if result.recipe.lower else numbers.percent(value)


def gap(result: SweepResult, difference: float) -> str:
    return f"{difference:.3f} nats" if result.recipe.lower else numbers.distance(difference)


def headline(result: SweepResult) -> str:
    values = {**result.trial.setting.train, **result.trial.setting.sampling}
    varied = {field: shown(values[field]) for field in result.recipe.varied}
    return f"Setting {result.choice.setting} is the best of {result.choice.candidates}: {shown_values(varied)}."


def sentences(result: SweepResult) -> list[str]:
    """What is chosen, and what speaks for it and against it."""
    return [headline(result), *_lead(result), _afresh(result), *_tested(result)]


def _lead(result: SweepResult) -> Iterator[str]:
    choice = result.choice
    where = "by validation loss" if result.recipe.lower else "on the dev half"
    repeats = len(choice.standings[0].values)
    mean = f" (mean of {repeats} seeds)" if repeats > 1 else ""
    yield (
        f"It has {told(result, choice.mean)} {where}{mean}, and leads the mean of the {len(choice.standings)} that "
        f"competed in the end by {gap(result, choice.lead)}."
    )
    if choice.gain is None:
        yield "How much of that is luck is not known: with several seeds it would be."
        return
    verdict = "It is no more than that." if choice.lead <= choice.gain else "It is more than that."
    yield (
        f"The best of {choice.candidates} settings that are all alike would lead by up to {gap(result, choice.gain)} "
        f"by chance. {verdict}"
    )


def _afresh(result: SweepResult) -> str:
    if result.fresh.value is None:
        return f"It was not measured afresh: {_first_line(result.fresh.reason)}."
    drawn = f"trained with seed {result.recipe.fresh_seed}" if result.recipe.plan is not None else "asked once more"
    change = result.fresh.value - result.choice.mean
    lost = change if result.recipe.lower else -change
    what = "as much" if not lost else f"{gap(result, abs(lost))} {'less well' if lost > 0 else 'better'}"
    return f"Measured afresh ({drawn}) it has {told(result, result.fresh.value)}: {what}."


def _tested(result: SweepResult) -> Iterator[str]:
    if result.test is None:
        yield "Nothing was asked that did not choose: name a suite under select, and its test half will be."
        return
    overall = result.test.overall
    yield (
        f"On the test half, which chose nothing, it has {numbers.percent(overall.after.share)} and the base "
        f"{numbers.percent(overall.before.share)}. {result.test.headline}"
    )
    if not result.recipe.lower:
        yield (
            f"Dev half {told(result, result.choice.mean)}, test half {numbers.percent(overall.after.share)}: only the "
            "second is a result."
        )


def to_record(result: SweepResult) -> dict[str, Any]:
    """`sweep.json`: every number of the page, unrounded."""
    return {
        "format": FORMAT,
        "name": result.recipe.name,
        "statement": sentences(result),
        "setting": asdict(result.trial.setting),
        "choice": asdict(result.choice),
        "fresh": asdict(result.fresh),
        "test": result.test and _test_record(result.test),
        "fields": list(result.fields),
        "rungs": [asdict(rung) for rung in result.course.rungs],
        "trials": [record.model_dump(mode="json") for record in result.course.records],
        "left": [trial.name for trial in result.course.left],
    }


def _test_record(test: Comparison) -> dict[str, Any]:
    """The comparison's own page has the rest."""
    before, after = test.overall.before, test.overall.after
    return {
        "verdict": test.verdict.value,
        "headline": test.headline,
        "base": {"right": before.right, "counted": before.counted},
        "chosen": {"right": after.right, "counted": after.counted},
    }
