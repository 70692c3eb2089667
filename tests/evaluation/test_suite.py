from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from punie.errors import UsageError
from punie.evaluation.suite import Suite, load_suite

CASE = {"id": "a", "category": "c", "messages": [{"role": "user", "content": "1 + 1?"}]}
NUMBER = {"kind": "number", "value": 2}

BROKEN = {
    "no cases": ({"name": "s"}, "either cases or draw"),
    "cases and a draw": (
        {
            "name": "s",
            "cases": [CASE | {"expect": NUMBER}],
            "draw": {"generator": "tiny", "seed": 1, "counts": {"reasoning": 1}},
        },
        "either cases or draw",
    ),
    "an unknown key": ({"name": "s", "max_token": 5}, "max_token"),
    "an unknown kind": ({"name": "s", "cases": [CASE | {"expect": {"kind": "mood"}}]}, "mood"),
    "no message": ({"name": "s", "cases": [CASE | {"messages": [], "expect": NUMBER}]}, "cases.0.messages"),
    "no test": (
        {
            "name": "s",
            "cases": [CASE | {"expect": {"kind": "code", "entry_point": "f", "solution": "", "tests": []}}],
        },
        "tests",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_suite_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    """Whatever is wrong with a suite file is said in one usage error."""
    content, word = BROKEN[name]
    path = tmp_path / "suite.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UsageError) as refusal:
        load_suite(str(path))
    assert word in str(refusal.value)


@pytest.mark.parametrize("name", ["no-such-suite", "no/such/file.yaml"])
def test_an_absent_suite_is_a_usage_error(name: str) -> None:
    """Neither an unknown name nor an absent file is a traceback."""
    with pytest.raises(UsageError):
        load_suite(name)


def test_text_that_is_not_yaml_is_a_usage_error(tmp_path: Path) -> None:
    """A file that is no YAML names itself."""
    path = tmp_path / "suite.yaml"
    path.write_text("cases: [")
    with pytest.raises(UsageError, match=r"suite\.yaml"):
        load_suite(str(path))


def test_the_hash_is_over_the_cases_alone(suite: Suite) -> None:
    """Two suites that ask the same have the same hash, whatever they are called; one more case changes it."""
    assert suite.model_copy(update={"name": "other", "description": "new"}).hash == suite.hash
    assert suite.model_copy(update={"cases": suite.cases[1:]}).hash != suite.hash


def test_a_drawn_suite_is_the_same_everywhere(tmp_path: Path) -> None:
    """The seed decides the cases; counts are kept by category."""
    path = tmp_path / "drawn.yaml"
    path.write_text("{name: d, draw: {generator: tiny, seed: 3, counts: {reasoning: 4, tool_calling: 3}}}")
    one, other = load_suite(str(path)), load_suite(str(path))
    assert one.hash == other.hash
    assert [case.category for case in one.cases] == ["reasoning"] * 4 + ["tool_calling"] * 3
