from __future__ import annotations

import pytest

from punie.evaluation.outcomes import Answer, Outcome, Trial
from punie.evaluation.suite import Case
from punie.report.extracted import extracted

CALL = '<tool_call>\n{"name": "read_lines", "arguments": {"path": "a b.md", "last": 3}}\n</tool_call>'
CODE = {
    "kind": "code",
    "entry_point": "f",
    "solution": "def f():\n    return 1\n",
    "tests": [{"arguments": [], "returns": 1}],
}


def trial_of(expect: dict, text: str, outcome: Outcome = Outcome.SCORED, finish: str = "stop") -> Trial:
    asked = [{"role": "user", "content": "go on"}]
    case = Case.model_validate({"id": "one", "category": "any", "messages": asked, "expect": expect})
    answer = Answer(text=text, finish_reason=finish, prompt_tokens=1, completion_tokens=1, seconds=0.1)
    return Trial(case=case, answer=answer, outcome=outcome, value=0.0, reason="")


@pytest.mark.parametrize(
    ("expect", "text", "found"),
    [
        ({"kind": "number", "value": 7}, "<think>It is 9.</think>Answer: 7 of 12", "7"),
        ({"kind": "number", "value": 7}, "I do not know.", ""),
        ({"kind": "text", "value": "Rome"}, "Well.\nAnswer: **Rome**.", "'Rome'"),
        ({"kind": "choice", "value": "B", "choices": ["A", "B"]}, "Answer: (B) it is", "B"),
        ({"kind": "calls", "calls": []}, f"I look. {CALL}", "read_lines(path='a b.md', last=3)"),
        ({"kind": "calls", "calls": []}, "I look.", ""),
        (CODE, "Here:\n\n```python\ndef f():\n    return 2\n```\nDone.", "lines 4 to 5"),
        (CODE, "def f(): return 2", "line 1"),
        (CODE, "No code.", ""),
        ({"kind": "keywords", "all": ["red"]}, "It is red.", ""),
    ],
)
def test_extracted_is_what_the_grader_read(expect: dict, text: str, found: str) -> None:
    """The number, text, letter, calls, or the lines of the code; nothing where the answer was judged as a whole."""
    assert extracted(trial_of(expect, text)) == found


@pytest.mark.parametrize(
    ("outcome", "finish"), [(Outcome.UNSCORED, "stop"), (Outcome.FAILED, "stop"), (Outcome.SCORED, "length")]
)
def test_nothing_is_extracted_where_nothing_was_judged(outcome: Outcome, finish: str) -> None:
    """An unscored or failed trial, or a cut answer, was not read by a grader."""
    assert extracted(trial_of({"kind": "number", "value": 7}, "Answer: 7", outcome, finish)) == ""
