"""Cases that are drawn from a seed instead of being written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, Literal

from punie.evaluation.expectations import Record


class Draw(Record):
    """How many cases of each category a generator gives, and from which seed."""

    generator: Literal["tiny", "algorithms", "toolcalls"]
    seed: int
    counts: dict[str, int]

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Rows of `punie.evaluation.suite.Case`. Raises UsageError at a category that does not exist."""
        return self._generator().draw_cases(self.counts, self.seed)

    def halves(self) -> Counter[str]:
        """How many rows of each half there will be; none is drawn."""
        return self._generator().count_cases(self.counts)

    def _generator(self) -> ModuleType:
        if self.generator == "algorithms":
            from punie.generate.algorithms import cases as generator
        elif self.generator == "toolcalls":
            from punie.generate.toolcalls import cases as generator
        else:
            from punie.generate import tiny as generator
        return generator
