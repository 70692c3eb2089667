"""The loss of single rows, as a measure of how hard they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest
from mlx_lm.tuner.trainer import default_loss
from signals import Hit

from punie.curriculum.measure import Unscored
from punie.curriculum.score import LEDGER, score
from punie.data.dataset import read_manifest
from punie.data.progress import Step
from punie.data.source import open_source, read_rows
from punie.errors import TrainingError, UsageError
from punie.files import read_jsonl, write_jsonl
from punie.training.batches import make_batch
from punie.training.row_loss import loss_measure
from punie.training.rows import read_teaching_rows
from punie.training.student import load_model, load_student
from punie.training.tokens import tokenize

from .conftest import PlanMaker

LIMIT = 64
LONG = "word " * 200
STRANGE: list[tuple[dict[str, Any], str]] = [
    ({"messages": [{"role": "user", "content": "Only a question."}]}, "cannot be taught from"),
    (
        {"messages": [{"role": "user", "content": LONG}, {"role": "assistant", "content": "Yes."}]},
        f"no token of the answer is within the first {LIMIT}",
    ),
    (
        {
            "messages": [
                {"role": "user", "content": "Do it."},
                {"role": "assistant", "content": None, "tool_calls": [{"name": "go", "arguments": "not JSON"}]},
                {"role": "tool", "content": "done"},
                {"role": "assistant", "content": "  "},
            ]
        },
        "the chat template cannot render it, or tell its answers",
    ),
]


TEXTS = [{"text": "a = 3\nb = 4\nprint(a + b)\n# output\n# 7"}, {"text": "zq~ %% 0xk ;; jj^ &~ wv}{ "}]


@pytest.fixture(scope="module")
def folder(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 and 4 chats, then rows of other kinds."""
    folder = tmp_path_factory.mktemp("rows")
    for split in ("train", "valid"):
        write_jsonl(folder / f"{split}.jsonl", (row for _, row in read_jsonl(data / f"{split}.jsonl")))
    write_jsonl(folder / "test.jsonl", [*TEXTS, *(row for row, _ in STRANGE)])
    return folder


@pytest.fixture(scope="module")
def scored(folder: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output, heard = tmp_path_factory.mktemp("scored") / "data", list[Step]()
    score(folder, output, [loss_measure(folder, tiny_model, max_seq_length=LIMIT, progress=heard.append)])
    assert (heard[-1].done, heard[-1].total) == (25, 25)
    return output


def losses(folder: Path, split: str) -> list[float | None]:
    return [row.get("metadata", {}).get("loss") for _, row in read_jsonl(folder / f"{split}.jsonl")]


def test_a_rows_loss_is_what_mlx_lm_computes(make_plan: PlanMaker, folder: Path, scored: Path, tmp_path: Path) -> None:
    """To 1e-5, over the tokens of the answer, for every row of every split."""
    plan = make_plan(tmp_path / "unused", data=str(folder), mask="assistant", max_seq_length=LIMIT)
    model, tokenizer = load_student(plan)
    rows = read_teaching_rows(folder, 1)
    tokens = [*tokenize(rows.train, tokenizer, plan), *tokenize(rows.valid, tokenizer, plan)]
    batches = [make_batch([row], LIMIT) for row in tokens]
    expected = [default_loss(model, mx.array(one.tokens), mx.array(one.spans))[0].item() for one in batches]
    assert len(expected) == 20
    assert [*losses(scored, "train"), *losses(scored, "valid")] == pytest.approx(expected, abs=1e-5)


def test_a_text_is_scored_as_a_whole(scored: Path) -> None:
    """What the model has seen is easier than noise."""
    known, noise, *_ = losses(scored, "test")
    assert known is not None
    assert noise is not None
    assert 0 < known < noise


def test_a_row_without_a_loss_has_a_reason_and_the_others_go_on(scored: Path) -> None:
    """It cannot be taught from, rendered, or learned from within the limit."""
    assert losses(scored, "test")[2:] == [None] * len(STRANGE)
    ledger = [row for _, row in read_jsonl(scored / LEDGER)]
    assert [(line["line"], line["reason"]) for line in ledger] == list(enumerate((why for _, why in STRANGE), start=3))


def test_the_manifest_says_which_model_was_asked(scored: Path) -> None:
    """By its hash, with the versions that computed."""
    made_with = read_manifest(scored).recipe["made_with"]["loss"]
    assert made_with["model_hash"].startswith("sha256:")
    assert made_with["max_seq_length"] == str(LIMIT)
    assert {"mlx", "mlx-lm"} <= set(made_with)


def test_of_a_text_only_what_follows_the_mark_counts(folder: Path, scored: Path, tiny_model: Path) -> None:
    """The mean over its tokens, from the log-probabilities of the whole text; chats count as without a mark."""
    measure = loss_measure(folder, tiny_model, max_seq_length=LIMIT, after="# output")
    rows = {(row.split, row.number): row for row in read_rows(open_source(folder))}
    found = measure.figure(rows["test", 1])
    assert measure.figure(rows["test", 2]) == Unscored("the text has no '# output'")
    model, tokenizer = load_model(str(tiny_model))
    tokens = [*tokenizer.encode(TEXTS[0]["text"]), tokenizer.eos_token_id]
    logits = model(mx.array([tokens[:-1]]))[0]
    each = (mx.logsumexp(logits, axis=-1) - logits[mx.arange(len(tokens) - 1), mx.array(tokens[1:])]).tolist()
    behind = len(tokenizer.encode(TEXTS[0]["text"].removesuffix("\n# 7"))) - 1
    assert tokenizer.decode(tokens[behind + 1 : -1]) == "\n# 7"
    assert found == pytest.approx(sum(each[behind:]) / len(each[behind:]), abs=1e-4)
    assert measure.figure(rows["valid", 1]) == pytest.approx(losses(scored, "valid")[0], abs=1e-5)


@pytest.mark.slow
def test_a_child_that_dies_leaves_no_figures(folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of its answers are not taken for all."""
    Hit("row_loss_worker", "open valid.jsonl 1").arm(monkeypatch)
    with pytest.raises(TrainingError, match="The model answered for 16 of 25 rows"):
        loss_measure(folder, tiny_model)


def test_a_model_that_cannot_be_loaded_is_the_users_to_correct(tmp_path: Path) -> None:
    """The child's own error arrives, and no figure does."""
    write_jsonl(tmp_path / "rows.jsonl", [{"text": "a"}])
    (tmp_path / "hollow").mkdir()
    (tmp_path / "hollow" / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="mlx-lm cannot load this model"):
        loss_measure(tmp_path / "rows.jsonl", tmp_path / "hollow")
