"""The training defects of mlx-lm that Punie works around are still there in the installed version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "upstream.md"

# What each probe observes as long as the workaround is needed.
STILL = {
    "length_key": [1, 1],
    "dropped_tail": 4,
    "same_company": True,
    "small_validation_set": "Dataset must have at least batch_size=2",
    "one_random_stream": True,
    "random_validation": 2,
    "padding_learned": 10,
    "ruined_by_a_long_prompt": [False],
    "accumulated_alike": [True, False],
    "files_left": [["0000001_adapters.safetensors", "0000002_adapters.safetensors", "a.safetensors"], False],
    "interrupted": [],
    "printed_report": [True, ["it/s", "eak mem", "earning rate"]],
    "one_span": [False, True],
    "opened_header": False,
    "first_row_decides": "AttributeError",
    "broken_line": False,
    "misspelt_key": [1e-5],
    "callback_and_threshold": [None, 0],
    "unknown_module": 0,
    "highest_rate_twice": [0.0, 0.5, 1.0, 1.0],
    "default_scale": 20.0,
}


@pytest.mark.parametrize("name", STILL)
def test_mlx_lm_still_does_it(seen: dict[str, Any], name: str) -> None:
    """A change upstream is noticed here, and the page says what of Punie may go with it."""
    assert seen[name] == STILL[name], f"mlx-lm has changed; see the row `{name}` of docs/upstream.md: {row_of(name)}"


def row_of(name: str) -> str:
    """The line of the page that a probe belongs to."""
    return next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{name}` |"))


def test_the_page_and_the_probes_are_the_same_list(seen: dict[str, Any]) -> None:
    """Every probe has its row on the page, every row that names a probe has that probe."""
    named = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(seen) == set(STILL)
    assert set(STILL) <= set(named)
    assert len(named) == len(set(named))
