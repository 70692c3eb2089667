"""The child that measures rows: `python -m punie.child punie.training.row_loss_worker ASKED ANSWERS`.

The loss is training's own, of one row at a time, with the same tokens and the same cut: what a validation over these
rows would average.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec

from punie.data.schema import row_problem, row_shape
from punie.data.source import SourceRow, open_source, read_rows
from punie.errors import DataError, PunieError
from punie.training import memory
from punie.training.attention import attention_in_blocks
from punie.training.batches import TokenRow, make_group
from punie.training.head import split_model
from punie.training.loss import measured_loss
from punie.training.masking import MASKERS, common_prefix
from punie.training.metrics import Failed
from punie.training.row_loss import Answered, Asked, RowLoss, RowRefused
from punie.training.rows import Split
from punie.training.student import load_model
from punie.training.tokens import token_rows


def main() -> None:
    asked = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Asked)
    with Path(sys.argv[2]).open("ab", buffering=0) as out:
        try:
            for answer in _answers(asked):
                out.write(msgspec.json.encode(answer) + b"\n")
        except PunieError as error:
            out.write(msgspec.json.encode(Failed.of(error)) + b"\n")


def _answers(asked: Asked) -> Iterator[Answered]:
    memory.require_weights_fit(Path(asked.model), memory.allowed(None))
    model, tokenizer = load_model(asked.model)
    model.freeze()
    model.eval()
    judge = _Judge(model, tokenizer, asked)
    with attention_in_blocks(model):
        for row in read_rows(open_source(Path(asked.source))):
            yield judge.answer(row)


class _NoLoss(Exception):
    """Why, and what there is to add."""


class _Judge:
    """One model's view of rows."""

    def __init__(self, model: Any, tokenizer: Any, asked: Asked) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._limit, self._mark = asked.max_seq_length, asked.after
        self._loss = measured_loss(split_model(model, tokenizer.encode("a row to try the halves of the model on")))

    def answer(self, row: SourceRow) -> Answered:
        try:
            tokens = self._tokens(row.row, row.path)
            learned = len(tokens.learned(self._limit))
            return RowLoss(row.split, row.number, self._mean(tokens, learned), learned)
        except _NoLoss as why:
            reason, detail = why.args
            return RowRefused(row.split, row.number, reason, detail)

    def _tokens(self, row: dict[str, Any], path: Path) -> TokenRow:
        """Raises _NoLoss where training could not learn from the row either, or the mark is not there."""
        if (problem := row_problem(row)) is not None:
            raise _NoLoss("cannot be taught from", problem)
        if (shape := row_shape(row)) == "text":
            (tokens,) = token_rows(Split(path, shape, (row,)), self._tokenizer, MASKERS["none"])
            return tokens if self._mark is None else self._behind(self._mark, row["text"], tokens)
        if not self._tokenizer.has_chat_template:
            raise _NoLoss("the model has no chat template", "")
        try:
            (tokens,) = token_rows(Split(path, shape, (row,)), self._tokenizer, MASKERS["assistant"])
        except DataError as error:
            raise _NoLoss("the chat template cannot render it, or tell its answers", error.what) from error
        return tokens

    def _behind(self, mark: str, text: str, row: TokenRow) -> TokenRow:
        """A token that reaches across the end of the mark is learned."""
        if mark not in text:
            raise _NoLoss(f"the text has no {mark!r}", "")
        before = self._tokenizer.encode(text[: text.index(mark) + len(mark)])
        return replace(row, spans=((common_prefix(before, row.tokens), len(row.tokens)),))

    def _mean(self, row: TokenRow, learned: int) -> float:
        """Nats per learned token."""
        if not learned:
            raise _NoLoss(f"no token of the answer is within the first {self._limit}", "")
        group = make_group([row], self._limit)
        total: Any = self._loss(self._model, mx.array(group.inputs), group.places, mx.array(group.targets), None)
        if not math.isfinite(mean := total.item() / learned):
            raise _NoLoss("the loss is not a number", str(mean))
        return mean


if __name__ == "__main__":
    main()
