"""An imported row: what the format did not know is kept, and what cannot be imported says why."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

Source = Mapping[str, Any]
Row = dict[str, Any]
Convert = Callable[[Source], Row]


class CannotImport(ValueError):
    """The reason, which the ledger keeps."""


def imported(
    body: Row, source: Source, used: Collection[str], *, origin: str, id: str, category: str, licence: str, **kept: Any
) -> Row:
    """`body` is the shape to learn from. `metadata` gets where it came from, `kept`, and each field not `used`."""
    known = {"source": origin, "source_id": id, "category": category, "licence": licence, **kept}
    rest = {key: value for key, value in source.items() if key not in used}
    return {"id": id, "category": category, **body, "metadata": {**rest, **known}}


def text_of(source: Source, *keys: str) -> str:
    """The text under the first of the keys that is there. Raises CannotImport where there is none, or it is blank."""
    value = next((source[key] for key in keys if key in source), None)
    if not isinstance(value, str) or not value.strip():
        raise CannotImport(f"{' or '.join(keys)} is not a text")
    return value


def literal(text: str) -> Any:
    """JSON or a Python literal. Raises CannotImport where it is neither."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise CannotImport(f"neither JSON nor a Python literal: {text[:80]!r}") from None
