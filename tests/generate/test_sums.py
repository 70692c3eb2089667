"""Worked sums: every step is true, and the steps lead to the answer."""

from __future__ import annotations

import re
from random import Random

import pytest

from punie.generate.holdout import is_held_out
from punie.generate.sums import Sum, draw_line, draw_sum


def drawn(count: int) -> list[Sum]:
    rng = Random(1)
    return [draw_sum(rng, held_out=False) for _ in range(count)]


def answer_to(question: str) -> int:
    """The answer, from the words of the question alone."""
    numbers = [int(number) for number in re.findall(r"\d+", question)]
    match re.search(r" [-+*] |gets|gives away|next", question):
        case re.Match() as found if found[0].strip() in {"+", "gets"}:
            return numbers[0] + numbers[1]
        case re.Match() as found if found[0].strip() in {"-", "gives away"}:
            return numbers[0] - numbers[1]
        case re.Match() as found if found[0].strip() == "*":
            return numbers[0] * numbers[1]
        case _:
            return numbers[3] + numbers[3] - numbers[2]


def test_answers_are_right() -> None:
    """The value is what the question asks for."""
    assert all(sum_.value == answer_to(sum_.question) for sum_ in drawn(1000))


def test_every_step_is_true() -> None:
    """What stands left of an equals sign is what stands right of it."""
    for sum_ in drawn(1000):
        for step in ", ".join(sum_.steps).split(", "):
            left, right = step.split("=")
            assert eval(left) == int(right), sum_


def test_the_steps_lead_to_the_answer() -> None:
    """The last column is what stands before the final digit, and the ones column ends in that digit."""
    for sum_ in drawn(1000):
        columns = [int(step.split("=")[1]) for step in ", ".join(sum_.steps).split(", ")]
        ones = columns[0] if "*" in sum_.question else columns[-2]
        assert 10 * columns[-1] + ones % 10 == sum_.value, sum_


def test_every_kind_of_question_is_drawn() -> None:
    """Three operations, two of them in words too, and sequences."""
    questions = " ".join(sum_.question for sum_ in drawn(200))
    assert all(kind in questions for kind in (" + ", " - ", " * ", "gets", "gives away", "next"))


@pytest.mark.parametrize("held_out", [True, False])
def test_a_sum_is_drawn_from_the_side_asked_for(held_out: bool) -> None:
    """A sum that may be asked about is never taught, neither alone nor as a part of a sequence."""
    rng = Random(2)
    drawn_sums = [draw_sum(rng, held_out) for _ in range(300)]
    assert {any(map(is_held_out, sum_.steps)) for sum_ in drawn_sums} == {held_out}


def test_a_line_is_the_question_and_the_answer() -> None:
    """A notebook says the same as a chat, in fewer words."""
    sums, lines = Random(3), Random(3)
    for _ in range(200):
        sum_, line = draw_sum(sums, held_out=False), draw_line(lines)
        assert line.endswith(f": {sum_.answer}")
        assert line.split(": ")[0] in sum_.question
