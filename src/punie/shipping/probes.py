"""What is asked of a model before and after its weights were changed. Runs in the shipping child.

The reference answers fixed prompts greedily; every other model is then given the same answers and says how likely it
finds each next token. So two models are compared where the first one actually goes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import mlx.core as mx
from mlx_lm.generate import generate_step
from mlx_lm.utils import compute_bits_per_weight

from punie.errors import DataError
from punie.serving.identity import PROBES
from punie.shipping.messages import Divergence, Measured

_ANSWER_TOKENS = 32
_TIMED, _TIMED_SECONDS = 3, 4.0
"""Probes, and what they may take together."""

PROMPTS = (
    *(messages[-1]["content"] for messages in PROBES),
    "Explain what a hash map is in two sentences.",
    "Fix this code: for i in range(10) print(i)",
    "Which tool would you call to find all files that mention TODO?",
    "def fibonacci(n):",
    "Write a test for a function that reverses a string.",
)


@dataclass(frozen=True, slots=True)
class Probe:
    """Tokens of a prompt and of the reference's answer; `logprobs` (answer tokens x vocabulary) are its own."""

    prompt: Sequence[int]
    answer: Sequence[int]
    logprobs: mx.array


def ask_reference(model: Any, tokenizer: Any) -> list[Probe]:
    """Raises DataError where what the model computes is not a number."""
    return [_probe(model, tokenizer, _tokens(tokenizer, text)) for text in PROMPTS]


def _tokens(tokenizer: Any, text: str) -> list[int]:
    if not tokenizer.has_chat_template:
        return list(tokenizer.encode(text))
    messages = [{"role": "user", "content": text}]
    return list(tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False))


def _probe(model: Any, tokenizer: Any, prompt: Sequence[int]) -> Probe:
    answer: list[int] = []
    for token in _generated(model, prompt):
        answer.append(token)
        if token in tokenizer.eos_token_ids:
            break
    return Probe(prompt, answer, _logprobs(model, prompt, answer))


def _generated(model: Any, prompt: Sequence[int]) -> Any:
    """Greedy tokens, whether the model would end there or not."""
    steps = generate_step(mx.array(list(prompt)), model, max_tokens=_ANSWER_TOKENS)
    return (int(token) for token, _ in steps)


def _logprobs(model: Any, prompt: Sequence[int], answer: Sequence[int]) -> mx.array:
    """Of every next token at each place of the answer, in nats."""
    logits = model(mx.array([[*prompt, *answer[:-1]]]))[0, len(prompt) - 1 :].astype(mx.float32)
    found = logits - mx.logsumexp(logits, axis=-1, keepdims=True)
    mx.eval(found)
    return found


def measure(name: str, model: Any, size: int, probes: Sequence[Probe], *, reference: bool = False) -> Measured:
    """A model whose weights are `size` bytes on disk. Raises DataError where what it computes is not a number."""
    return Measured(
        name=name,
        size=size,
        bits_per_weight=compute_bits_per_weight(model),
        tokens_per_second=_speed(model, probes),
        divergence=None if reference else _divergence(model, probes, name),
    )


def _divergence(model: Any, probes: Sequence[Probe], name: str) -> Divergence:
    divergences: list[float] = []
    agreeing = 0
    for probe in probes:
        other = _logprobs(model, probe.prompt, probe.answer)
        found: Any = mx.sum(mx.exp(probe.logprobs) * (probe.logprobs - other), axis=-1).tolist()
        same: Any = mx.sum(mx.argmax(probe.logprobs, axis=-1) == mx.argmax(other, axis=-1)).item()
        divergences += found
        agreeing += same
    if not all(map(math.isfinite, divergences)):
        raise DataError(
            f"What the {name} model computes is not a number.",
            hint="Its weights overflow their type: take a bfloat16 or float32 model.",
        )
    # Rounding takes a divergence of nothing a little below zero.
    divergences = [max(0.0, divergence) for divergence in divergences]
    count = len(divergences)
    return Divergence(sum(divergences) / count, max(divergences), agreeing / count, count)


def _speed(model: Any, probes: Sequence[Probe]) -> float:
    """Tokens per second after the first one of an answer, over the first probes or for some seconds."""
    tokens, seconds = 0, 0.0
    for probe in probes[:_TIMED]:
        steps = islice(_generated(model, probe.prompt), _ANSWER_TOKENS)
        next(steps)
        began = time.perf_counter()
        for _ in steps:
            tokens, elapsed = tokens + 1, time.perf_counter() - began
            if seconds + elapsed > _TIMED_SECONDS:
                return tokens / (seconds + elapsed)
        seconds += elapsed
    return tokens / seconds
