"""Rows in the exact schema of Strandset-Rust-v1, of our own making: five columns of text, fifteen kinds of task.

Payloads are JSON in one row and a Python literal in the next, as they are there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Function:
    """A function of one expression over two whole numbers. `wrong` is the same with a fault."""

    name: str
    body: str
    wrong: str
    does: str
    slow: str
    example: tuple[int, int, int]

    @property
    def code(self) -> str:
        return f"fn {self.name}(a: i64, b: i64) -> i64 {{ {self.body} }}"

    def with_body(self, body: str) -> str:
        return self.code.replace(self.body, body)

    @property
    def test(self) -> str:
        first, second, result = self.example
        return f"#[test] fn holds() {{ assert_eq!({self.name}({first}, {second}), {result}); }}"


FUNCTIONS = [
    Function("add", "a + b", "a - b", "the sum of both", "-(-a - b)", (2, 3, 5)),
    Function("difference", "a - b", "b - a", "the first less the second", "-(b - a)", (5, 3, 2)),
    Function("product", "a * b", "a + b", "the product of both", "b * a * 1", (2, 4, 8)),
    Function("larger", "a.max(b)", "a.min(b)", "the larger one", "if a > b { a } else { b }", (2, 7, 7)),
    Function("smaller", "a.min(b)", "a.max(b)", "the smaller one", "if a < b { a } else { b }", (2, 7, 2)),
    Function("distance", "(a - b).abs()", "a - b", "how far they are apart", "a.max(b) - a.min(b)", (2, 9, 7)),
    Function("quotient", "a / b", "b / a", "the first divided by the second", "(a / b) * 1", (8, 2, 4)),
    Function("rest", "a % b", "b % a", "what is left of the first", "a - b * (a / b)", (7, 4, 3)),
    Function("both", "a & b", "a | b", "the bits that both have", "!(!a | !b)", (6, 3, 2)),
    Function("either", "a | b", "a & b", "the bits that one of them has", "!(!a & !b)", (4, 1, 5)),
]


def _tasks(function: Function) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """By kind of task, what is given and what is the answer."""
    code, slow = {"code": function.code}, function.with_body(function.slow)
    faulty = {"buggy_code": function.with_body(function.wrong), "code_context": "mod numbers;"}
    signature = function.code.partition(" {")[0]
    asked = {"title": function.name, "description": f"Gives {function.does}.", "function_signature": signature}
    better = {"rationale": "It says what it means.", "code_after": function.code}
    tested = {"code_to_test": function.code, "code_context": "mod numbers;", "test_context": "use super::*;"}
    head, tail = f"{signature} {{ ", " }"
    nameless = {"code": function.code.replace(function.name, "PLACEHOLDER")}
    unnamed = {"code": f"let PLACEHOLDER = {function.name}(1, 2);"}
    return {
        "code_explanation": (code, {"explanation": f"It gives {function.does}."}),
        "code_summarization": (code, {"summary": f"Gives {function.does}."}),
        "code_review": (
            {"code_before": slow},
            {"review_comment": "There is a shorter way.", "code_after": function.code},
        ),
        "bug_detection": (faulty, {"bug_description": "Wrong expression.", "fixed_code": function.code}),
        "docstring_generation": (code, {"docstring": f"/// Gives {function.does}."}),
        "comment_generation": (code, {"commented_code": f"// {function.does}\n{function.code}"}),
        "function_naming": (nameless, {"function_name": function.name}),
        "variable_naming": (unnamed, {"variable_name": f"{function.name}_of_both"}),
        "code_generation": ({**asked, "code_context": "mod numbers;"}, {"code": function.code}),
        "code_completion": ({"prefix": head, "suffix": tail}, {"completion": function.body}),
        "code_refactoring": ({"code_before": slow}, better),
        "code_optimization": ({"code_before": slow}, better),
        "test_generation": (tested, {"test_cases": [function.test]}),
        "code_search": ({"query": f"{function.does} of two numbers"}, {"code_snippet": function.code}),
        "api_usage_prediction": (
            {"code": f"let c = {function.name}(", "code_context": signature},
            {"next_api_call": f"{function.name}(a, b)"},
        ),
    }


def strandset_rows() -> Iterator[dict[str, str]]:
    for number, function in enumerate(FUNCTIONS):
        for kind, (category, (given, answer)) in enumerate(_tasks(function).items()):
            write = (json.dumps, repr)[(number + kind) % 2]
            yield {
                "crate_name": "numbers",
                "input_data": write(given),
                "output_data": write(answer),
                "task_category": category,
                "test": function.test if category == "code_generation" else "",
            }
