"""Python text that nobody trusts, parsed in the judge's own process."""

from __future__ import annotations

import ast
import threading

UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What `parse` raises at text that is not Python, has null bytes, or is nested too deeply."""

_ONE_AT_A_TIME = threading.Lock()
"""CPython counts the depth of the tree once for all threads, and two at a time end in SystemError (issue 106905)."""


def parse(text: str) -> ast.Module:
    with _ONE_AT_A_TIME:
        return ast.parse(text)
