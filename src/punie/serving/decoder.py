"""From token ids back to the text a model wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from punie.errors import UsageError
from punie.files import read_json

Decode = Callable[[Sequence[int]], str]


class TokenDecoder:
    """Token ids to raw text, by the model's own tokenizer.json; the token that ended the answer is left out."""

    def __init__(self, model: Path) -> None:
        from tokenizers import Tokenizer

        path = model / "tokenizer.json"
        if not path.is_file():
            raise UsageError("The model has no tokenizer.json.", where=str(model), hint="Convert it with mlx_lm first.")
        self._tokenizer = Tokenizer.from_file(str(path))
        self._ends = self._end_tokens(model)

    def __call__(self, ids: Sequence[int]) -> str:
        ended = bool(ids) and ids[-1] in self._ends
        return self._tokenizer.decode(list(ids[:-1] if ended else ids), skip_special_tokens=False)

    def _end_tokens(self, model: Path) -> frozenset[int]:
        ends: set[int] = set()
        for name in ("config.json", "generation_config.json"):
            declared = _read_optional(model / name).get("eos_token_id")
            ends.update(declared if isinstance(declared, list) else [] if declared is None else [declared])
        token = _read_optional(model / "tokenizer_config.json").get("eos_token")
        named = token.get("content") if isinstance(token, dict) else token
        number = self._tokenizer.token_to_id(named) if named else None
        return frozenset(ends if number is None else ends | {number})


def _read_optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}
