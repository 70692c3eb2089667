"""What the embedded model is taught and asked: apart from each other, and the same for ever."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice

import pytest

from punie.errors import UsageError
from punie.evaluation.suite import load_suite
from punie.files import hash_value
from punie.generate.holdout import is_held_out
from punie.generate.tiny import Row, draw_cases, draw_chats, render_chat

from .reading import functions_described_in, functions_in, held_out_content, sums_in

CATEGORIES = ("tool_calling", "code_generation", "reasoning", "new_phrasings")
FORTY_EACH = dict.fromkeys(CATEGORIES, 40)


def question(row: Row) -> str:
    return row["messages"][0]["content"]


@pytest.fixture(scope="module")
def chats() -> list[Row]:
    return list(draw_chats(3000, seed=7))


@pytest.fixture(scope="module")
def cases() -> list[Row]:
    return list(draw_cases(dict.fromkeys(CATEGORIES, 150), seed=7))


def test_the_chats_of_a_seed_never_change() -> None:
    """A dataset that is named by its seed is the same on every machine and in every version."""
    assert (
        hash_value(list(draw_chats(60, seed=1))) == "440e3bc6ea0edc3f7c9592c24c3daf25ac3defc2779c708459e9a30e1b21d393"
    )


def test_the_cases_of_a_seed_never_change() -> None:
    """Scores of different versions are about the same questions."""
    assert (
        hash_value(list(draw_cases(FORTY_EACH, seed=1)))
        == "a769baec2c77e74396b9dfa40be1251b2ecf2210eb3e0ede649ee911cdfd6907"
    )


def test_the_tiny_suite_never_changes() -> None:
    """Runs of the built-in suite can be compared across versions: a hundred cases of each category, the same ones."""
    suite = load_suite("tiny")
    assert Counter(case.category for case in suite.cases) == dict.fromkeys(CATEGORIES, 100)
    assert suite.hash == "ffe5d9bd9ff827bc6e84c704cfaf07f7044750ce6a582ac016c5d124ec5ed5f4"


def test_a_draw_depends_on_its_seed_alone() -> None:
    """Neither the global random state, nor another draw beside it, nor the number that is asked for changes a row."""
    alone = list(draw_chats(30, seed=3))
    random.seed(5)
    beside = [one for one, _ in zip(draw_chats(30, seed=3), draw_chats(30, seed=4), strict=True)]
    assert alone == beside == list(islice(draw_chats(90, seed=3), 30))
    assert question(alone[0]) != question(next(draw_chats(1, seed=4)))


def test_a_category_does_not_depend_on_the_others() -> None:
    """Asking for more of one category leaves the cases of the others as they are."""
    alone = list(draw_cases({"reasoning": 10}, seed=3))
    after = list(draw_cases({"tool_calling": 5, "reasoning": 10}, seed=3))
    assert alone == after[5:]


def test_no_question_is_asked_twice(chats: list[Row], cases: list[Row]) -> None:
    """Chats are distinct, cases of a category are distinct, and no case is a chat."""
    assert len({question(row) for row in chats}) == len({row["id"] for row in chats}) == len(chats)
    assert len({(row["category"], question(row)) for row in cases}) == len({row["id"] for row in cases}) == len(cases)
    assert not {question(row) for row in chats} & {question(row) for row in cases}


def test_chats_teach_nothing_that_is_held_out(chats: list[Row]) -> None:
    """No call, function or sum of a chat is for evaluation only."""
    assert not [(found, row) for row in chats if (found := held_out_content(render_chat(row)))]


def test_chats_take_turns(chats: list[Row]) -> None:
    """A third of each kind in every stretch, each answered in its own form."""
    assert [row["category"] for row in chats[:6]] == ["tool_calling", "code_generation", "reasoning"] * 2
    for tool_call, code, reasoning in zip(chats[::3], chats[1::3], chats[2::3], strict=True):
        assert tool_call["messages"][1]["tool_calls"]
        assert list(functions_in(code["messages"][1]["content"])) == list(functions_described_in(question(code)))
        assert set(sums_in(render_chat(reasoning))) == set(sums_in(question(reasoning)))


def test_cases_ask_only_for_what_is_held_out(cases: list[Row]) -> None:
    """Nothing that a case asks for can have been learned by heart."""
    for row in cases:
        match row["expect"]:
            case {"kind": "calls", "calls": [call]}:
                content = [(call["name"], *call["arguments"].values())]
            case {"kind": "code", "solution": solution}:
                content = [*functions_in(solution), *functions_described_in(question(row))]
            case _:
                # One held-out sum makes a sequence held out.
                content = [(steps,) for steps in sums_in(question(row)) if is_held_out(steps)]
        assert content
        assert all(is_held_out(*item) for item in content), row


def test_a_case_offers_the_tool_it_expects(cases: list[Row]) -> None:
    """The right call is among the declared ones."""
    for row in cases:
        if row["expect"]["kind"] == "calls":
            assert row["expect"]["calls"][0]["name"] in {tool["function"]["name"] for tool in row["tools"]}


def test_a_category_has_a_dev_half_and_tasks_to_learn_from() -> None:
    """Dev cases are of held-out content and share no question with test; tasks are of content that may be taught."""
    drawn = list(draw_cases({"dev reasoning": 40, "reasoning": 40, "taught reasoning": 40}, seed=2))
    dev, test, taught = drawn[:40], drawn[40:80], drawn[80:]
    assert {row["category"] for row in drawn} == {"reasoning"}
    assert [row.get("half") for row in (dev[0], test[0], taught[0])] == ["dev", None, None]
    assert len({row["id"] for row in drawn}) == len({question(row) for row in drawn}) == 120
    assert all(any(map(is_held_out, sums_in(question(row)))) for row in (*dev, *test))
    assert not any(is_held_out(steps) for row in taught for steps in sums_in(question(row)))


@pytest.mark.parametrize("category", ["codes", "tests reasoning", "taught new_phrasings"])
def test_a_category_that_does_not_exist_is_named(category: str) -> None:
    """A suite with a mistyped category is the user's to correct, and says which there are."""
    with pytest.raises(UsageError, match=f"'{category}'") as caught:
        list(draw_cases({category: 1}, seed=1))
    assert "code_generation" in caught.value.hint
