"""Tokenized rows: made once, found again, and never taken for those of other rows, models or masks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from punie.files import write_jsonl
from punie.training import token_cache
from punie.training.batches import TokenRow
from punie.training.plan import TrainingPlan
from punie.training.rows import read_teaching_rows
from punie.training.student import load_student
from punie.training.token_cache import TokenCache
from punie.training.tokens import tokenize

from .conftest import PlanMaker, chat

ROWS = [TokenRow([5, 6, 7], ((1, 2), (2, 3)), 1), TokenRow([], (), 2), TokenRow([9], ((0, 1),), 3)]


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PUNIE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tokens"


def plain(rows: Iterable[TokenRow] | None) -> list[tuple[list[int], Any, int]]:
    return [(np.asarray(row.tokens).tolist(), row.spans, row.line) for row in rows or ()]


def tokenized(plan: TrainingPlan) -> list[TokenRow]:
    return tokenize(read_teaching_rows(Path(plan.data), 1).train, load_student(plan)[1], plan)


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    """Tokens, spans and lines, of empty rows too."""
    place = TokenCache(tmp_path / "rows.npz")
    assert place.read() is None
    place.write(ROWS)
    assert plain(place.read()) == plain(ROWS)


def test_the_second_run_finds_what_the_first_made(cache: Path, make_plan: PlanMaker, tmp_path: Path) -> None:
    """The same rows come out, and one file is there after both, used again."""
    first = tokenized(make_plan(tmp_path / "a"))
    (file,) = cache.iterdir()
    os.utime(file, (0, 0))
    assert plain(tokenized(make_plan(tmp_path / "b", seed=9, max_seq_length=64))) == plain(first)
    assert file.stat().st_mtime > 0


@pytest.mark.parametrize("break_it", [b"", b"no archive", None], ids=["empty", "other", "half"])
def test_a_broken_file_is_made_again(cache: Path, make_plan: PlanMaker, tmp_path: Path, break_it: bytes | None) -> None:
    """Whatever happened to it, the rows are right and so is the file afterwards."""
    first = tokenized(make_plan(tmp_path))
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if break_it is None else break_it)
    assert plain(tokenized(make_plan(tmp_path))) == plain(first)
    assert plain(TokenCache(file).read()) == plain(first)


def test_another_row_mask_or_template_is_another_file(
    cache: Path, make_plan: PlanMaker, tiny_model: Path, tmp_path: Path
) -> None:
    """Each of them makes other tokens or spans."""
    model = shutil.copytree(tiny_model, tmp_path / "model")
    write_jsonl(tmp_path / "train.jsonl", [chat(1)])
    plan = make_plan(tmp_path / "run", model=str(model), data=str(tmp_path))
    tokenized(plan)
    tokenized(plan.model_copy(update={"mask": "last"}))
    write_jsonl(tmp_path / "train.jsonl", [chat(2)])
    tokenized(plan)
    template = model / "chat_template.jinja"
    template.write_text("{{ strftime_now }}" + template.read_text())
    tokenized(plan)
    assert len(list(cache.iterdir())) == 4


def test_a_cache_that_cannot_be_written_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, make_plan: PlanMaker, tmp_path: Path
) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PUNIE_CACHE", str(tmp_path / "file"))
    assert len(tokenized(make_plan(tmp_path))) == 16


def test_the_oldest_files_make_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The cache stays below its limit; the file just written stays, whatever its size."""
    monkeypatch.setattr(token_cache, "LARGEST_BYTES", 3000)
    for number in range(5):
        TokenCache(tmp_path / f"{number}.npz").write(ROWS)
        os.utime(tmp_path / f"{number}.npz", (number, number))
    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert sum(sizes) <= 3000 + max(sizes)
    assert (tmp_path / "4.npz").exists()
    assert not (tmp_path / "0.npz").exists()
