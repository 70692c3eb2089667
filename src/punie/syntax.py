"""Python text that nobody trusts, parsed in the judge's own process."""

from __future__ import annotations

import ast
import threading
import warnings

UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What `parse` raises at text that is not Python, has null bytes, or is nested too deeply."""

_ONE_AT_A_TIME = threading.Lock()
"""CPython counts the depth of the tree once for all threads, and two at a time end in SystemError (issue 106905)."""


def parse(text: str) -> ast.Module:
    """Escapes such as "\\d" bring no warnings."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)
