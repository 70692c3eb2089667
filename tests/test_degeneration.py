from __future__ import annotations

import pytest

from punie.degeneration import is_degenerate, measure


@pytest.mark.parametrize(
    ("text", "degenerate"),
    [
        ("No tool is needed for that.", False),
        ("42", False),
        ("Yes", False),
        ("no no no", False),
        ("0, 1, 0, 1 and then 2, 3, 4, 5, 6, 7, 8, 9", False),
        ("", True),
        ("?! ... ---", True),
        ("the answer is " * 8, True),
        ("I think that it is fine. " + "really " * 12, True),
        ("x = 1\n" * 200, True),
    ],
)
def test_a_loop_and_a_text_without_a_word_are_no_answers(text: str, degenerate: bool) -> None:
    """Short answers are never taken for loops."""
    assert is_degenerate(text) is degenerate


def test_measures_are_shares_and_bits() -> None:
    """Four different words: all pairs differ, nothing repeats, two bits a word; one word again and again: no bit."""
    assert measure("one two three four") == {"distinct_2": 1.0, "longest_repeat": 0.0, "entropy": 2.0}
    assert measure("no " * 11) == {"distinct_2": 0.1, "longest_repeat": 1.0, "entropy": 0.0}
    assert measure("a b a b a b c d")["longest_repeat"] == 0.75
    assert measure("") == {"distinct_2": 1.0, "longest_repeat": 0.0, "entropy": 0}
