"""The recipe of a chain: the template runs as it is, and what cannot be carried out is refused by its key."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from punie.data.progress import Step
from punie.errors import CapacityError, InterruptedRun, UsageError
from punie.experiment.chain.folder import ChainFolder
from punie.experiment.chain.recipe import ChainExperiment
from punie.experiment.chain.run import run
from punie.experiment.chain.template import write_template
from punie.experiment.loading import load_experiment
from punie.experiment.watcher import Watcher

WRONG = [
    ("a key", {"evalute": {}}, "There is no key called 'evalute'.", "Did you mean evaluate?"),
    ("a key inside", {"evaluate": {"suite": ["tiny"]}}, "There is no key called 'suite'.", "Did you mean suites?"),
    ("an option of a source", {"sources": {"a": {"generate": "tinypy", "level": [1]}}}, "did you mean levels", ""),
    ("two ways to make rows", {"sources": {"a": {"generate": "tinypy", "download": "tiny"}}}, "one of them", ""),
    ("a width", {"quantize": {"bits": [7]}}, "the widths are some of", ""),
    ("no rows", {"data": None}, "train needs data", ""),
    ("quantizing an adapter", {"quantize": {"bits": [4]}}, "quantize needs fuse", ""),
]


def template(folder: Path) -> dict[str, object]:
    return yaml.safe_load(write_template("mine", folder / "mine.yaml").read_text())


def test_the_template_is_a_recipe(tmp_path: Path) -> None:
    """What `punie experiment new` writes is read under its name, and a second one does not take its place."""
    file = write_template("mine", tmp_path / "mine.yaml")
    recipe = load_experiment(file)
    assert isinstance(recipe, ChainExperiment)
    assert (recipe.name, recipe.train, recipe.fuse) == ("mine", {"iters": 60}, None)
    with pytest.raises(UsageError, match="exists already"):
        write_template("mine", file)


@pytest.mark.parametrize(("change", "message", "hint"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_wrong_recipes_are_refused(change: dict[str, object], message: str, hint: str, tmp_path: Path) -> None:
    """A word that is wrong is told with its file and key, and with the word that was meant."""
    (file := tmp_path / "wrong.yaml").write_text(yaml.safe_dump({**template(tmp_path), **change}))
    with pytest.raises(UsageError) as refused:
        load_experiment(file)
    assert message in refused.value.what
    assert hint in refused.value.hint
    assert str(file) in refused.value.where


def test_room_for_all_steps_is_looked_for_first(tmp_path: Path) -> None:
    """Where the disk cannot hold what the whole recipe makes, nothing of it is begun."""
    rows = {"sources": {"many": {"generate": "tinypy", "count": 10**12}}, "data": "many"}
    recipe = ChainExperiment.model_validate({"kind": "chain", "name": "large", **rows})
    with pytest.raises(CapacityError, match="this needs about"):
        run(recipe, ChainFolder(tmp_path / "made"), "large.yaml", "again", Watcher())
    assert not (tmp_path / "made").exists()


LATE = [
    ("train", {"train": {"itres": 5}}, "itres"),
    ("data", {"data": {"sources": [{"path": "chats"}], "dedupe": {}}}, "dedupe"),
    ("suites", {"evaluate": {"suites": ["tinny"]}}, "tinny"),
]


@pytest.mark.parametrize(("change", "word"), [case[1:] for case in LATE], ids=[case[0] for case in LATE])
def test_what_a_later_step_would_refuse_is_refused_first(change: dict[str, object], word: str, tmp_path: Path) -> None:
    """Words of a plan, of a data recipe and of suites are read before the first step, with what was meant."""
    recipe = ChainExperiment.model_validate({**template(tmp_path), **change})
    with pytest.raises(UsageError, match=word):
        run(recipe, ChainFolder(tmp_path / "made"), "mine.yaml", "again", Watcher())
    assert not (tmp_path / "made").exists()


class Impatient(Watcher):
    """Presses Ctrl-C when the rows of step `data` are read."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, name: str) -> None:
        self.steps.append(name)

    def rows(self, step: Step) -> None:
        if self.steps[-1] == "data":
            raise KeyboardInterrupt


class Patient(Watcher):
    """Notes what was there already."""

    def __init__(self) -> None:
        self.earlier: list[bool] = []

    def done(self, result: str, *, earlier: bool = False) -> None:
        self.earlier.append(earlier)


def test_a_chain_goes_on_after_ctrl_c(tmp_path: Path) -> None:
    """Stopped inside a step, it says what goes on, and a page tells what is done; then it does the rest."""
    rows = {"sources": {"few": {"download": "tiny", "count": 20}}, "data": {"sources": [{"path": "few"}]}}
    recipe = ChainExperiment.model_validate({"kind": "chain", "name": "rows", **rows})
    with pytest.raises(InterruptedRun, match="Go on with: the same"):
        run(recipe, ChainFolder(tmp_path / "made"), "rows.yaml", "the same", Impatient())
    assert "Not finished; steps done: 1." in (tmp_path / "made/report.html").read_text()
    assert not (tmp_path / "made/data").exists()
    outcome = run(recipe, ChainFolder(tmp_path / "made"), "rows.yaml", "the same", watcher := Patient())
    assert watcher.earlier == [True, False]
    assert [entry.why for entry in outcome.entries] == ["", "was not finished"]
    assert "All steps are done: 2." in (tmp_path / "made/report.html").read_text()
