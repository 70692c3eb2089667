"""Rows as tokens, with the spans that are learned, as mlx-lm's own dataset makes them. Runs in the training child."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2 import TemplateError
from mlx_lm.tuner.datasets import create_dataset

from punie.errors import DataError, UsageError
from punie.files import hash_file
from punie.training.batches import TokenRow
from punie.training.masking import MASKERS, RenderedChat, Spans, UnmaskableRow
from punie.training.plan import TrainingPlan
from punie.training.rows import Split
from punie.training.token_cache import TokenCache

_DECISIVE = ("mlx-lm", "transformers", "tokenizers", "jinja2")
"""Packages of which another version may tokenize otherwise."""


def tokenize(split: Split, tokenizer: Any, plan: TrainingPlan) -> list[TokenRow]:
    """Every row of the file in whole, from the cache where it was tokenized before.

    Raises UsageError where model and rows do not fit together, DataError where a row cannot be rendered or masked.
    """
    if not split.rows:
        return []
    _require_fit(split, tokenizer, plan)
    versions = [version(name) for name in _DECISIVE]
    template = str(tokenizer.chat_template)
    cache = TokenCache.of(hash_file(split.path), Path(plan.model), template, plan.mask, versions)
    found = cache.read()
    if found is not None and len(found) == len(split.rows):
        return found
    rows = token_rows(split, tokenizer, MASKERS[plan.mask])
    cache.write(rows)
    return rows


def token_rows(split: Split, tokenizer: Any, masker: Callable[[RenderedChat], Spans]) -> list[TokenRow]:
    """Without the cache. Raises DataError where a row cannot be rendered or masked."""
    dataset = create_dataset(list(split.rows), tokenizer, SimpleNamespace(mask_prompt=False))
    return [_token_row(dataset, split, index, masker) for index in range(len(split.rows))]


def _require_fit(split: Split, tokenizer: Any, plan: TrainingPlan) -> None:
    if split.shape == "text" and plan.mask != "none":
        raise UsageError(
            f"mask {plan.mask} has no meaning for text rows, which have no prompt.",
            where=str(split.path),
            hint="Leave mask out, or use messages, or prompt and completion.",
        )
    if split.shape != "text" and not tokenizer.has_chat_template:
        raise UsageError(
            f"The model has no chat template, which {split.shape} rows need.",
            where=plan.model,
            hint="Use the instruct version of the model, or rows with text.",
        )


def _token_row(dataset: Any, split: Split, index: int, masker: Callable[[RenderedChat], Spans]) -> TokenRow:
    row = split.rows[index]
    try:
        tokens, _ = dataset.process(dataset[index])
        spans = masker(RenderedChat(_messages(row), row.get("tools"), tokens, dataset.tokenizer))
        return TokenRow(tokens, spans, line=index + 1)
    except UnmaskableRow as error:
        raise DataError(
            f"Its answers cannot be told from the rest: {error}.",
            where=split.place(index),
            hint="Use mask last or prompt, or cut the conversation into rows of one answer each.",
        ) from error
    except (TemplateError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DataError(
            f"The chat template refuses this row: {error}.",
            where=split.place(index),
            hint="Check roles, their order, and the form of tool calls that this model's template wants.",
        ) from error


def _messages(row: dict[str, Any]) -> list[dict[str, Any]]:
    """A row as the conversation that mlx-lm makes of it; a text is none."""
    if "prompt" in row and "completion" in row:
        return [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["completion"]}]
    return row.get("messages", [])
