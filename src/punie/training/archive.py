"""What a run keeps on disk while it trains: checkpoints, stages, its state. Runs in the training child."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from punie.files import copy_file, make_folder, write_json
from punie.training.adapter import AdapterFolder
from punie.training.checkpoint import save_state, save_weights
from punie.training.plan import TrainingPlan
from punie.training.progress import Progress
from punie.training.selection import Selection, Selector
from punie.training.student import Learner, adapter_config


@dataclass(frozen=True, slots=True)
class Archive:
    """The weights of `learner`, as they are when a method is called, under the names they wait by."""

    folder: AdapterFolder
    plan: TrainingPlan
    learner: Learner
    selector: Selector

    def open(self) -> None:
        make_folder(self.folder.unfinished)

    def save_state(self, progress: Progress) -> None:
        save_state(self.folder.state, self.learner.model, self.learner.optimizer, progress)

    def save_checkpoint(self, iteration: int) -> None:
        save_weights(self.folder.checkpoint(iteration), self.learner.model)

    def save_stage(self, name: str) -> None:
        self._save_whole(self.folder.stage(name))

    def lay_ready(self) -> None:
        """The adapter as it is now, to be scored; an answer about an earlier one goes."""
        self.folder.answer.unlink(missing_ok=True)
        self._save_whole(self.folder.candidate)

    def save_adapter(self, selection: Selection, last: int) -> None:
        """That of iteration `last` is in the model; any other is a checkpoint."""
        unfinished, adapter = self.folder.unfinished, self.folder.unfinished / self.folder.weights.name
        write_json(unfinished / self.folder.config.name, adapter_config(self.plan, self.learner.model))
        if selection.iteration == last:
            save_weights(adapter, self.learner.model)
        else:
            copy_file(self.folder.checkpoint(selection.iteration), adapter)

    def drop_old_checkpoints(self, progress: Progress) -> None:
        """Only after the state was saved: a resumed run needs the best checkpoint that its state knows of."""
        best = self.selector.best(progress)
        self.folder.drop_checkpoints(self.selector.superfluous(self.folder.checkpoints(), protected=best))

    def _save_whole(self, place: Path) -> None:
        folder = make_folder(place)
        write_json(folder / self.folder.config.name, adapter_config(self.plan, self.learner.model))
        save_weights(folder / self.folder.weights.name, self.learner.model)
