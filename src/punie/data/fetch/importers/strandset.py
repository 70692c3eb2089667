"""Strandset-Rust-v1 (Fortytwo-Network): fifteen kinds of task about Rust, payloads in JSON or as Python literals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from punie.data.fetch.importers.row import CannotImport, Row, Source, imported, literal, text_of
from punie.files import hash_value


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked, which input fields go with it, and which output fields are the answer, in order."""

    request: str
    given: tuple[str, ...]
    answer: tuple[str, ...]


TASKS = {
    "api_usage_prediction": Task("Predict the next API call.", ("code", "code_context"), ("next_api_call",)),
    "bug_detection": Task(
        "Find the bug in this code and fix it.", ("buggy_code", "code_context"), ("bug_description", "fixed_code")
    ),
    "code_completion": Task("Write what stands between prefix and suffix.", ("prefix", "suffix"), ("completion",)),
    "code_explanation": Task("Explain this code.", ("code",), ("explanation",)),
    "code_generation": Task(
        "Write this Rust code.", ("title", "description", "function_signature", "code_context"), ("code",)
    ),
    "code_optimization": Task("Make this code faster, and say why.", ("code_before",), ("rationale", "code_after")),
    "code_refactoring": Task("Refactor this code, and say why.", ("code_before",), ("rationale", "code_after")),
    "code_review": Task("Review this code and improve it.", ("code_before",), ("review_comment", "code_after")),
    "code_search": Task("Find Rust code for this query.", ("query",), ("code_snippet",)),
    "code_summarization": Task("Summarize this code.", ("code",), ("summary",)),
    "comment_generation": Task("Add comments to this code.", ("code",), ("commented_code",)),
    "docstring_generation": Task("Write the documentation of this code.", ("code",), ("docstring",)),
    "function_naming": Task("Name the function that has a placeholder here.", ("code",), ("function_name",)),
    "variable_naming": Task("Name the variable that has a placeholder here.", ("code",), ("variable_name",)),
    "test_generation": Task(
        "Write tests for this code.", ("code_to_test", "code_context", "test_context"), ("test_cases",)
    ),
}
_PROSE = frozenset(
    "title description query rationale review_comment bug_description explanation summary docstring "
    "function_name variable_name".split()
)


def convert_strandset(source: Source) -> Row:
    """A question made of the request and the fields of the task, answered with its output fields."""
    category = text_of(source, "task_category")
    if category not in TASKS:
        raise CannotImport(f"task_category {category!r} is none of the fifteen")
    task, given = TASKS[category], _payload(source, "input_data")
    question = "\n\n".join([task.request, *_sections(given, task.given, labelled=True)])
    answers = _payload(source, "output_data")
    answer = "\n\n".join(_sections(answers, task.answer, labelled=False))
    if not answer:
        raise CannotImport(f"output_data has no {' and no '.join(task.answer)}")
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    test = source.get("test")
    return imported(
        {"messages": messages},
        source,
        {"task_category", "input_data", "output_data", "test"},
        origin="strandset",
        id=f"strandset-{hash_value([source['input_data'], source['output_data']])[:12]}",
        category=category,
        licence="Apache-2.0",
        tests=[test] if isinstance(test, str) and test.strip() else [],
        other_fields={key: value for key, value in (answers | given).items() if key not in task.given + task.answer},
    )


def _payload(source: Source, key: str) -> dict[str, Any]:
    value = source.get(key)
    value = literal(value) if isinstance(value, str) else value
    if not isinstance(value, dict):
        raise CannotImport(f"{key} is not an object")
    return value


def _sections(payload: Mapping[str, Any], fields: tuple[str, ...], labelled: bool) -> list[str]:
    present = [(field, text) for field in fields if (text := _text(payload.get(field)))]
    return [_section(field, text, labelled and len(fields) > 1) for field, text in present]


def _section(field: str, text: str, labelled: bool) -> str:
    label = f"{field.replace('_', ' ').capitalize()}:" if labelled else ""
    if field in _PROSE:
        return f"{label} {text}".strip()
    return f"{label}\n```rust\n{text}\n```".strip()


def _text(value: Any) -> str:
    """A text, or a list of texts with blank lines between."""
    parts = value if isinstance(value, list) else [value]
    return "\n\n".join(part.strip("\n") for part in parts if isinstance(part, str) and part.strip())
