"""From what a user wrote, in a file or as options, to a plan.

A request may use words that a plan turns into others: `alpha` (scale), `epochs` and `updates` (iters), `warmup_ratio`
(warmup). What was turned into what is said in notes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from punie.errors import UsageError
from punie.files import open_input, read_jsonl
from punie.training.optimizer import OPTION_NAMES
from punie.training.plan import TrainingPlan
from punie.training.rows import count_rows, training_file
from punie.training.spellings import Wording, in_our_words, shown
from punie.training.stage import Stage, select_rows

WORDS = (*TrainingPlan.model_fields, "alpha", "updates", "warmup_ratio")

_RIVALS = ({"scale", "alpha"}, {"iters", "epochs", "updates"}, {"warmup", "warmup_ratio"})
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

_COMMON = {"data", "batch_size", "grad_accumulation_steps"}
"""Values of the run on which the length of a stage depends."""


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
    paced = _settled(_on_defaults(defaults(asked), asked), where).values
    settled = _settled(_on_defaults(defaults({**asked, "iters": paced["iters"]}), asked), where)
    notes = [note for wording in wordings for note in wording.notes]
    return Request(_validated(settled.values, where), (*notes, *settled.notes))


def parse_plan(values: Mapping[str, Any], *, where: str) -> TrainingPlan:
    """A plan from its values by name; `where` says in errors where they came from. Raises UsageError."""
    return requested_plan(Layer(values, where), defaults=lambda _: {}).plan


def load_plan(path: Path) -> TrainingPlan:
    """Read a plan that `to_yaml` wrote. Raises UsageError that names the key."""
    return _validated(read_values(path), str(path))


def read_values(path: Path) -> dict[str, Any]:
    """The values of a YAML file by name, unchecked: it may hold only part of a plan. Raises UsageError."""
    with open_input(path) as file:
        try:
            values = yaml.load(file, _Loader)
        except yaml.YAMLError as error:
            raise UsageError(f"Not valid YAML: {error}.", where=str(path)) from error
    if not isinstance(values, dict):
        raise UsageError("A plan is a list of `key: value` lines.", where=str(path))
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
    return _over({key: value for key, value in defaults.items() if key not in unfit}, asked)


def _settled(values: Mapping[str, Any], where: str) -> Wording:
    """The same request in the words of a plan alone, `iters` among them."""
    settling = _Settling(dict(values), where, [])
    settling.scale()
    settling.stages()
    settling.iters()
    settling.warmup()
    return Wording(settling.values, tuple(settling.notes))


@dataclass(frozen=True, slots=True)
class _Settling:
    """Turns the words that are not a plan's into those that are, one after the other."""

    values: dict[str, Any]
    where: str
    notes: list[str]

    def scale(self) -> None:
        if "alpha" in self.values:
            alpha, rank = self._number("alpha"), self._number("rank")
            self._put("scale", alpha / rank, f"alpha {alpha:g} with rank {rank:g}")
            del self.values["alpha"]

    def stages(self) -> None:
        if stages := self.values.get("stages"):
            self.values["stages"] = [self._stage(stage) for stage in stages]
            whole = sum(stage["iters"] for stage in self.values["stages"])
            self._put("iters", whole, f"{len(stages)} stages")

    def _stage(self, stage: Any) -> dict[str, Any]:
        """With its `iters`, whether they were given or follow from epochs."""
        where = f"{self.where}, key stages"
        if not isinstance(stage, Mapping):
            raise UsageError("A stage is a block of `key: value` lines.", where=where)
        values = in_our_words(stage, where=where, known=Stage.model_fields).values
        if not values.keys() & {"iters", "epochs", "updates"}:
            raise UsageError(f"Stage {values.get('name')} says neither iters nor epochs.", where=where)
        if isinstance(fields := values.get("where"), Mapping):
            values["where"] = {field: _listed(labels) for field, labels in fields.items()}
        common = {key: self.values[key] for key in _COMMON & self.values.keys()}
        settling = _Settling({**common, **values}, where, self.notes)
        settling.iters()
        return {key: value for key, value in settling.values.items() if key in Stage.model_fields}

    def iters(self) -> None:
        batches = int(self._number("grad_accumulation_steps"))
        if "updates" in self.values:
            updates = int(self._number("updates"))
            del self.values["updates"]
            self._put("iters", updates * batches, f"{updates} updates of {batches} batches")
        elif "epochs" in self.values:
            epochs, size = self._number("epochs"), int(self._number("batch_size"))
            rows = self._rows()
            whole = batches * math.ceil(round(epochs * rows / size / batches, 9))
            stage = f"stage {self.values['name']}: " if "name" in self.values else ""
            self._put("iters", whole, f"{stage}epochs {epochs:g} of {rows} rows in batches of {size}")
        else:
            self.values.setdefault("iters", _default("iters"))

    def _rows(self) -> int:
        file, where = training_file(str(self.values.get("data", ""))), self.values.get("where")
        if where is None:
            return count_rows(file)
        return len(select_rows(where, [row for _, row in read_jsonl(file)], self.values["name"], str(file)))

    def warmup(self) -> None:
        if "warmup_ratio" in self.values:
            share = self._number("warmup_ratio")
            updates = int(self._number("iters")) // int(self._number("grad_accumulation_steps"))
            self._put("warmup", math.ceil(round(share * updates, 9)), f"warmup_ratio {share:g} of {updates} updates")
            del self.values["warmup_ratio"]

    def _put(self, key: str, value: float, why: str) -> None:
        given = self.values.get(key)
        if given is not None and given != value:
            raise UsageError(f"{why} means {key} {shown(value)}, and {key} is {given}.", where=self.where)
        self.values[key] = value
        self.notes.append(f"{why}: {key} {shown(value)}")

    def _number(self, key: str) -> float:
        value = self.values.get(key, _default(key))
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise UsageError(f"The plan's {key} is not a number above 0: {value!r}.", where=f"{self.where}, key {key}")
        return value


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _default(key: str) -> Any:
    field = TrainingPlan.model_fields.get(key)
    return None if field is None else field.default


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
