from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from punie.errors import UsageError
from punie.evaluation.suite import Case, Suite, built_in, case_row, hash_cases, load_suite, outline
from punie.files import write_jsonl

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
    "an unknown key": ({"name": "s", "max_token": 5}, "did you mean 'max_tokens'"),
    "an unknown key deep inside": (
        {"name": "s", "cases": [CASE | {"expect": {"kind": "calls", "calls": [{"name": "f", "argument": {}}]}}]},
        "there is no key 'argument' here; did you mean 'arguments'. (suite.yaml, key cases.0.expect.calls.0)",
    ),
    "a half that is none": ({"name": "s", "cases": [CASE | {"expect": NUMBER, "half": "train"}]}, "cases.0.half"),
    "two cases with one id": ({"name": "s", "cases": [CASE | {"expect": NUMBER}] * 2}, "key cases.1.id"),
    "a turn without a result": (
        {"name": "s", "cases": [CASE | {"expect": NUMBER, "turns": [{"calls": [{"name": "f"}], "results": []}]}]},
        "Case 'a' is wrong: a turn has one result for each of its calls. (suite.yaml, key cases.0.turns.0)",
    ),
    "a list": ([CASE], "a mapping"),
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
    assert word in str(refusal.value).replace(f"{tmp_path}/", "")


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


KEYS_ABOUT_A_CASE = {"reference": "Two.", "known_bad": ["Three."], "half": "dev", "source": "me", "licence": "MIT"}
KEYS_THAT_ASK = {
    "category": "d",
    "tools": [{"name": "f"}],
    "turns": [{"calls": [{"name": "f"}], "results": ["1"]}],
    "expect": {"kind": "number", "value": 3},
}


def test_the_hash_is_over_the_question_and_its_judgement() -> None:
    """What only describes a case leaves the hash as it is, and so does a default that is written out."""
    case = Case.model_validate(CASE | {"expect": NUMBER})
    about = [Case.model_validate(CASE | {"expect": NUMBER, key: value}) for key, value in KEYS_ABOUT_A_CASE.items()]
    written_out = Case.model_validate(CASE | {"expect": NUMBER, "tools": [], "half": "test"})
    assert {hash_cases([other]) for other in [case, *about, written_out]} == {hash_cases([case])}
    asked = [Case.model_validate(CASE | {"expect": NUMBER} | {key: value}) for key, value in KEYS_THAT_ASK.items()]
    assert len({hash_cases([other]) for other in [case, *asked]}) == 1 + len(asked)


def test_a_case_reads_back_from_its_row() -> None:
    """What is written of a case is enough to have it again."""
    case = Case.model_validate(CASE | {"expect": NUMBER, "half": "dev", "known_bad": ["3"]})
    assert case_row(case).keys() == CASE.keys() | {"expect", "half", "known_bad"}
    assert Case.model_validate(case_row(case)) == case


def test_lines_are_cases(tmp_path: Path) -> None:
    """A JSONL suite has its file's name, unless its first line says what it is called."""
    path = tmp_path / "mine.jsonl"
    write_jsonl(path, [CASE | {"expect": NUMBER}])
    assert (load_suite(str(path)).name, len(load_suite(str(path)).cases)) == ("mine", 1)
    write_jsonl(path, [{"name": "other", "max_tokens": 9}, CASE | {"expect": NUMBER}])
    assert (load_suite(str(path)).name, load_suite(str(path)).max_tokens) == ("other", 9)


def test_a_wrong_line_is_named(tmp_path: Path) -> None:
    """The line's number and the key stand in the error."""
    path = tmp_path / "mine.jsonl"
    write_jsonl(path, [{"name": "other"}, CASE | {"expect": NUMBER}, CASE | {"id": "b", "expect": {"kind": "number"}}])
    with pytest.raises(UsageError, match=r"Case 'b' is wrong: .*mine.jsonl:3, key expect.value"):
        load_suite(str(path))


def test_a_half_is_a_suite(tmp_path: Path) -> None:
    """It has the cases marked so, and a name that says it; a half without cases is an error."""
    path = tmp_path / "mine.jsonl"
    write_jsonl(path, [CASE | {"expect": NUMBER}, CASE | {"id": "b", "expect": NUMBER, "half": "dev"}])
    halves = [load_suite(str(path)).of_half("dev"), load_suite(str(path)).of_half("test")]
    assert [(suite.name, [case.id for case in suite.cases]) for suite in halves] == [
        ("mine:dev", ["b"]),
        ("mine:test", ["a"]),
    ]
    with pytest.raises(UsageError, match="dev half"):
        load_suite("tiny").of_half("dev")


def test_a_drawn_suite_is_the_same_everywhere(tmp_path: Path) -> None:
    """The seed decides the cases; counts are kept by category."""
    path = tmp_path / "drawn.yaml"
    path.write_text("{name: d, draw: {generator: tiny, seed: 3, counts: {reasoning: 4, tool_calling: 3}}}")
    one, other = load_suite(str(path)), load_suite(str(path))
    assert one.hash == other.hash
    assert [case.category for case in one.cases] == ["reasoning"] * 4 + ["tool_calling"] * 3


@pytest.mark.parametrize("name", built_in())
def test_an_outline_counts_the_cases_that_would_be_drawn(name: str) -> None:
    """Each half has as many as the loaded suite."""
    suite = load_suite(name)
    assert outline(name).halves == Counter(case.half for case in suite.cases)
