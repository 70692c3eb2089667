"""What asking a teacher may cost: requests, tokens and money, none of which is ever gone beyond.

A question is asked only where the most it can cost is still there. Its prompt counts as one token for each byte, which
no tokenizer goes beyond, until the server says how many there were.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from punie.errors import UsageError

_MILLION = 1_000_000
_TEMPLATE_TOKENS = 256
"""What a chat template may add to the bytes of a question."""


class BudgetSpent(Exception):
    """The next request could cost more than there is left. Never leaves `punie.distil`."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of questions and of answers, which have two prices."""

    prompt: int = 0
    answer: int = 0

    @property
    def total(self) -> int:
        return self.prompt + self.answer

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.prompt + other.prompt, self.answer + other.answer)

    def __sub__(self, other: Tokens) -> Tokens:
        return Tokens(self.prompt - other.prompt, self.answer - other.answer)


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits, None where there is none. Prices are for a million tokens, in whatever money the user counts."""

    requests: int | None = None
    tokens: int | None = None
    money: float | None = None
    prompt_price: float = 0.0
    answer_price: float = 0.0

    def __post_init__(self) -> None:
        if self.money is not None and not self.prompt_price + self.answer_price:
            raise UsageError("A limit of money needs prices.", hint="Give --price-prompt and --price-answer.")

    def cost(self, tokens: Tokens) -> float:
        return (tokens.prompt * self.prompt_price + tokens.answer * self.answer_price) / _MILLION

    def allows(self, tokens: Tokens) -> bool:
        enough = self.tokens is None or tokens.total <= self.tokens
        return enough and (self.money is None or self.cost(tokens) <= self.money)


class Purse:
    """What is spent, and what questions under way may yet cost."""

    def __init__(self, budget: Budget, spent: Tokens, requests: int) -> None:
        self.budget, self.spent, self.requests = budget, spent, requests
        self._held = Tokens()
        self._changed = asyncio.Condition()

    async def hold(self, most: Tokens) -> None:
        """Set aside the most a question can cost, once there is room beside those under way. Raises BudgetSpent."""
        self._require_request()
        async with self._changed:
            while not self.budget.allows(self.spent + self._held + most):
                if not self._held.total:
                    raise BudgetSpent
                await self._changed.wait()
            self._held += most

    async def settle(self, most: Tokens, real: Tokens) -> None:
        """Replace what was set aside by what it was."""
        async with self._changed:
            self._held -= most
            self.spent += real
            self._changed.notify_all()

    def send(self) -> None:
        """Count a request before it goes out. Raises BudgetSpent where there may be none."""
        self._require_request()
        self.requests += 1

    def _require_request(self) -> None:
        if self.budget.requests is not None and self.requests >= self.budget.requests:
            raise BudgetSpent


def most_tokens(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]], longest: int) -> Tokens:
    """The most that a question and an answer of at most `longest` tokens can have."""
    return Tokens(len(msgspec.json.encode([messages, tools])) + _TEMPLATE_TOKENS, longest)
