from __future__ import annotations

import pytest

from punie.evaluation.extraction import Code, find_code, method_owner

FUNCTION = "def f(x):\n    return x"
OTHER = "def g(x):\n    return x"

CODE = [
    # text, the code in it
    (FUNCTION, FUNCTION),
    (f"Sure!\n```python\n{FUNCTION}\n```\nDone.", f"{FUNCTION}\n"),
    (f"```\n{FUNCTION}\n```\n```\n{OTHER}\n```", f"{FUNCTION}\n"),
    (f"```\n{OTHER}\n```\n```\n{FUNCTION}\n```", f"{FUNCTION}\n"),
    (f"```python\n{FUNCTION}1\n```\nBetter:\n```python\n{FUNCTION}\n```\n```\nf(1)\n```", f"{FUNCTION}\n"),
    (f"```python\n{OTHER}\n```\n```python\n1\n```", f"{OTHER}\n"),
    (f"```json\n{{}}\n```\n~~~ Python3 title\n{FUNCTION}\n~~~", f"{FUNCTION}\n"),
    (f"1. Write:\n   ```python\n   {FUNCTION.replace(chr(10), chr(10) + '   ')}\n   ```", f"{FUNCTION}\n"),
    (f"```py\n{FUNCTION}\n", f"{FUNCTION}\n"),
    ("```python\ndef f(x) return\n```", "def f(x) return\n"),
    (f"Here it is:\nimport math\n{FUNCTION}\nThis works well.", f"import math\n{FUNCTION}"),
    (f"{FUNCTION}\nassert f(1) == 1\nassert f(2", f"{FUNCTION}\nassert f(1) == 1"),
    (f"@cache\n{FUNCTION}", f"@cache\n{FUNCTION}"),
    ("def f(x) return x", "def f(x) return x"),
]


@pytest.mark.parametrize(("text", "code"), CODE)
def test_code_is_the_last_fence_with_the_function_or_the_longest_python(text: str, code: str) -> None:
    """A fence is taken as it stands; without one, code runs from its first line to the last that is still Python."""
    assert find_code(text, "f") == Code(code)


MISSING = [
    ("A def is a function.", "no code"),
    ("from here on it is prose", "no code"),
    ("", "no code"),
    ("```js\nfunction f(x) { return x }\n```", "wrong language"),
    ("```c++\nint f(int x) { return x; }\n```\n```json\n{}\n```", "wrong language"),
    ("```python\ndef f(x):\n    return (x +", "truncated"),
]


@pytest.mark.parametrize(("text", "missing"), MISSING)
def test_an_answer_without_code_says_what_it_lacks(text: str, missing: str) -> None:
    """No code, code in another language, and a block that breaks off are three failures."""
    assert find_code(text, "f") == Code("", missing)


@pytest.mark.parametrize(
    ("source", "owner"),
    [
        ("class Solution:\n    def f(self, x): return x", "Solution"),
        ("class A:\n    def f(self): ...\nclass B:\n    def f(self): ...", "B"),
        ("class Solution:\n    def f(self, x): return x\ndef f(x): return Solution().f(x)", None),
        ("class Solution:\n    def f(self, x): return x\nf = Solution().f", None),
        ("class Solution:\n    def g(self, x): return x", None),
        ("class Solution: def", None),
    ],
)
def test_a_method_stands_for_the_function(source: str, owner: str | None) -> None:
    """The class is named only where no function at top level has the name."""
    assert method_owner(source, "f") == owner
