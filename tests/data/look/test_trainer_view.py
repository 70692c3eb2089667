"""One row as the trainer sees it, with a real template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from children import AtHome

from punie.data.look.display import show
from punie.data.look.trainer_view import TrainerView, view_row
from punie.data.source import SourceRow
from punie.errors import DataError


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """`punie dataset show --model` is tested with a child of its own, in tests/cli/dataset."""
    monkeypatch.setattr("punie.data.look.trainer_view.Child", AtHome)


@pytest.fixture
def row(tmp_path: Path) -> SourceRow:
    messages = [{"role": "user", "content": "hi there"}, {"role": "assistant", "content": "hello"}]
    return saved(tmp_path, {"messages": messages, "note": 1})


def saved(folder: Path, row: dict[str, Any]) -> SourceRow:
    (folder / "rows.jsonl").write_text(json.dumps(row) + "\n")
    return show(folder / "rows.jsonl")


def fates(view: TrainerView) -> list[str]:
    return [piece.fate for piece in view.pieces]


def test_the_answer_is_told_from_the_prompt(row: SourceRow, tiny_model: Path) -> None:
    """With a masked prompt the answer and its end are learned, and nothing before them."""
    view = view_row(row, tiny_model, mask_prompt=True, max_seq_length=100)
    assert fates(view) == ["masked", "learned"]
    assert view.pieces[0].text.endswith("hi there<|im_end|>\n<|im_start|>assistant\n")
    assert view.pieces[1].text.startswith("hello<|im_end|>")


def test_every_token_has_one_fate(row: SourceRow, tiny_model: Path) -> None:
    """Without a mask all but the first are learned; what the limit cuts off is shown as cut."""
    view = view_row(row, tiny_model, mask_prompt=False, max_seq_length=6)
    assert fates(view) == ["masked", "learned", "cut"]
    assert (view.tokens("masked"), view.tokens("learned")) == (1, 5)
    assert "".join(piece.text for piece in view.pieces).startswith("<|im_start|>user\nhi there<|im_end|>\n")


def test_a_row_that_the_template_refuses_is_named(tmp_path: Path, tiny_model: Path) -> None:
    """By its place, as every bad row is."""
    bad = saved(tmp_path, {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{}]}]})
    with pytest.raises(DataError, match="refuses this row") as caught:
        view_row(bad, tiny_model, mask_prompt=False, max_seq_length=100)
    assert caught.value.where == f"{tmp_path}/rows.jsonl:1"
