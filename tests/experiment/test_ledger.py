"""Steps are done once for the same settings and inputs, and never on top of something else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from punie.errors import DataError, UsageError
from punie.experiment.chain.folder import ChainFolder
from punie.experiment.chain.ledger import Ledger, Made, Step
from punie.experiment.chain.products import Product
from punie.experiment.watcher import Watcher
from punie.files import hash_file, write_text

TEXT = Product(lambda folder: (folder / "text").is_file(), lambda folder: hash_file(folder / "text"), lambda _: "text")


@dataclass
class Kitchen:
    """Three steps in a row, of a text: words, the first of them, and that word so many times; `done` says which ran."""

    root: Path
    text: str = "one two"
    times: int = 2
    done: list[str] = field(default_factory=list)

    def start(self) -> str:
        """What a start of the chain comes to; a step that fails leaves what the others did."""
        self.done.clear()
        ledger, given = Ledger(ChainFolder(self.root), Watcher()), Made(self.text, lambda: self.root)
        words = self.step(ledger, "words", {}, given, lambda: " ".join(self.text.split()))
        first = self.step(ledger, "first", {}, words, lambda: self.read(words).split()[0])
        return self.read(
            self.step(ledger, "times", {"times": self.times}, first, lambda: self.read(first) * self.times)
        )

    def step(self, ledger, name, settings, before, text) -> Made:
        def make(output: Path) -> None:
            self.done.append(name)
            write_text(output / "text", text())

        return ledger.do(Step(name, self.root / name, TEXT, settings, {"before": before.hash}, make))

    def read(self, made: Made) -> str:
        return (made.folder() / "text").read_text()


CHANGES = [
    ("nothing", {}, []),
    ("the first input", {"text": "three four"}, ["words", "first", "times"]),
    ("an input that comes to the same", {"text": " one  two "}, ["words"]),
    ("what later steps do not see", {"text": "one five"}, ["words", "first"]),
    ("a setting of the last step", {"times": 3}, ["times"]),
    ("both ends", {"text": "one five", "times": 3}, ["words", "first", "times"]),
]


@pytest.mark.parametrize(("change", "done"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_what_depends_on_a_change_is_done_again(change: dict[str, object], done: list[str], tmp_path: Path) -> None:
    """A step is done again where its settings or the content of its inputs changed, and nowhere else."""
    assert Kitchen(tmp_path).start() == "oneone"
    again = Kitchen(tmp_path, **change)
    assert again.start() == again.text.split()[0] * again.times
    assert again.done == done
    again.start()
    assert again.done == []


def test_what_was_made_earlier_is_set_aside(tmp_path: Path) -> None:
    """A step that is done again overwrites nothing: its earlier output lies beside, each time under another number."""
    for times in (2, 3, 4):
        Kitchen(tmp_path, times=times).start()
    assert (tmp_path / "earlier/times-1/times/text").read_text() == "oneone"
    assert (tmp_path / "earlier/times-2/times/text").read_text() == "oneoneone"


def test_an_output_that_is_gone_is_made_again(tmp_path: Path) -> None:
    """A deleted output is made again from the same inputs, and what depends on it has not changed."""
    Kitchen(tmp_path).start()
    (tmp_path / "first/text").unlink()
    (tmp_path / "first").rmdir()
    assert (again := Kitchen(tmp_path)).start() == "oneone"
    assert again.done == ["first"]


def test_an_altered_output_is_refused(tmp_path: Path) -> None:
    """What somebody wrote into an output is neither used nor overwritten."""
    Kitchen(tmp_path).start()
    (tmp_path / "first/text").write_text("else")
    with pytest.raises(DataError, match="first made was altered"):
        Kitchen(tmp_path).start()
    assert (tmp_path / "first/text").read_text() == "else"


def test_what_others_made_is_refused(tmp_path: Path) -> None:
    """A folder that lies where an output would be, and that no record names, stays as it is."""
    write_text(tmp_path / "words/text", "mine")
    with pytest.raises(UsageError, match="in use"):
        Kitchen(tmp_path).start()
    assert (tmp_path / "words/text").read_text() == "mine"


@pytest.mark.parametrize(("whole", "done"), [(False, ["first"]), (True, [])], ids=["half-way", "before its record"])
def test_a_killed_step_goes_on(whole: bool, done: list[str], tmp_path: Path) -> None:
    """A step that was killed is made from what it left; one that was killed after its output is only noted."""
    Kitchen(tmp_path).start()
    record = json.loads((tmp_path / "steps/first.json").read_text())
    (tmp_path / "steps/first.json").write_text(json.dumps({**record, "state": "begun", "hash": "", "result": ""}))
    if not whole:
        (tmp_path / "first/text").unlink()
    assert (again := Kitchen(tmp_path)).start() == "oneone"
    assert again.done == done
    assert json.loads((tmp_path / "steps/first.json").read_text())["hash"] == record["hash"]


def test_what_was_cleared_away_comes_back_when_it_is_needed(tmp_path: Path) -> None:
    """A cleared output is no reason to do anything, until a step that needs it is done again."""
    Kitchen(tmp_path).start()
    Ledger(ChainFolder(tmp_path), Watcher()).note_cleared("first")
    (tmp_path / "first/text").unlink()
    (same := Kitchen(tmp_path)).start()
    assert same.done == []
    assert (other := Kitchen(tmp_path, times=3)).start() == "oneoneone"
    assert other.done == ["times", "first"]
