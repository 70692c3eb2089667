"""From a setting to a plan and to questions, each checked by its own model before anything is started."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from punie.errors import UsageError
from punie.evaluation.options import EvaluationOptions
from punie.evaluation.suite import Half, load_suite
from punie.files import hash_value
from punie.sweep.folder import SweepFolder
from punie.sweep.recipe import SweepRecipe
from punie.sweep.space import Setting
from punie.sweep.trial import Trial
from punie.training.echo import SETTLED_BEFORE
from punie.training.plan import TrainingPlan
from punie.training.presets import model_preset
from punie.training.request import Layer, requested_plan
from punie.training.resolving import resolve_plan
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
        words = {**(self.recipe.plan or {"model": self.recipe.model}), **setting.train}
        return str(words.get("model") or EMBEDDED_MODEL)

    def check(self) -> tuple[str, ...]:
        """The fields of the plan that change from setting to setting, when every plan and question was found right.

        Raises UsageError that names the setting.
        """
        if self.recipe.select.suite is not None:
            suite = load_suite(self.recipe.select.suite)
            halves: tuple[Half, ...] = ("test",) if self.recipe.lower else ("dev", "test")
            for half in halves:
                suite.of_half(half)
        for setting in self.settings:
            self._check_questions(setting)
        if self.recipe.plan is None:
            return ()
        lengths = [rung.length for rung in self.recipe.rungs(len(self.settings))]
        plans = [[self._checked(setting, length) for length in lengths] for setting in self.settings]
        changed = _changed([row[-1] for row in plans])
        self._require_every_field_matters([row[-1] for row in plans])
        if self.recipe.lower:
            _require_like_losses(changed, [row[-1] for row in plans])
        return changed

    def _check_questions(self, setting: Setting) -> None:
        if self.recipe.select.suite is None:
            return
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
