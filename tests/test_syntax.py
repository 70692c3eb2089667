from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor

from punie.syntax import parse


def test_threads_do_not_disturb_each_other() -> None:
    """Many threads that parse at once all get their trees, from CPython 3.11 too."""
    source = "x = " + "[" * 60 + "]" * 60
    with ThreadPoolExecutor(8) as pool:
        assert set(map(type, pool.map(parse, [source] * 500))) == {ast.Module}
