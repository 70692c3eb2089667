"""Runs made of plausible cases, with outcomes drawn from a seed or given case by case."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from punie.evaluation.outcomes import (
    Answer,
    AskedSuite,
    EvaluationRun,
    Measurements,
    Outcome,
    RunRecord,
    SelfCheck,
    Trial,
)
from punie.evaluation.suite import Case
from punie.serving.identity import Identity, ProbeAnswer

RunMaker = Callable[..., EvaluationRun]

COUNTS = {"tool_calling": 100, "code_generation": 100, "reasoning": 100, "new_phrasings": 60}
BASE = {"tool_calling": 0.13, "code_generation": 0.36, "reasoning": 0.24, "new_phrasings": 0.08}
TUNED = {"tool_calling": 0.88, "code_generation": 0.97, "reasoning": 0.85, "new_phrasings": 0.60}

_TOOLS = (
    {
        "type": "function",
        "function": {
            "name": "move_file",
            "description": "Move a file to another folder.",
            "parameters": {
                "type": "object",
                "properties": {
                    "source": {"type": "string"},
                    "target": {"type": "string"},
                    "force": {"type": "boolean"},
                },
                "required": ["source", "target"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "read_lines",
            "description": "Read some lines of a file.",
            "parameters": {
                "type": "object",
                "properties": {"path": {"type": "string"}, "first": {"type": "integer"}, "last": {"type": "integer"}},
                "required": ["path"],
            },
        },
    },
)


def _tool_case(index: int, category: str) -> dict[str, Any]:
    source, target = f"notes/draft_{index:02}.md", f"archive/{2000 + index}"
    asked = {
        "tool_calling": f"Move {source} to {target}.",
        "new_phrasings": f"{target} is where {source} should live now.",
    }
    return {
        "messages": [{"role": "user", "content": asked[category]}],
        "tools": _TOOLS,
        "expect": {
            "kind": "calls",
            "calls": [{"name": "move_file", "arguments": {"source": source, "target": target}}],
        },
    }


def _code_case(index: int) -> dict[str, Any]:
    name = f"add_{index}"
    return {
        "messages": [{"role": "user", "content": f"Write a Python function {name}(x) that adds {index} to x."}],
        "expect": {
            "kind": "code",
            "entry_point": name,
            "solution": f"def {name}(x):\n    return x + {index}\n",
            "tests": [{"arguments": [value], "returns": value + index} for value in (0, 1, -7, 100)],
        },
    }


def _number_case(index: int) -> dict[str, Any]:
    asked = f"Ann has {index + 31} apples and buys {index + 47} more. How many apples has she now?"
    return {"messages": [{"role": "user", "content": asked}], "expect": {"kind": "number", "value": 2 * index + 78}}


def make_case(category: str, index: int, **changes: Any) -> Case:
    body = (
        _code_case(index) if category == "code_generation"
        else _number_case(index) if category == "reasoning"
        else _tool_case(index, category)
    )  # fmt: skip
    return Case.model_validate({"id": f"{category}-{index:03}", "category": category, **body, **changes})


def make_trial(case: Case, right: bool, dice: random.Random | None = None) -> Trial:
    dice = dice or random.Random(0)
    text, failure, finish = case.expect.reference(), "", "stop"
    if not right:
        text, failure, finish = _wrong_answer(case, dice)
    tokens = max(4, len(text) // 3)
    answer = Answer(text=text, finish_reason=finish, prompt_tokens=92, completion_tokens=tokens, seconds=tokens / 900)
    reason = "as expected" if right else f"{failure}: {text[:40]!r} is not what was asked for"
    return Trial(
        suite="tiny",
        case=case,
        answer=answer,
        outcome=Outcome.SCORED,
        value=float(right),
        reason=reason,
        failure=failure,
    )


def _wrong_answer(case: Case, dice: random.Random) -> tuple[str, str, str]:
    kind = case.expect.kind
    if kind == "calls":
        return dice.choice(
            [
                *[("I can help you with files and folders. Tell me more about it.", "no call", "stop")] * 4,
                (case.expect.reference().replace("notes", "motes"), "wrong-value argument", "stop"),
                (case.expect.reference()[:-25], "truncated", "length"),
            ]
        )
    if kind == "code":
        return dice.choice(
            [
                ("Sure, a function is a good idea here.", "no code", "stop"),
                (case.expect.reference().replace("+", "-"), "wrong result", "stop"),
            ]
        )
    return dice.choice(
        [("3+4=7, 1+7=8. Answer: 87", "wrong number", "stop"), ("The apples are red.", "no number", "stop")]
    )


def make_identity(**changes: Any) -> Identity:
    values: dict[str, Any] = {
        "model": "/opt/punie/models/tiny",
        "model_hash": f"sha256:{'a1' * 32}",
        "adapter": None,
        "adapter_hash": None,
        "tokenizer_hash": f"sha256:{'b2' * 32}",
        "template_hash": f"sha256:{'c3' * 32}",
        "base_probes": (ProbeAnswer(prompt="def add(a, b):", logprobs={"17": -0.31, "204": -1.9, "9": -3.2}),),
        "probe_noise": 0.0004,
    }
    return Identity.model_validate(values | changes)


def make_suite(cases: int, **changes: Any) -> AskedSuite:
    checks = SelfCheck(references=360, known_bad=1080)
    values = {"name": "tiny", "hash": "d4" * 32, "cases": cases, "max_tokens": 160, "self_check": checks}
    return AskedSuite.model_validate(values | changes)


def make_measurements(asked: int) -> Measurements:
    return Measurements(
        asked=asked,
        cached=0,
        latency_p50=0.21,
        latency_p95=0.48,
        tokens_per_second=1830.0,
        finish_reasons={"stop": asked},
        server_peak_memory=412_000_000,
    )


def make_record(name: str, cases: int, **changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "name": name,
        "created": "2026-11-20T21:14:03Z",
        "suites": (make_suite(cases),),
        "samples": 1,
        "identity": make_identity(),
        "temperature": 0.0,
        "top_p": 1.0,
        "concurrency": 8,
        "code_execution": "jail",
        "seconds": 6.4,
        "measurements": make_measurements(cases),
        "versions": {"python": "3.11.9", "mlx": "0.32.4", "mlx-lm": "0.32.2", "punie": "0.1.0"},
    }
    return RunRecord.model_validate(values | changes)


def outcomes_run(name: str, outcomes: Mapping[str, Sequence[bool]], **changes: Any) -> EvaluationRun:
    """A run whose cases are right or not exactly as told, category by category."""
    dice = random.Random(f"answers {name}")
    trials = tuple(
        make_trial(make_case(category, index), right, dice)
        for category, rights in outcomes.items()
        for index, right in enumerate(rights)
    )
    return EvaluationRun(make_record(name, len(trials), **changes), trials)


def drawn_outcomes(shares: Mapping[str, float], seed: int) -> dict[str, list[bool]]:
    dice = random.Random(seed)
    return {name: [dice.random() < shares[name] for _ in range(count)] for name, count in COUNTS.items()}


@pytest.fixture
def run_of() -> RunMaker:
    return outcomes_run


@pytest.fixture
def before() -> EvaluationRun:
    """The embedded model's base on 360 cases: visibly poor."""
    return outcomes_run("baseline", drawn_outcomes(BASE, seed=1))


@pytest.fixture
def after() -> EvaluationRun:
    """The same model with an adapter: visibly good."""
    adapted = make_identity(
        adapter="adapters/quickstart",
        adapter_hash=f"sha256:{'e5' * 32}",
        adapter_distance=4.37,
        adapter_probes=(ProbeAnswer(prompt="def add(a, b):", logprobs={"17": -4.68, "204": -0.1, "9": -6.0}),),
    )
    return outcomes_run("tuned", drawn_outcomes(TUNED, seed=2), identity=adapted, seconds=4.9)
