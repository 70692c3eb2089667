"""A suite about declared tools, beside the dataset that teaches them."""

from __future__ import annotations

from pathlib import Path

from punie.errors import UsageError
from punie.evaluation.suite import Case, Suite
from punie.generate.toolcalls.cases import categories, draw_cases, require_unseen


def generate_toolcalls_suite(
    name: str, count: int, seed: int, *, tools: Path | None = None, against: Path | None = None
) -> Suite:
    """`count` cases, as many of each category that the tools have.

    With `against`, a dataset, its rows are held against the cases. Raises UsageError where there are not as many
    cases, DataError at a row that shares a question, a call or a held-out tool with one.
    """
    known = categories(tools)
    if count < len(known):
        raise UsageError(f"{count} cases are too few for {len(known)} categories.", hint=f"Ask for {len(known)}.")
    counts = {category: (count + place) // len(known) for place, category in enumerate(known)}
    rows = list(draw_cases(counts, seed, tools))
    if against is not None:
        require_unseen(rows, against, tools)
    cases = tuple(Case.model_validate(row) for row in rows)
    told = f"Calls of {'the built-in' if tools is None else tools.name} tools, drawn with seed {seed}."
    return Suite(name=name, description=told, cases=cases)
