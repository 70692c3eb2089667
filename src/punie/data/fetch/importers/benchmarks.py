"""HumanEval (openai/human-eval), MBPP (google-research) and KodCode: a question, a solution, and its tests.

Rows become prompt and completion. Their metadata hold what `punie.data.fetch.verify` needs: tests, entry_point, setup.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from punie.data.fetch.importers.row import CannotImport, Row, Source, imported, text_of


def convert_humaneval(source: Source) -> Row:
    """The completion is the whole function, prompt included: a chat model is to write all of it."""
    id, prompt = text_of(source, "task_id"), text_of(source, "prompt")
    body = {"prompt": prompt, "completion": prompt + text_of(source, "canonical_solution")}
    return imported(
        body,
        source,
        {"task_id", "prompt", "canonical_solution", "test", "entry_point"},
        origin="humaneval",
        id=id,
        category="code_generation",
        licence="MIT",
        tests=[text_of(source, "test")],
        entry_point=text_of(source, "entry_point"),
    )


def convert_mbpp(source: Source) -> Row:
    """Both the full set (text, test_setup_code) and the sanitized one (prompt, test_imports). Line ends become LF."""
    tests = _texts(source, "test_list")
    if not tests:
        raise CannotImport("test_list is empty")
    setup = [source.get("test_setup_code") or "", *_texts(source, "test_imports")]
    code = _lines(text_of(source, "code"))
    return imported(
        {"prompt": text_of(source, "text", "prompt"), "completion": code},
        source,
        {"task_id", "text", "prompt", "code", "test_list", "test_setup_code", "test_imports"},
        origin="mbpp",
        id=f"mbpp/{source.get('task_id')}",
        category="code_generation",
        licence="CC-BY-4.0",
        tests=tests,
        setup=_lines("\n".join(filter(None, setup))),
    )


def convert_kodcode(source: Source) -> Row:
    """The columns of KodCode-V1; the tests are a pytest module."""
    id = text_of(source, "question_id", "conversation_id")
    return imported(
        {"prompt": text_of(source, "question"), "completion": text_of(source, "solution")},
        source,
        {"question_id", "conversation_id", "question", "solution", "test", "test_code"},
        origin="kodcode",
        id=id,
        category="code_generation",
        licence="CC-BY-NC-4.0",
        tests=[text_of(source, "test", "test_code")],
    )


def _texts(source: Mapping[str, Any], key: str) -> list[str]:
    values = source.get(key) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise CannotImport(f"{key} is not a list of texts")
    return values


def _lines(code: str) -> str:
    return code.replace("\r\n", "\n").replace("\r", "\n")
