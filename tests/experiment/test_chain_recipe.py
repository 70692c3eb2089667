"""The recipe of a chain: the template runs as it is, and what cannot be carried out is refused by its key."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from punie.errors import UsageError
from punie.experiment.chain.recipe import ChainExperiment
from punie.experiment.chain.template import write_template
from punie.experiment.loading import load_experiment

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
