"""Rows: wrong ones are named before a model is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.errors import DataError
from punie.training.rows import name_rows, read_teaching_rows

GOOD = '{"text": "a"}\n'


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("", "no training rows"),
        (GOOD, "1 training rows, fewer than the 2"),
        (GOOD + "\n" + GOOD, "train.jsonl:2"),
        (GOOD + "{oops\n", "train.jsonl:2"),
        (GOOD + '{"question": 1}\n', "train.jsonl:2"),
        (GOOD + '{"prompt": "a", "completion": "b"}\n', "completion row among text rows"),
    ],
)
def test_wrong_rows_are_named(tmp_path: Path, lines: str, complaint: str) -> None:
    """The error says which line of which file."""
    (tmp_path / "train.jsonl").write_text(lines)
    with pytest.raises(DataError, match=complaint):
        read_teaching_rows(tmp_path, batch_size=2)


def test_rows_are_counted_from_one_and_not_listed_without_end() -> None:
    """A hundred wrong rows do not fill the screen."""
    assert name_rows([2]) == "row 3"
    assert name_rows(range(100), shown=3) == "rows 1, 2, 3 and 97 more"
