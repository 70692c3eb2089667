"""From a setting to a plan and to questions, each checked by its own model before anything is started."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from punie import fingerprint
from punie.errors import UsageError
from punie.evaluation.options import EvaluationOptions
from punie.evaluation.suite import Half, Suite, load_suite
from punie.files import hash_files, hash_value
from punie.sweep.folder import SweepFolder
from punie.sweep.recipe import SweepRecipe
from punie.sweep.space import Setting
from punie.sweep.trial import Trial
from punie.training.echo import SETTLED_BEFORE
from punie.training.plan import TrainingPlan
from punie.training.presets import model_preset
from punie.training.request import Layer, requested_plan
from punie.training.resolving import resolve_plan
from punie.training.rows import training_file
from punie.workspace import EMBEDDED_MODEL, resolve_adapter, resolve_model

_OF_A_LOSS = ("model", "data", "mask", "max_seq_length", "overlong", "packing", "val_batches")
"""Fields under which validation losses are of other tokens."""
_OF_ITS_ROWS = ("batch_size", "batch_tokens")
_UNLIKE = {"adapter_path", "seed", *SETTLED_BEFORE}


@dataclass(frozen=True, slots=True)
class Workshop:
    """Makes plans and questions for the trials of one sweep, in its folder. `settings` are all of them."""

    recipe: SweepRecipe
    folder: SweepFolder
    settings: tuple[Setting, ...]

    def plan(self, trial: Trial) -> TrainingPlan | None:
        """None where nothing is trained. Raises UsageError where the setting makes no plan."""
        if self.recipe.plan is None:
            return None
        path = self.folder.adapter(self.adapter_name(trial))
        return self._plan(trial.setting, trial.length, {"seed": trial.seed, "adapter_path": str(path)})

    def fresh_plan(self, setting: Setting, length: float | None) -> TrainingPlan:
        """The setting once more, with a seed that no trial had."""
        path = str(self.folder.fresh / "adapter")
        return self._plan(setting, length, {"seed": self.recipe.fresh_seed, "adapter_path": path})

    def best_words(self, setting: Setting, length: float | None) -> dict[str, Any]:
        """The chosen setting as a user writes it; the plan of its trials, but for seed and folder, follows from it."""
        words = {**(self.recipe.plan or {}), **setting.train, **self._length(length)}
        return {**words, "seed": self.recipe.seeds[0], "adapter_path": f"adapters/{self.recipe.name}"}

    def adapter_name(self, trial: Trial) -> str:
        """That of the first setting with the same training."""
        first = next(one.number for one in self.settings if one.train == trial.setting.train)
        return f"{first:03}-rung{trial.rung}-seed{trial.seed}"

    def start(self, trial: Trial) -> Path | None:
        """The adapter a training began with, where it began with one."""
        plan = self.plan(trial)
        return resolve_adapter(plan.resume_from) if plan is not None and plan.resume_from else None

    def questions(self, setting: Setting, half: Half, output: Path, adapter: Path | None) -> EvaluationOptions:
        """For an adapter that was trained here, or the one that the sweep names. Raises UsageError."""
        assert self.recipe.select.suite is not None, "whoever asks has a suite"
        sampled = float(setting.sampling.get("temperature", 0)) > 0
        label = str(self.model_of(setting))
        return EvaluationOptions(
            model=resolve_model(label),
            label=label,
            suites=(self.recipe.select.suite,),
            output=output,
            adapter=adapter or (resolve_adapter(self.recipe.adapter) if self.recipe.adapter else None),
            half=half,
            samples=self.recipe.select.samples if sampled else 1,
            **setting.sampling,
        )

    def model_of(self, setting: Setting) -> str:
        """As the sweep names it."""
        return str(self.recipe.model) if self.recipe.plan is None else self._last_plan(setting).model

    def inputs(self) -> dict[str, str]:
        """What every trial is made from, by content."""
        found = {f"model {name}": fingerprint.model(resolve_model(name)) for name in map(self.model_of, self.settings)}
        if self.recipe.plan is not None:
            found |= {f"data {data}": _hash_rows(data) for data in {self._last_plan(one).data for one in self.settings}}
        if self.recipe.select.suite is not None:
            found[f"suite {self.recipe.select.suite}"] = load_suite(self.recipe.select.suite).hash
        return found

    def check(self) -> tuple[str, ...]:
        """The fields of the plan that change from setting to setting, when every plan and question was found right.

        Raises UsageError that names the setting.
        """
        if self.recipe.select.suite is not None:
            self._check_questions(load_suite(self.recipe.select.suite))
        if self.recipe.plan is None:
            return ()
        plans = [[self._checked(setting, length) for length in self._lengths] for setting in self.settings]
        longest = [row[-1] for row in plans]
        self._require_every_field_matters(longest)
        changed = _changed(longest)
        if self.recipe.lower:
            _require_like_losses(changed, longest)
        return changed

    def _check_questions(self, suite: Suite) -> None:
        halves: tuple[Half, ...] = ("test",) if self.recipe.lower else ("dev", "test")
        for half in halves:
            suite.of_half(half)
        for setting in self.settings:
            try:
                self.questions(setting, "test", self.folder.chosen, None)
            except UsageError as error:
                where = f"setting {setting.number}: {shown_values(setting.sampling)}"
                raise UsageError(error.what, where=where, hint=error.hint) from error

    def _checked(self, setting: Setting, length: float | None) -> TrainingPlan:
        """The plan of a setting, found to be one that can be trained here."""
        try:
            return resolve_plan(self._plan(setting, length, {"adapter_path": str(self.folder.root)}))
        except UsageError as error:
            where = f"setting {setting.number}: {shown_values(setting.train)}; {error.where}"
            raise UsageError(error.what, where=where, hint=error.hint) from error

    def _plan(self, setting: Setting, length: float | None, own: Mapping[str, Any]) -> TrainingPlan:
        layers = (
            Layer({"model": EMBEDDED_MODEL}, ""),
            Layer(self.recipe.plan or {}, "key plan"),
            Layer(setting.train, f"setting {setting.number}"),
            Layer(self._length(length), "key halving"),
            Layer(own, ""),
        )
        return requested_plan(*layers, defaults=model_preset).plan

    @property
    def _lengths(self) -> list[float | None]:
        """Of the rungs."""
        return [rung.length for rung in self.recipe.rungs(len(self.settings))]

    def _last_plan(self, setting: Setting) -> TrainingPlan:
        return self._plan(setting, self._lengths[-1], {"adapter_path": str(self.folder.root)})

    def _length(self, length: float | None) -> dict[str, Any]:
        return {} if self.recipe.halving is None else {self.recipe.halving.field: length}

    def _require_every_field_matters(self, plans: Sequence[TrainingPlan]) -> None:
        """Two settings that come to one plan would be one setting measured twice, and a field that does nothing."""
        known: dict[str, Setting] = {}
        for setting, plan in zip(self.settings, plans, strict=True):
            same = known.setdefault(hash_value(plan.model_dump(exclude=_UNLIKE)), setting)
            if same.train != setting.train:
                raise UsageError(
                    f"Settings {same.number} and {setting.number} come to the same plan.",
                    where=f"{shown_values(same.train)}; {shown_values(setting.train)}",
                    hint="Take out a field, or a value, that does nothing beside the others.",
                )


def _hash_rows(data: str) -> str:
    """Of what is learned from and validated on."""
    train = training_file(data)
    return hash_files(file for file in (train, train.with_name("valid.jsonl")) if file.is_file())


def shown_values(values: Mapping[str, Any]) -> str:
    """Fields with their values, for a sentence."""
    return ", ".join(f"{field} {value}" for field, value in values.items()) or "nothing of its own"


def _changed(plans: Iterable[TrainingPlan]) -> tuple[str, ...]:
    """The fields in which these plans are not all alike."""
    first, *others = [plan.model_dump(exclude=_UNLIKE) for plan in plans]
    return tuple(field for field, value in first.items() if any(other[field] != value for other in others))


def _require_like_losses(changed: Sequence[str], plans: Sequence[TrainingPlan]) -> None:
    unlike = [field for field in changed if field in _OF_A_LOSS]
    if any(plan.val_batches != -1 for plan in plans):
        unlike += [field for field in changed if field in _OF_ITS_ROWS]
    if unlike:
        hint = "Choose by a score, or, for the size of batches, set val_batches to -1 in the plan."
        what = f"Validation losses of different {unlike[0]} are not of the same tokens, so they cannot choose."
        raise UsageError(what, where="key select", hint=hint)
