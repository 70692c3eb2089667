"""All families of problems, in the order of the seed's eleven first."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from punie.errors import UsageError
from punie.generate.algorithms import arithmetic, lists, puzzles, tables, texts
from punie.generate.algorithms.family import Family

DIFFICULTIES = range(1, 11)
_ALL = {family.type: family for module in (arithmetic, texts, lists, tables, puzzles) for family in module.FAMILIES}
BASIC = (
    *("rpn", "arithmetic", "parentheses", "fizzbuzz", "reverse_string", "is_palindrome", "fibonacci", "binary_search"),
    *("two_sum", "max_subarray", "remove_duplicates"),
)
"""The types of the experiment that this set began with; all others are the hard set."""
FAMILIES = {type_: _ALL[type_] for type_ in (*BASIC, *(type_ for type_ in _ALL if type_ not in BASIC))}


def find_families(types: Sequence[str]) -> list[Family]:
    """Families by type, "basic", "hard" or "all". Raises UsageError at a word that is none."""
    groups = {"all": tuple(FAMILIES), "basic": BASIC, "hard": tuple(FAMILIES)[len(BASIC) :]}
    wanted = dict.fromkeys(type_ for word in types for type_ in groups.get(word, (word,)))
    for type_ in wanted:
        if type_ not in FAMILIES:
            close = get_close_matches(type_, [*groups, *FAMILIES], 1)
            meant = f"Did you mean {close[0]!r}? " if close else ""
            raise UsageError(
                f"There is no type of problem called {type_!r}.",
                hint=f"{meant}Known: {', '.join([*groups, *FAMILIES])}.",
            )
    return [FAMILIES[type_] for type_ in wanted]
