from __future__ import annotations

import pytest

from punie.evaluation.thinking import without_thinking


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: 4", "Answer: 4"),
        ("<think>Answer: 5</think>\nAnswer: 4", "\nAnswer: 4"),
        ("\n<think>a</think>\n<think>b</think>4", "4"),
        ("[THINK]5[/THINK]4", "4"),
        ("I was told to think. 5</think>4", "4"),
        ("<think>Answer: 5, I am", ""),
        ("def f(): return '<think>' + '</think>'", "def f(): return '<think>' + '</think>'"),
        ("", ""),
    ],
)
def test_thinking_is_no_part_of_the_answer(text: str, answer: str) -> None:
    """Blocks at the beginning go; a block that never ends leaves nothing; marks within an answer stay."""
    assert without_thinking(text) == answer
