"""Which tokens of a row are learned: spans found by rendering beginnings of the conversation with the chat template.

A template need not write the beginning of a conversation as it writes the whole, so every span is checked against the
row's own tokens and, for answers, against the text they decode to. Runs in the training child.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from punie.training.knobs import Mask

Spans = tuple[tuple[int, int], ...]


class UnmaskableRow(ValueError):
    """The template gives no way to tell which tokens are an answer's."""


@dataclass(frozen=True, slots=True)
class RenderedChat:
    """A conversation, and its tokens as the chat template makes them."""

    messages: Sequence[dict[str, Any]]
    tools: Sequence[dict[str, Any]] | None
    tokens: Sequence[int]
    tokenizer: Any

    def start(self, index: int) -> int:
        """Where message `index` begins. Raises UnmaskableRow.

        For an answer that is behind the header with which the model is asked to speak. Where a template puts more into
        that header than it puts into the row, as templates with thinking do, it is where the two part.
        """
        answers = self.messages[index]["role"] == "assistant"
        before = self._render(index, answers)
        parted = common_prefix(before, self.tokens)
        if parted < len(before) and parted < len(self._render(index, False)):
            raise UnmaskableRow(f"the template writes what precedes message {index} otherwise once more follows")
        return parted

    def end(self, index: int, start: int) -> int:
        """One past the last token of answer `index`: its mark of the end is learned. Raises UnmaskableRow."""
        if index == len(self.messages) - 1:
            return len(self.tokens)
        until = self._render(index + 1, False)
        if common_prefix(until, self.tokens) == len(until):
            return len(until)
        # Templates that drop the thoughts of earlier turns write an answer otherwise once more follows.
        marks = self.tokenizer.eos_token_ids
        return next((at + 1 for at in range(start, len(self.tokens)) if self.tokens[at] in marks), start)

    def require_answer(self, index: int, start: int, end: int) -> None:
        """Raises UnmaskableRow where the span does not say what the message says."""
        content = self.messages[index].get("content")
        said = _letters(content.rpartition("</think>")[2]) if isinstance(content, str) else ""
        if start >= end or said not in _letters(self.tokenizer.decode(list(self.tokens[start:end]))):
            raise UnmaskableRow(f"the answer in message {index} is not found in the rendered row")

    def _render(self, count: int, asks: bool) -> Sequence[int]:
        if count == 0 and not asks:
            return ()
        return self.tokenizer.apply_chat_template(
            self.messages[:count], tools=self.tools, add_generation_prompt=asks, return_dict=False
        )


def everything(chat: RenderedChat) -> Spans:
    return ((0, len(chat.tokens)),)


def behind_the_prompt(chat: RenderedChat) -> Spans:
    """From the first answer on."""
    first = next((index for index, message in enumerate(chat.messages) if message["role"] == "assistant"), None)
    return () if first is None else ((chat.start(first), len(chat.tokens)),)


def every_answer(chat: RenderedChat) -> Spans:
    spans = []
    for index, message in enumerate(chat.messages):
        if message["role"] == "assistant":
            start = max(chat.start(index), spans[-1][1] if spans else 0)
            end = chat.end(index, start)
            chat.require_answer(index, start, end)
            spans.append((start, end))
    return tuple(spans)


def the_last_message(chat: RenderedChat) -> Spans:
    """As mlx-lm's `mask_prompt`."""
    return ((chat.start(len(chat.messages) - 1), len(chat.tokens)),)


MASKERS: dict[Mask, Callable[[RenderedChat], Spans]] = {
    "none": everything,
    "prompt": behind_the_prompt,
    "assistant": every_answer,
    "last": the_last_message,
}


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens the two begin with alike."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(first), len(second)))


def _letters(text: str) -> str:
    """Without white space, which templates trim and tokenizers rewrite."""
    return "".join(text.split())
