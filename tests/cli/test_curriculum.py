"""`punie curriculum`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Punie = Callable[..., Any]


def test_score_tells_what_it_found(punie: Punie) -> None:
    """Levels by split, the spread of each measure, how measures agree, and what could not be scored."""
    assert punie(*"dataset generate tinypy --count 140 --output t".split()).code == 0
    asked = "--metric overall --metric field:trace_length --metric field:nothing --output"
    shown = punie(*f"curriculum score t {asked} s".split())
    assert shown.code == 0
    assert "overall, field:trace_length" in shown.out
    assert "field:nothing: no nothing in the row" in shown.out
    assert "s/unscored.jsonl" in shown.err
    found = json.loads(punie(*f"curriculum score t {asked} u --json".split()).out)
    assert sum(found["labels"]["train"].values()) == found["counts"]["train"] == 126
    assert [spread["rows"] for spread in found["spreads"]] == [140, 140, 0]
    assert found["correlations"][1] == {"first": "overall", "second": "field:nothing", "rows": 0, "spearman": None}


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("--thresholds 4,2", "rising numbers"),
        ("--thresholds 2", "rising numbers"),
        ("--thresholds 2,nan", "rising numbers"),
        ("--metric hardness", "no measure called 'hardness'"),
        ("--language rust", "overall is measured for Python only"),
        ("--model tiny", "is for --metric loss"),
        ("--max-seq-length 9", "is for --metric loss"),
        ("--after output", "is for --metric loss"),
        ("--run reports/base", "is for --metric failure_rate"),
        ("--metric failure_rate", "needs the folder of an evaluation"),
        ("--metric failure_rate --run nowhere", "no evaluation folder"),
        ("--metric loss --model nobody", "no model called 'nobody'"),
    ],
)
def test_wrong_usage_is_told(punie: Punie, options: str, what: str) -> None:
    """With exit code 2, and nothing is written."""
    assert punie(*"dataset generate tinypy --count 30 --output t".split()).code == 0
    ended = punie(*f"curriculum score t --output s {options}".split())
    assert ended.code == 2
    assert what in " ".join(ended.err.replace("│", " ").split())
