"""That a model speaks the same tokens after it was written anew. Runs in the shipping child."""

from __future__ import annotations

from typing import Any

from punie.errors import DataError
from punie.shipping.probes import PROMPTS


def require_same_tokenizer(before: Any, after: Any, where: str) -> None:
    """Raises DataError where the ids of text, the ends of answers or the chat template came out otherwise."""
    checks = {
        "the tokens of text": lambda tokenizer: [list(tokenizer.encode(text)) for text in PROMPTS],
        "the tokens that end an answer": lambda tokenizer: set(tokenizer.eos_token_ids),
        "the chat template": lambda tokenizer: tokenizer.chat_template,
    }
    changed = [what for what, read in checks.items() if read(before) != read(after)]
    if changed:
        raise DataError(
            f"mlx-lm wrote another tokenizer than it read: {' and '.join(changed)} changed.",
            where=where,
            hint="Nothing was kept. Look at the tokenizer files of the model you gave.",
        )
