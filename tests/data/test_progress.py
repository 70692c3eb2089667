"""Whoever waits hears how far a piece of work is."""

from __future__ import annotations

from punie.data.progress import Step, watched


def test_the_same_items_come_through_and_both_ends_are_told() -> None:
    """Nothing is lost on the way; the first word is 0 of all, the last is all of all."""
    heard: list[Step] = []
    assert list(watched(["a", "bb", "ccc"], heard.append, "reading", 6, len)) == ["a", "bb", "ccc"]
    assert (heard[0], heard[-1]) == (Step("reading", 0, 6, "bytes"), Step("reading", 6, 6, "bytes"))


def test_work_without_items_is_told_too() -> None:
    """Nothing to do is done at once."""
    heard: list[Step] = []
    assert list(watched([], heard.append, "comparing", 0)) == []
    assert heard == [Step("comparing", 0, 0, "rows")] * 2
