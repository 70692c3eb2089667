"""The child that shows a row: `python -m punie.child punie.data.look.trainer_view_worker TASK ANSWER`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import msgspec
from jinja2 import TemplateError
from mlx_lm.tuner.datasets import create_dataset
from mlx_lm.utils import load_tokenizer

from punie.data.look.trainer_view import Piece, Refused, Task, TrainerView

_TEMPLATE_ERRORS = (TemplateError, KeyError, TypeError, ValueError, AttributeError, IndexError)


def main() -> None:
    task = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Task)
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(_look(task)))


def _look(task: Task) -> TrainerView | Refused:
    try:
        tokenizer = load_tokenizer(Path(task.model))
    except (ValueError, OSError, KeyError, TypeError, ImportError) as error:
        return Refused(f"mlx-lm cannot load this model's tokenizer: {error}.", by_row=False)
    is_text = "text" in task.row and "messages" not in task.row and "completion" not in task.row
    if not is_text and not tokenizer.has_chat_template:
        return Refused("The model has no chat template, so it cannot read chats.", by_row=False)
    try:
        settings = SimpleNamespace(mask_prompt=task.mask_prompt and not is_text)
        dataset = create_dataset([task.row], tokenizer, settings)
        tokens, offset = dataset.process(dataset[0])
    except _TEMPLATE_ERRORS as error:
        return Refused(f"The chat template refuses this row: {error}.", by_row=True)
    return TrainerView(list(_pieces(tokens, offset, task.max_seq_length, tokenizer)))


def _pieces(tokens: Sequence[int], offset: int, max_seq_length: int, tokenizer: Any) -> Iterator[Piece]:
    """The first token of a row is never predicted, so it is never learned."""

    def fate(index: int) -> Literal["learned", "masked", "cut"]:
        if index >= max_seq_length:
            return "cut"
        return "learned" if index >= max(offset, 1) else "masked"

    for shared, indices in groupby(range(len(tokens)), fate):
        ids = [tokens[index] for index in indices]
        yield Piece(shared, len(ids), tokenizer.decode(ids))


if __name__ == "__main__":
    main()
