"""Which model a chain chooses, and what it says where none is good enough."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from punie.errors import GateError, UsageError
from punie.experiment.chain.folder import ChainFolder
from punie.experiment.chain.outcome import Outcome, Verdict, require_passing
from punie.experiment.chain.page import write_page
from punie.experiment.chain.recipe import ChainExperiment
from punie.experiment.folder import held

FOUND = [
    ("all pass", {"adapter": True, "fused": True, "8-bit": True, "4-bit": True}, "4-bit"),
    ("the smallest does not", {"adapter": True, "fused": True, "8-bit": True, "4-bit": False}, "8-bit"),
    ("one in between does not", {"adapter": True, "fused": False, "8-bit": True}, "adapter"),
    ("the first does not", {"adapter": False, "fused": True}, None),
    ("nothing was compared", {}, None),
]


def outcome(passing: dict[str, bool]) -> Outcome:
    reasons = {True: (), False: ("It may be worse.",)}
    verdicts = [Verdict(name, "better", f"{name} told", "Proof.", reasons[good]) for name, good in passing.items()]
    return Outcome((), tuple(verdicts), Path("report.html"))


@pytest.mark.parametrize(("passing", "chosen"), [case[1:] for case in FOUND], ids=[case[0] for case in FOUND])
def test_the_smallest_model_before_a_failure_is_chosen(passing: dict[str, bool], chosen: str | None) -> None:
    """Models are looked at in the order in which they were made, and no further than the first that does not pass."""
    assert outcome(passing).chosen == chosen


def test_no_model_is_a_gate_that_is_not_met() -> None:
    """Where something was compared and nothing passes, the reasons of the first model are told with exit code 7."""
    require_passing(outcome({}))
    require_passing(outcome({"adapter": True, "fused": False}))
    with pytest.raises(GateError, match="may be worse") as refused:
        require_passing(outcome({"adapter": False}))
    assert refused.value.exit_code == 7


def test_a_second_start_is_told_who_works(tmp_path: Path) -> None:
    """Two starts in one folder do not meet: the second names the process, and has the folder once that ends."""
    with held(tmp_path / "first"):
        with pytest.raises(UsageError, match="Another process") as refused, held(tmp_path / "first"):
            pass
        with held(tmp_path / "second"):
            pass
    assert "It is process" in refused.value.hint
    with held(tmp_path / "first"):
        pass


SAID = [
    ("the chosen one", {"adapter": True, "fused": True}, None, "Better. fused told."),
    ("no model", {"adapter": False}, None, "No model passes the gate."),
    ("nothing compared", {}, None, "All steps are done: 0."),
    ("broken off", {}, UsageError("The <b>disk</b> is gone."), "Not finished; steps done: 0."),
]


@pytest.mark.parametrize(("passing", "broken", "first"), [case[1:] for case in SAID], ids=[case[0] for case in SAID])
def test_the_page_begins_with_what_came_of_it(
    passing: dict[str, bool], broken: UsageError | None, first: str, tmp_path: Path
) -> None:
    """The heading is the verdict, or that there is none yet; an error stands there as text."""
    recipe = ChainExperiment(kind="chain", name="mine", model="tiny")
    write_page(recipe, ChainFolder(tmp_path), outcome(passing), "punie experiment run mine.yaml", broken)
    page = (tmp_path / "report.html").read_text()
    assert f"<h1>{first}</h1>" in page
    assert ("punie experiment run mine.yaml" in page) == (broken is not None)
    assert "<b>disk</b>" not in page
    assert json.loads((tmp_path / "report.json").read_text())["chosen"] == outcome(passing).chosen
