from __future__ import annotations

import pytest

from punie.evaluation.extraction import find_code, find_number

FUNCTION = "def f(x):\n    return x"

CODE = [
    # text, the code in it
    (FUNCTION, FUNCTION),
    (f"Sure!\n```python\n{FUNCTION}\n```\nDone.", f"{FUNCTION}\n"),
    (f"```\n{FUNCTION}\n```\n```\ndef g(): ...\n```", f"{FUNCTION}\n"),
    (f"```py\n{FUNCTION}\n", f"{FUNCTION}\n"),
    ("```python\ndef f(x) return\n```", "def f(x) return\n"),
    (f"Here it is:\nimport math\n{FUNCTION}\nThis works well.", f"import math\n{FUNCTION}"),
    (f"{FUNCTION}\nassert f(1) == 1\nassert f(2", f"{FUNCTION}\nassert f(1) == 1"),
    (f"@cache\n{FUNCTION}", f"@cache\n{FUNCTION}"),
    ("def f(x) return x", "def f(x) return x"),
    ("A def is a function.", None),
    ("from here on it is prose", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "code"), CODE)
def test_code_is_the_first_fence_or_the_longest_python(text: str, code: str | None) -> None:
    """A fence is taken as it stands; without one, code runs from its first line to the last that is still Python."""
    assert find_code(text) == code


NUMBERS = [
    ("42", 42.0),
    ("-12", -12.0),
    ("\u221212", -12.0),
    ("It is 1,234.", 1234.0),
    ("3.50", 3.5),
    ("1,234,567.25 in all", 1234567.25),
    ("1e6", 1e6),
    ("12 and 30 make 42", 42.0),
    ("Answer: 42. Checked in 3 steps.", 42.0),
    ("answer: **$42** of 50", 42.0),
    ("Answer: 1\nNo. Answer: 2", 2.0),
    ("10-3", 3.0),
    ("x2", None),
    ("none at all", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_the_number_is_the_last_answer_or_the_last_number(text: str, number: float | None) -> None:
    """ "Answer: N" goes before any other number; the last one counts."""
    assert find_number(text) == number
