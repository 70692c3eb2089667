"""A chat template as a list of turns, where it is no more than that. Runs in the shipping child.

Programs with a template language of their own need the template anew. What stands around each turn is read off the
renderings of a few chats; then other chats are put together from it, and must come out as the template has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from jinja2 import TemplateError
from mlx_lm.utils import load_config, load_tokenizer

from punie.errors import UsageError
from punie.shipping.messages import Turns, TurnsAsked

Message = dict[str, str]
Render = Callable[[Sequence[Message], bool], str]
"""A chat as text, with what makes the model answer or without it."""

_TEXTS = ("one", " two\n", "\n\n three <b> ", "{{ four }}\t'\"", "fünf", "def six():\n    return 6\n", "seven", "eight")
_PROBES = ("u", "su", "uau", "suau", "uauau", "suauau")
_ROLES = {"s": "system", "u": "user", "a": "assistant"}


def find_turns(asked: TurnsAsked) -> Iterator[Turns]:
    """Raises UsageError where mlx-lm cannot load the tokenizer."""
    folder = Path(asked.model)
    try:
        tokenizer = load_tokenizer(folder, eos_token_ids=load_config(folder).get("eos_token_id"))
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise UsageError(f"mlx-lm cannot load this model's tokenizer: {error}.", where=asked.model) from error
    stops = [tokenizer.decode([token]) for token in sorted(tokenizer.eos_token_ids)]
    if not tokenizer.has_chat_template:
        yield Turns(stops, unlike="the model has no chat template")
        return

    def render(chat: Sequence[Message], answering: bool) -> str:
        return tokenizer.apply_chat_template(list(chat), tokenize=False, add_generation_prompt=answering)

    yield read_turns(render, stops, tokenizer.bos_token)


def read_turns(render: Render, stops: list[str], begin: str | None) -> Turns:
    """`begin`: the token that programs put before every text, or leave out, as they see fit."""
    try:
        turns = _derived(render, stops)
        wrong = next((kinds for kinds in _PROBES if render(chat(kinds), True) != spoken(turns, chat(kinds))), None)
    except (TemplateError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return Turns(stops, unlike=f"the chat template is more than a list of turns ({' '.join(str(error).split())})")
    if wrong is not None:
        chat_of = " ".join(_ROLES[kind] for kind in wrong)
        return Turns(stops, unlike=f"the chat template is more than a list of turns (seen with: {chat_of})")
    if begin and begin in spoken(turns, chat("su")) + turns.opening:
        return Turns(stops, unlike=f"the chat template writes {begin}, which other programs may write a second time")
    return turns


def chat(kinds: str) -> list[Message]:
    """Messages of these roles, by their first letters, with texts that a template could change by stripping."""
    return [{"role": _ROLES[kind], "content": _TEXTS[place]} for place, kind in enumerate(kinds)]


def spoken(turns: Turns, messages: Sequence[Message]) -> str:
    """A chat put together from its turns, up to where the model answers."""
    pieces = [turns.around[message["role"]] for message in messages]
    said = (before + message["content"] + after for (before, after), message in zip(pieces, messages, strict=True))
    opening = "" if messages[0]["role"] == "system" else turns.opening
    return opening + "".join(said) + turns.answer


def _derived(render: Render, stops: list[str]) -> Turns:
    """Raises ValueError where a chat does not begin as the shorter chat did."""
    user, answered, again = (render(chat(kinds), False) for kinds in ("u", "ua", "uau"))
    around = {
        "user": _around(_added(again, answered), _TEXTS[2]),
        "assistant": _around(_added(answered, user), _TEXTS[1]),
    }
    opening = user.removesuffix(around["user"][0] + _TEXTS[0] + around["user"][1])
    asked = around["user"][0] + _TEXTS[1] + around["user"][1]
    around["system"] = _around(render(chat("su"), False).removesuffix(asked), _TEXTS[0])
    return Turns(stops, opening=opening, around=around, answer=_added(render(chat("u"), True), user))


def _added(longer: str, shorter: str) -> str:
    if not longer.startswith(shorter):
        raise ValueError("a turn changes those before it")
    return longer.removeprefix(shorter)


def _around(text: str, content: str) -> tuple[str, str]:
    before, found, after = text.partition(content)
    if not found:
        raise ValueError("a text is changed")
    return before, after
