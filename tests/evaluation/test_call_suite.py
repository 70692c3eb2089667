"""`punie suite generate toolcalls`, and the built-in suite of tool calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.errors import UsageError
from punie.evaluation.call_suite import generate_toolcalls_suite
from punie.evaluation.scorers import choose_code_execution
from punie.evaluation.selfcheck import check_suite
from punie.evaluation.suite import load_suite
from punie.evaluation.suite_writer import write_suite


def test_its_graders_are_sound(tmp_path: Path) -> None:
    """Every reference answer of every turn scores 1, every known-bad one 0, and the file holds the same cases."""
    suite = generate_toolcalls_suite("calls", 60, 2)
    checked = check_suite(suite, choose_code_execution(suite.cases, unsafe=False))
    assert checked.references > 60
    for name in ("calls.yaml", "calls.jsonl"):
        write_suite(suite, tmp_path / name)
        assert load_suite(str(tmp_path / name)).hash == suite.hash


def test_another_seed_asks_other_questions() -> None:
    """But for the few that have no slot; the same seed asks the same ones."""
    first, again, other = (generate_toolcalls_suite("calls", 30, seed) for seed in (1, 1, 2))
    assert first.hash == again.hash
    questions = [{case.messages[0]["content"] for case in suite.cases} for suite in (first, other)]
    assert len(questions[0] & questions[1]) < 10


def test_too_few_cases_are_refused() -> None:
    """One of each category at least."""
    with pytest.raises(UsageError, match="4 cases are too few for 5 categories"):
        generate_toolcalls_suite("calls", 4, 0)
