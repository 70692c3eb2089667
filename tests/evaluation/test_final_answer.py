from __future__ import annotations

import pytest

from punie.evaluation.final_answer import find_choice, find_number, find_text

NUMBERS = [
    ("42", 42.0),
    ("-12", -12.0),
    ("\u221212", -12.0),
    ("It is 1,234.", 1234.0),
    ("3.50", 3.5),
    ("1,234,567.25 in all", 1234567.25),
    ("1e6", 1e6),
    ("It is 3/4 of it.", 0.75),
    ("12 and 30 make 42", 42.0),
    ("Answer: 42. Checked in 3 steps.", 42.0),
    ("answer: **$42** of 50", 42.0),
    ("**Answer:** 42 (not 43)", 42.0),
    ("Answer: 1\nNo. Answer: 2", 2.0),
    ("The answer is 12 + 30 = 42.", 42.0),
    ("The answer is:\n\n42\n\nI used 3 steps.", 42.0),
    ("Answer: see below\n42", 42.0),
    ("#### 42\n7", 42.0),
    (r"So \boxed{\text{42}} after 3 steps", 42.0),
    (r"\boxed{\frac{1}{2}}", 0.5),
    ("10-3", 3.0),
    ("x2", None),
    ("none at all", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_the_number_is_the_last_answer_or_the_last_number(text: str, number: float | None) -> None:
    """A marked answer goes before any other number; the last one counts."""
    assert find_number(text) == number


TEXTS = [
    ("Paris", "Paris"),
    ("The answer is **Paris**.", "Paris"),
    ("Answer: Paris\nFinal answer: New  York", "New York"),
    (r"It must be \boxed{\text{Paris}}", "Paris"),
    ('I know that one.\n\n"Paris"\n', "Paris"),
    ("Paris, of course.\nAny more questions?", "Any more questions?"),
    (" \n", None),
]


@pytest.mark.parametrize(("text", "found"), TEXTS)
def test_the_text_is_the_marked_answer_or_the_last_line(text: str, found: str | None) -> None:
    """What is around it (quotes, emphasis, a full stop) does not belong to it."""
    assert find_text(text) == found


CHOICES = [
    *[
        (text, "B")
        for text in ("B", "(B)", "**B**", "B.", "B) Paris", "Answer: B", "Answer: **(B)** Paris", "answer: b")
    ],
    *[
        (text, "B")
        for text in ("The answer is B because of A.", "Answer: option B", "A is wrong.\nB: Paris", r"\boxed{B}")
    ],
    ("Answer: A\nNo, the answer is B.", "B"),
    ("Answer: A or B", None),
    ("A) Rome\nB) Paris", None),
    ("A dog and a cat", None),
    ("Answer: banana", None),
    ("Answer: E", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "letter"), CHOICES)
def test_the_choice_is_one_letter_or_none(text: str, letter: str | None) -> None:
    """The usual spellings are read; an article, a list of the choices and a hedge choose nothing."""
    assert find_choice(text, "ABCD") == letter
