"""Working out what a plan cannot hold as it was asked: alpha, epochs, updates, shares of the run, lengths of stages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from punie.curriculum.rows import parse_where, select_rows
from punie.errors import UsageError
from punie.files import read_jsonl
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
    settling.stages()
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
            self._put("iters", whole, f"{stage}epochs {epochs:g} of {rows} rows in batches of {size}")
        self.values["iters"] = self._count("iters")

    def _rows(self) -> int:
        file, where = training_file(str(self.values.get("data", ""))), self.values.get("where")
        if where is None:
            return count_rows(file)
        rows = [row for _, row in read_jsonl(file)]
        return len(select_rows(where, rows, f"Stage {self.values.get('name')}", str(file)))

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


def _default(key: str) -> Any:
    field = TrainingPlan.model_fields.get(key)
    return None if field is None else field.default
