from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punie.report.differences import Difference, difference

TOO_LITTLE = "The answers have too little in common to mark where they differ."


def marked(found: Difference) -> tuple[str, str]:
    """Both sides as text, with what is marked in square brackets."""
    sides = (found.before, found.after)
    first, second = ("".join(f"[{p.text}]" if p.changed else p.text for p in side) for side in sides)
    return first, second


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("the cat sat", "the dog sat", ("the [cat] sat", "the [dog] sat")),
        ("return x + 1", "return x - 1", ("return x [+] 1", "return x [-] 1")),
        ("a long b c tail", "a long x y tail", ("a long [b c] tail", "a long [x y] tail")),
        ("return x % 27", "return x % 27 == 0", ("return x % 27", "return x % 27[ == 0]")),
        ("one two three", "one three", ("one [two ]three", "one three")),
        ('{"to": "a.md"}', '{"to": "b.md"}', ('{"to": "[a].md"}', '{"to": "[b].md"}')),
        ("sum = 146", "sum = 96", ("sum = [146]", "sum = [96]")),
        ("if x:\n  y()", "if x:\n    y()", ("if x:[\n  ]y()", "if x:[\n    ]y()")),
    ],
)
def test_only_what_differs_is_marked(before: str, after: str, shown: tuple[str, str]) -> None:
    """Words and signs are the smallest parts; blank space between two changed words belongs to the change."""
    found = difference(before, after)
    assert (marked(found), found.note) == (shown, "")


@pytest.mark.parametrize(
    ("before", "after", "note"),
    [
        ("same", "same", "Both answers are the same."),
        ("", "", "Both answers are the same."),
        ("", "x", TOO_LITTLE),
        ("I can help you with files.", "3+4=7", TOO_LITTLE),
        ("x" * 60_000, "x" * 59_999 + "y", "The answers differ; they are too long to mark where."),
    ],
)
def test_answers_without_marks_say_why(before: str, after: str, note: str) -> None:
    """An answer that carries no mark is never mistaken for one that did not change."""
    found = difference(before, after)
    assert (marked(found), found.note) == ((before, after), note)


@given(st.text("ab (\n\t\u202e\ud800é", max_size=60), st.text("ab (\n\t\u202e\ud800é", max_size=60))
def test_pieces_add_up_to_the_answers(before: str, after: str) -> None:
    """Whatever is marked, nothing of either answer is lost or moved, and what is not marked is in both."""
    found = difference(before, after)
    assert ("".join(p.text for p in found.before), "".join(p.text for p in found.after)) == (before, after)
    if not found.note:
        kept = ["".join(p.text for p in side if not p.changed) for side in (found.before, found.after)]
        assert kept[0] == kept[1]


@pytest.mark.parametrize(("words", "marks"), [(240, None), (4_000, [False, True, False])])
def test_marking_is_bounded(words: int, marks: list[bool] | None) -> None:
    """Two words in disorder, the worst case of the matcher, take less than a second; very many differ as a whole."""
    dice = random.Random(0)
    first, second = (" ".join(dice.choices(["yes", "no"], k=words)) for _ in range(2))
    began = time.process_time()
    ends = " same" * (words // 2)
    found = difference(f"{ends} {first}{ends}", f"{ends} {second}{ends}")
    assert time.process_time() - began < 1
    assert marks in (None, [piece.changed for piece in found.before])
