"""The cross-phase matrix as a table of the page and as results in Markdown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from punie.errors import UsageError
from punie.report.phases import matrix_table, results_markdown
from punie.report.scored import checkpoint_scores
from punie.report.training import TrainingRecord
from punie.report.training_page import render_training
from punie.training.adapter import AdapterFolder
from punie.training.fixed_rows import FULL
from punie.training.matrix import START, Matrix
from punie.training.metrics import Scored, StageBegan
from punie.training.request import parse_plan
from punie.training.scores import Score

BASIS = {"model_hash": "m", "rows_hash": "sha256:abc", "mask": "last", "max_seq_length": 512, "overlong": "cut"}


def point(name: str, stage: str | None, selects: list[str], losses: dict[str, float]) -> dict[str, Any]:
    tokens, shares = [10] * 8, [9, 11] * 4
    cells = {
        key: {"loss": loss, "right": 0.25, "row_losses": [loss * share for share in shares], "row_tokens": tokens}
        for key, loss in losses.items()
    }
    figures = {"iterations": 12, "updates": 6, "seconds": 90.0, "weights_hash": name}
    return {"name": name, "run": "adapters/phases", "stage": stage, "selects": selects, "cells": cells, **figures}


def matrix(*points: dict[str, Any], **basis: object) -> Matrix:
    values = {"rows_file": "test.jsonl", "field": "category", "per_category": 8, "adapter": points[-1]["name"]}
    return Matrix.model_validate({"basis": {**BASIS, **basis}, "checkpoints": points, **values})


CHAIN = (
    point(START, None, [], {"naming": 4.0, "writing": 5.0, FULL: 4.5}),
    point("a", "a", ["naming"], {"naming": 1.0, "writing": 4.0, FULL: 2.5}),
    point("b", "b", ["writing"], {"naming": 2.0, "writing": 3.0, FULL: 2.4}),
)
MIXED = (point(START, None, [], {FULL: 4.5}), point("adapter", None, [], {FULL: 2.0}))


def test_the_table_says_what_was_learned_where_it_was_best_and_what_is_forgotten() -> None:
    """In words and signs, so that no colour is needed."""
    table = matrix_table(matrix(*CHAIN))
    assert table.columns == (START, "a", "b")
    rows = {row.category: ([cell.text for cell in row.cells], row.forgotten, row.word) for row in table.body}
    assert rows == {
        "naming": (["4.0000", "1.0000 ▾ •", "2.0000"], "+1.0000 (+0.9250 to +1.0750)", "forgot"),
        "writing": (["5.0000", "4.0000", "3.0000 ▾ •"], "−1.0000 (−1.0750 to −0.9250)", ""),
        FULL: (["4.5000", "2.5000", "2.4000 ▾"], "−0.1000 (−0.1075 to −0.0925)", ""),
    }
    assert "8 of the full set (rows sha256:abc, mask last)" in table.basis


def test_checkpoints_have_the_scores_that_fell_on_them(tmp_path: Path) -> None:
    """By the iteration at which a stage ended; none for the start, for other runs, and where a scoring broke."""
    points = [{**one, "run": str(tmp_path if one["stage"] else "elsewhere")} for one in CHAIN]
    told = [StageBegan(iteration=0, stage="a", rows=9, iters=5), StageBegan(iteration=5, stage="b", rows=9, iters=5)]
    scores = [Score(at, "six:dev", "hash", right=at, counted=9, answers=9) for at in (5, 7)]
    scores.append(Score(10, "six:dev", "hash", failure="broke"))
    metrics = (*told, *(Scored(iteration=score.iteration, score=score, left=0) for score in scores))
    plan = parse_plan({"model": "m", "data": "d", "adapter_path": str(tmp_path)}, where="test")
    record = TrainingRecord(AdapterFolder(tmp_path), plan, metrics, None, (), matrix(*points), None)
    assert checkpoint_scores(record) == (None, scores[0], None)
    assert checkpoint_scores(replace(record, metrics=metrics[:2])) == ()
    assert "5 of 9" in render_training(record)


def test_the_results_are_tables_of_each_phase_and_the_baseline() -> None:
    """Loss, steps and time of each, then both ways to train on the same rows."""
    text = results_markdown(matrix(*CHAIN), matrix(*MIXED))
    assert "## a\n\n| Metric | Value |" in text
    for line in (
        "| Eval loss on its own category values | 1.0000 |",
        "| Training steps | 6 updates, 12 batches |",
        "| Checkpoint | adapters/phases/stages/a |",
        "| phases (baseline) | 2.0000 | 25.0% | all rows at once |",
        "| phases (b) | 2.4000 | 25.0% | phase after phase |",
        "| naming | 8 | 4.0000 | 1.0000 ▾ • | 2.0000 | +1.0000 (+0.9250 to +1.0750) forgot |",
    ):
        assert line in text
    assert "No baseline was given" in results_markdown(matrix(*CHAIN))


def test_losses_on_other_rows_are_not_compared() -> None:
    """The error names what differs."""
    with pytest.raises(UsageError, match="another rows_hash and mask"):
        results_markdown(matrix(*CHAIN), matrix(*MIXED, rows_hash="other", mask="none"))


def test_too_few_rows_have_no_interval_and_no_verdict() -> None:
    """A loss that rose on seven rows is told, and not called forgotten."""
    few = matrix(*CHAIN)
    for checkpoint in few.checkpoints:
        cell = checkpoint.cells["naming"]
        shorter = {"row_losses": cell.row_losses[:7], "row_tokens": cell.row_tokens[:7]}
        checkpoint.cells["naming"] = cell.model_copy(update=shorter)
    (row,) = [row for row in matrix_table(few).body if row.category == "naming"]
    assert (row.rows, row.forgotten, row.word) == (7, "+0.9857", "")
