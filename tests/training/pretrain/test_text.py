"""Rows of ids: the text in its order, and the warm-up that can only be solved by copying."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from tokenizers import Tokenizer

from punie.generate.documents import draw_documents
from punie.training.pretrain.recipe import Induction
from punie.training.pretrain.text import repeated_rows, sample_text, token_rows
from punie.training.pretrain.tokenizer import END, train_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(sample_text(1, 500), 400)


def test_rows_are_the_documents_in_order(tokenizer: Tokenizer) -> None:
    """Nothing is left out, padded or drawn twice, also beyond the first chunk of documents."""
    rows = np.concatenate([row.ravel() for row in islice(token_rows(tokenizer, 5, rows=4, length=99), 300)])
    text = "".join(f"{document}{END}" for document in islice(draw_documents(5), 1600))
    ids = tokenizer.encode(text).ids
    assert len(ids) > len(rows) == 300 * 4 * 100
    assert rows.tolist() == ids[: len(rows)]


def test_the_tokenizer_is_trained_on_other_text() -> None:
    """Its text is drawn from another seed than the rows of the same recipe."""
    ours, rows = (
        {text for text in texts if "def " in text} for texts in (sample_text(5, 99), islice(draw_documents(5), 99))
    )
    assert ours
    assert not ours & rows


@pytest.mark.parametrize(("step", "known"), [(0, 64), (1, 64), (2, 1000)])
def test_a_warm_up_row_repeats_itself(step: int, known: int) -> None:
    """Every target from `first` on stood in the row before, in the same order; narrow steps use few ids."""
    induction = Induction(narrow_steps=2, narrow_vocabulary=64, rows=6, length=40)
    rng = np.random.default_rng(1)
    for _ in range(40):
        rows, first = repeated_rows(induction, 1000, step, rng)
        assert rows.shape == (6, 41)
        repeated = rows[:, 1 + first :]
        assert (repeated == rows[:, : repeated.shape[1]]).all()
        assert repeated.shape[1] >= 16
        assert len(np.unique(rows)) <= known


def test_the_distance_of_a_repeat_varies() -> None:
    """Copying cannot be learned as looking back by a fixed number of positions."""
    rng = np.random.default_rng(1)
    assert len({repeated_rows(Induction(), 1000, 300, rng)[1] for _ in range(60)}) > 3
