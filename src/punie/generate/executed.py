"""Generated rows with code: each one's solution is run against its tests before the row counts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from punie.conversation import Row
from punie.data.fetch.verify import judge_row
from punie.errors import DataError
from punie.sandbox.judge import Execution

_BATCH_ROWS = 64
Placed = tuple[str, Row]
"""A split and a row of it."""


def exercise_row(prompt: str, solution: str, name: str, tests: list[str]) -> dict[str, Any]:
    """What every row with code has: the pair, its tests, and the same pair as a chat."""
    answer = f"```python\n{solution}\n```"
    return {
        "prompt": prompt,
        "solution": solution,
        "tests": tests,
        "entry_point": name,
        "messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}],
    }


def executed(rows: Iterable[Placed], execution: Execution) -> Iterator[Placed]:
    """The same rows in the same order, a batch at a time. Raises DataError at one that fails a test of its own."""
    rows = iter(rows)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while batch := list(islice(rows, _BATCH_ROWS)):
            judgements = pool.map(lambda placed: judge_row(placed[1], execution), batch)
            for (split, row), judgement in zip(batch, judgements, strict=True):
                if judgement.rule:
                    raise DataError(
                        f"A generated row fails its own test: {judgement.value}.",
                        where=str(row["id"]),
                        hint="Nothing was written. This is a mistake of Punie, or the machine was too busy to finish "
                        "in time.",
                    )
                yield split, row
