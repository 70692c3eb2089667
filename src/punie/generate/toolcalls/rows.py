"""A conversation as a row: messages and tools as mlx-lm reads them, or one text in a family's own layout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from punie.generate.dice import Dice
from punie.generate.toolcalls.conversations import Drawn
from punie.generate.toolcalls.exchanges import Exchange
from punie.generate.toolcalls.layout import Layout

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def make_row(drawn: Drawn, name: str, layout: Layout | None) -> dict[str, Any]:
    """`metadata` keep what the row is and which templates its questions were made from."""
    messages = list(_messages(drawn, Dice(f"ids {name}")))
    declared = [tool.declaration() for tool in drawn.tools]
    if layout is not None:
        content: dict[str, Any] = {"text": layout.write(messages, declared)}
    else:
        content = {"messages": messages, **({"tools": declared} if declared else {})}
    calls = [call for exchange in drawn.exchanges for call in exchange.calls]
    about = {"form": drawn.form, "calls": len(calls), "templates": list(drawn.templates)}
    return {"id": name, "category": drawn.kind, **content, "metadata": about}


def _messages(drawn: Drawn, dice: Dice) -> Iterator[dict[str, Any]]:
    speaker = "user"
    for turn in drawn.turns:
        if isinstance(turn, Exchange):
            yield from _exchange(turn, dice)
            speaker = "user"
        else:
            yield {"role": speaker, "content": turn}
            speaker = "assistant" if speaker == "user" else "user"


def _exchange(turn: Exchange, dice: Dice) -> Iterator[dict[str, Any]]:
    """Calls stand alone in their message, with ids of nine letters and digits, which Mistral's templates insist on."""
    ids = ["".join(dice.pick(_ALPHABET) for _ in range(9)) for _ in turn.calls]
    calls = [{"id": id, **call.to_row()} for id, call in zip(ids, turn.calls, strict=True)]
    yield {"role": "assistant", "content": "", "tool_calls": calls}
    for id, call, result in zip(ids, turn.calls, turn.results, strict=True):
        yield {"role": "tool", "tool_call_id": id, "name": call.name, "content": result}
    if turn.answer:
        yield {"role": "assistant", "content": turn.answer}
