"""From what a user wrote, in a file or as options, to a plan.

A request may use words that a plan turns into others: `alpha` (scale), `epochs` (iters), `warmup_ratio` (warmup),
`curriculum_phase` (curriculum), and counts of updates (`IN_UPDATES`). What was turned into what is said in notes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from punie.curriculum.curriculum import Curriculum, parse_curriculum
from punie.curriculum.phases import DEFAULT_PRESET, narrowed, only, preset_file, with_epochs
from punie.errors import UsageError
from punie.files import open_input, read_jsonl
from punie.training.optimizer import OPTION_NAMES
from punie.training.plan import TrainingPlan
from punie.training.rows import training_file
from punie.training.settling import IN_UPDATES, settled
from punie.training.spellings import in_our_words

WORDS = (*TrainingPlan.model_fields, "alpha", "warmup_ratio", "curriculum_phase", *IN_UPDATES)

_RIVALS = (
    {"scale", "alpha"},
    {"iters", "epochs", "updates"},
    {"warmup", "warmup_ratio"},
    {"curriculum", "stages"},
    {"curriculum_phase", "stages"},
    *({ours, word} for word, ours in IN_UPDATES.items() if ours != "iters"),
)
"""Ways to say the same thing. A later layer that uses one of them takes back what an earlier one said with another."""

_DEPENDENT = {
    "batch_tokens": {"batch_size"},
    "fine_tune_type": {"rank", "scale", "dropout", "keys"},
    "learning_rate": {"final_learning_rate"},
    "optimizer": set(OPTION_NAMES),
    "stages": {"iters"},
    "schedule": {"final_learning_rate", "decay"},
}
"""Defaults that fit the default of another word, and go where somebody gives that word."""


@dataclass(frozen=True, slots=True)
class Request:
    plan: TrainingPlan
    notes: tuple[str, ...]
    """What was converted, a line each."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Values somebody gave, and where."""

    values: Mapping[str, Any]
    where: str


def requested_plan(*layers: Layer, defaults: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Request:
    """A plan from layers of values, where the later ones win, on top of `defaults` for the values known so far.

    Raises UsageError that names the key.
    """
    wordings = [in_our_words(layer.values, where=layer.where, known=WORDS) for layer in layers]
    asked: dict[str, Any] = {}
    for wording in wordings:
        asked = _over(asked, wording.values)
    where = " and ".join(layer.where for layer in layers if layer.values and layer.where)
    asked, lacking = _with_curriculum(asked, where)
    paced = settled(_on_defaults(defaults(asked), asked), where).values
    final = settled(_on_defaults(defaults({**asked, "iters": paced["iters"]}), asked), where)
    notes = [note for wording in wordings for note in wording.notes]
    return Request(_validated(final.values, where), (*notes, *lacking, *final.notes))


def parse_plan(values: Mapping[str, Any], *, where: str) -> TrainingPlan:
    """A plan from its values by name; `where` says in errors where they came from. Raises UsageError."""
    return requested_plan(Layer(values, where), defaults=lambda _: {}).plan


def load_plan(path: Path) -> TrainingPlan:
    """Read a plan that `to_yaml` wrote. Raises UsageError that names the key."""
    return _validated(read_values(path), str(path))


def _with_curriculum(asked: dict[str, Any], where: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The same request with its curriculum read, and what of a preset its rows lack, a line each."""
    phase = asked.get("curriculum_phase")
    value = asked.get("curriculum", None if phase is None else DEFAULT_PRESET)
    if value is None:
        return asked, ()
    curriculum, notes = read_curriculum(value, where), ()
    taken = {"curriculum_phase"}
    if phase is not None:
        curriculum = only(curriculum, str(phase), value if isinstance(value, str) else where)
        if "epochs" in asked and not curriculum.timed:
            curriculum = with_epochs(curriculum, asked["epochs"], where)
            taken.add("epochs")
    if _is_preset(value):
        rows = [row for _, row in read_jsonl(training_file(str(asked.get("data", ""))))]
        curriculum, notes = narrowed(curriculum, rows)
    rest = {key: given for key, given in asked.items() if key not in taken}
    return {**rest, "curriculum": curriculum}, notes


def read_curriculum(value: Any, where: str) -> Curriculum:
    """From the name of a preset or of a file, or from what a file says; `where` is the place of the value.

    Raises UsageError.
    """
    if isinstance(value, str):
        return parse_curriculum(read_values(preset_file(value) or Path(value)), value)
    if not isinstance(value, Mapping):
        raise UsageError("A curriculum is a file's name, or a block.", where=f"{where}, key curriculum")
    return parse_curriculum(value, f"{where}, key curriculum")


def _is_preset(value: Any) -> bool:
    return isinstance(value, str) and preset_file(value) is not None


def read_values(path: Path) -> dict[str, Any]:
    """The values of a YAML file by name, unchecked: it may hold only part of a plan. Raises UsageError."""
    with open_input(path) as file:
        try:
            values = yaml.load(file, _Loader)
        except yaml.YAMLError as error:
            raise UsageError(f"Not valid YAML: {error}.", where=str(path)) from error
    if not isinstance(values, dict):
        raise UsageError("This file is a list of `key: value` lines.", where=str(path))
    return values


def parse_setting(setting: str) -> dict[str, Any]:
    """One value as KEY=VALUE, the value in YAML. Raises UsageError."""
    key, _, value = setting.partition("=")
    try:
        return {key.strip(): yaml.load(value, _Loader)}
    except yaml.YAMLError as error:
        raise UsageError(f"Not valid YAML: {error}.", where=f"--set {setting}") from error


class _Loader(yaml.SafeLoader):
    """Takes 1e-5 for a number, as mlx-lm does; YAML itself wants 1.0e-5."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _over(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    displaced = {word for rivals in _RIVALS if rivals & set(upper) for word in rivals}
    return {**{key: value for key, value in lower.items() if key not in displaced}, **upper}


def _on_defaults(defaults: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    unfit = {key for word, keys in _DEPENDENT.items() if word in asked for key in keys}
    if (curriculum := asked.get("curriculum")) is not None and curriculum.timed:
        unfit.add("iters")
    return _over({key: value for key, value in defaults.items() if key not in unfit}, asked)


def _validated(values: Mapping[str, Any], where: str) -> TrainingPlan:
    try:
        return TrainingPlan.model_validate(values)
    except ValidationError as error:
        raise _explained(error, where) from error


def _explained(error: ValidationError, where: str) -> UsageError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if not key:
        return UsageError(f"The plan contradicts itself: {message}.", where=where)
    if first["type"] == "missing":
        return UsageError(f"The plan does not say {key}.", where=where, hint=f"Give {key} as an option or in the plan.")
    return UsageError(f"The plan's {key} is not usable: {message}.", where=f"{where}, key {key}")
