"""Overlong rows: cut as the plan says, or dropped with a line each; a row that teaches nothing never passes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from punie.data.ledger import row_hash
from punie.errors import DataError
from punie.files import read_jsonl, write_jsonl
from punie.training.batches import TokenRow
from punie.training.batching import RowsPerStep
from punie.training.knobs import Overlong
from punie.training.metrics import Echo, Metric
from punie.training.overlong import fit_rows, keep_answer
from punie.training.rows import Split, read_teaching_rows
from punie.training.runner import train
from punie.training.student import build_learner, load_student
from punie.training.views import staged_order

from .conftest import PlanMaker, chat

STEADY = {"warmup": 0, "initial_learning_rate": 0.0, "decay": None}

LENGTHS_AND_ANSWERS = [(8, (4, 8)), (30, (2, 30)), (14, (11, 14)), (12, (10, 12))]
"""In a limit of 10: whole; cut in its answer; its answer cut off; its answer cut off."""


def rows_and_split(folder: Path, shapes: Sequence[tuple[int, tuple[int, int]]]) -> tuple[list[TokenRow], Split]:
    path = folder / "train.jsonl"
    write_jsonl(path, ({"text": f"row {line}"} for line in range(1, len(shapes) + 1)))
    rows = [TokenRow(range(n), (span,), line) for line, (n, span) in enumerate(shapes, start=1)]
    return rows, Split(path, "text", ())


def test_rows_whose_answer_is_cut_off_are_named(tmp_path: Path) -> None:
    """A prompt longer than max_seq_length would make the loss 0/0; the rows are told apart from the good ones."""
    rows, split = rows_and_split(tmp_path, LENGTHS_AND_ANSWERS)
    with pytest.raises(DataError, match=r"rows 3, 4: .*first 10 tokens"):
        fit_rows(rows, split, 10, "cut")


def test_dropped_rows_are_in_the_ledger(tmp_path: Path) -> None:
    """File, line, hash, rule, value and limit of each; what is kept and what is dropped is what came in."""
    rows, split = rows_and_split(tmp_path, [*LENGTHS_AND_ANSWERS, (9, (9, 9))])
    fitted = fit_rows(rows, split, 10, "drop")
    assert [row.line for row in fitted.rows] == [1]
    assert fitted.truncated == 0
    raw = split.path.read_bytes().split(b"\n")
    facts = [
        ("max-seq-length", 30, 10),
        ("max-seq-length", 14, 10),
        ("max-seq-length", 12, 10),
        ("no-learned-token", 0, 1),
    ]
    for removal, line, fact in zip(fitted.removed, (2, 3, 4, 5), facts, strict=True):
        assert (removal.file, removal.line, removal.hash) == (str(split.path), line, row_hash(raw[line - 1]))
        assert (removal.rule, removal.value, removal.threshold) == fact


def test_no_row_left_is_an_error(tmp_path: Path) -> None:
    """An empty selection is never trained on."""
    rows, split = rows_and_split(tmp_path, [(30, (2, 30)), (40, (2, 40))])
    with pytest.raises(DataError, match="all 2 are longer than 10 tokens"):
        fit_rows(rows, split, 10, "drop")


@pytest.mark.parametrize(
    ("length", "spans", "first", "kept"),
    [
        (8, ((4, 8),), 0, ((4, 8),)),
        (14, ((11, 14),), 4, ((7, 10),)),
        (20, ((3, 6), (8, 12), (17, 20)), 10, ((0, 2), (7, 10))),
        (20, ((5, 9),), 0, ((5, 9),)),
        (30, ((2, 30),), 0, ((2, 30),)),
        (20, ((10, 20),), 0, ((10, 20),)),
    ],
    ids=["short", "prompt cut", "turns cut", "answer inside anyway", "answer too long", "no room for a prompt"],
)
def test_the_last_answer_stays_whole(
    length: int, spans: tuple[tuple[int, int], ...], first: int, kept: tuple[tuple[int, int], ...]
) -> None:
    """The beginning goes, as little of it as possible; where the answer fills the limit the row is as it was."""
    row = keep_answer(TokenRow(list(range(length)), spans, line=3), 10)
    assert (row.tokens[0], row.spans, row.line) == (first, kept, 3)
    assert row.learned(10).size == sum(min(end, 10) - max(1, start) for start, end in kept if start < 10)


@pytest.mark.parametrize(("overlong", "truncated"), [("cut", 2), ("keep-answer", 3)])
def test_truncated_rows_are_counted(tmp_path: Path, overlong: Overlong, truncated: int) -> None:
    """From whichever side tokens were taken."""
    shapes = [(8, (4, 8)), (30, (2, 30)), (14, (8, 14)), *([(14, (11, 14))] if overlong == "keep-answer" else [])]
    assert fit_rows(*rows_and_split(tmp_path, shapes), 10, overlong).truncated == truncated


def test_a_run_leaves_the_ledger(make_plan: PlanMaker, tmp_path: Path) -> None:
    """The removed rows of both files lie beside the adapter, and the others are learned from."""
    long = chat(1)
    long["messages"][0]["content"] *= 200
    write_jsonl(tmp_path / "data" / "train.jsonl", [chat(1), long, *map(chat, range(2, 6))])
    write_jsonl(tmp_path / "data" / "valid.jsonl", [long, chat(9)])
    heard: list[Metric] = []
    train(make_plan(tmp_path / "run", data=str(tmp_path / "data")), on_metric=heard.append)
    (echo,) = (metric for metric in heard if isinstance(metric, Echo))
    assert (echo.train_rows, echo.valid_rows, echo.removed_rows, echo.truncated_rows) == (5, 1, 1, 0)
    ledger = [
        (Path(row["file"]).name, row["line"], row["rule"]) for _, row in read_jsonl(tmp_path / "run/run/removed.jsonl")
    ]
    assert ledger == [("train.jsonl", 2, "max-seq-length"), ("valid.jsonl", 1, "max-seq-length")]


def test_a_stage_counts_the_rows_that_are_left(make_plan: PlanMaker, tmp_path: Path) -> None:
    """A dropped row in front of others does not shift what a stage selects."""
    rows = [{**chat(number), "level": number % 2} for number in range(6)]
    rows[0]["messages"][0]["content"] *= 200
    write_jsonl(tmp_path / "train.jsonl", rows)
    stage = {"name": "odd", "iters": 6, "where": {"level": [1]}, "order": "given"}
    plan = make_plan(tmp_path / "run", data=str(tmp_path), iters=6, stages=[stage], **STEADY)
    learner = build_learner(plan, read_teaching_rows(tmp_path, 3), *load_student(plan))
    steps = staged_order(learner.views, RowsPerStep(3, 256), learner.train_rows, 0, 0)
    assert [[learner.train_rows[index].line for index in step] for step in steps] == [[2, 4, 6]] * 6
