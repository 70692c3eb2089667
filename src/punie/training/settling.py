"""Working out what a plan cannot hold as it was asked: alpha, epochs, updates, shares of the run, lengths of stages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from punie.curriculum.curriculum import Control, Curriculum
from punie.curriculum.mix import Mix, find_mix
from punie.curriculum.rows import parse_where, select_rows
from punie.errors import UsageError
from punie.files import read_jsonl
from punie.training.lessons import Terms, stages_of
from punie.training.plan import TrainingPlan
from punie.training.rows import count_rows, training_file
from punie.training.spellings import Wording, in_our_words, shown
from punie.training.stage import Stage

_COMMON = {"data", "batch_size", "grad_accumulation_steps"}
"""Values of the run on which the length of a stage depends."""


IN_UPDATES = {
    "updates": "iters",
    "report_updates": "steps_per_report",
    "eval_updates": "steps_per_eval",
    "save_updates": "save_every",
}
"""Counts of optimizer updates, as Hugging Face gives them, and the plan's counts of batches."""


def settled(values: Mapping[str, Any], where: str) -> Wording:
    """The same request in the words of a plan alone, `iters` among them, and what was worked out on the way.

    Raises UsageError for a number that is none, and for two ways to say the same that differ; DataError where rows
    have to be counted and there are none.
    """
    settling = _Settling(dict(values), where, [])
    settling.scale()
    settling.curriculum()
    settling.stages()
    if (asked := settling.values.get("curriculum")) is None or asked.timed:
        settling.iters()
    settling.warmup()
    settling.rhythm()
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

    def curriculum(self) -> None:
        """Into stages; where there are some already this is a whole plan, and they must be the same."""
        asked: Curriculum | None = self.values.get("curriculum")
        if asked is None:
            return
        if not asked.timed:
            self.iters()
        stages = stages_of(asked, self._terms())
        spread = isinstance(asked.schedule, Control)
        self._agree("stages", "stages" not in self.values or _same_stages(self.values["stages"], stages))
        self._agree("spread", self.values.get("spread", spread) == spread)
        self.values.update(stages=[stage.model_dump() for stage in stages], spread=spread)
        lengths = ", ".join(f"{stage.name} {stage.iters}" for stage in stages)
        self.notes.append(f"curriculum {asked.schedule.kind}: stages {lengths}")

    def _terms(self) -> Terms:
        return Terms(
            iters=self._count("iters"),
            batches_per_update=self._count("grad_accumulation_steps"),
            batch_size=None if self.values.get("batch_tokens") else self._count("batch_size"),
            data=training_file(str(self.values.get("data", ""))),
        )

    def _agree(self, key: str, same: bool) -> None:
        if not same:
            raise UsageError(
                f"What {key} says is not what the curriculum beside it says.",
                where=f"{self.where}, key {key}",
                hint=f"Leave {key} or the curriculum out.",
            )

    def stages(self) -> None:
        if stages := self.values.get("stages"):
            if not isinstance(stages, list | tuple):
                raise UsageError("Stages are a list of blocks.", where=f"{self.where}, key stages")
            self.values["stages"] = [self._stage(stage) for stage in stages]
            whole = sum(stage["iters"] for stage in self.values["stages"])
            self._put("iters", whole, f"the sum of {len(stages)} stages")

    def _stage(self, stage: Any) -> dict[str, Any]:
        """With its `iters`, whether they were given or follow from epochs."""
        where = f"{self.where}, key stages"
        if not isinstance(stage, Mapping):
            raise UsageError("A stage is a block of `key: value` lines.", where=where)
        values = in_our_words(stage, where=where, known=Stage.model_fields).values
        if not values.keys() & {"iters", "epochs", "updates"}:
            raise UsageError(f"Stage {values.get('name')} says neither iters nor epochs.", where=where)
        if (fields := values.get("where")) is not None:
            values["where"] = parse_where(fields, f"{where}, key where")
        common = {key: self.values[key] for key in _COMMON & self.values.keys()}
        settling = _Settling({**common, **values}, where, self.notes)
        settling.iters()
        return {key: value for key, value in settling.values.items() if key in Stage.model_fields}

    def iters(self) -> None:
        batches = self._count("grad_accumulation_steps")
        self._in_batches("updates")
        if "epochs" in self.values:
            epochs, size = self._number("epochs"), self._count("batch_size")
            rows = self._rows()
            whole = batches * math.ceil(round(epochs * rows / size / batches, 9))
            stage = f"stage {self.values['name']}: " if "name" in self.values else ""
            self._put("iters", whole, f"{stage}epochs {epochs:g} of {rows:g} rows in batches of {size}")
        self.values["iters"] = self._count("iters")

    def _rows(self) -> float:
        """Of one epoch."""
        file = training_file(str(self.values.get("data", "")))
        where, mix = self.values.get("where"), self.values.get("mix")
        rows = [row for _, row in read_jsonl(file)] if where or mix else []
        if mix is not None:
            return find_mix(Mix.model_validate(mix), rows, str(file)).pass_size
        if where is not None:
            return len(select_rows(where, rows, f"Stage {self.values.get('name')}", str(file)))
        return count_rows(file)

    def warmup(self) -> None:
        if "warmup_ratio" in self.values:
            share = 0 if self.values["warmup_ratio"] == 0 else self._number("warmup_ratio")
            updates = self._count("iters") // self._count("grad_accumulation_steps")
            self._put("warmup", math.ceil(round(share * updates, 9)), f"warmup_ratio {share:g} of {updates} updates")
            del self.values["warmup_ratio"]

    def rhythm(self) -> None:
        for word in IN_UPDATES:
            self._in_batches(word)

    def _in_batches(self, word: str) -> None:
        if word in self.values:
            updates, batches = self._count(word), self._count("grad_accumulation_steps")
            del self.values[word]
            self._put(IN_UPDATES[word], updates * batches, f"{updates} updates of {batches} batches")

    def _put(self, key: str, value: float, why: str) -> None:
        given = self.values.get(key)
        if given is not None and given != value:
            raise UsageError(f"{why} makes {key} {shown(value)}, but {key} is {given}.", where=self.where)
        self.values[key] = value
        self.notes.append(f"{why}: {key} {shown(value)}")

    def _number(self, key: str) -> float:
        value = self.values.get(key, _default(key))
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise UsageError(f"The plan's {key} is not a number above 0: {value!r}.", where=f"{self.where}, key {key}")
        return value

    def _count(self, key: str) -> int:
        if (number := self._number(key)) != int(number):
            raise UsageError(f"The plan's {key} is not a whole number: {number}.", where=f"{self.where}, key {key}")
        return int(number)


def _same_stages(given: Any, stages: Sequence[Stage]) -> bool:
    try:
        return [Stage.model_validate(stage) for stage in given] == [*stages]
    except (ValidationError, TypeError):
        return False


def _default(key: str) -> Any:
    field = TrainingPlan.model_fields.get(key)
    return None if field is None else field.default
