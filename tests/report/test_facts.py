from __future__ import annotations

import pytest

from punie.report.facts import facts_of, figures_of
from punie.report.summary import summarize, tally

from .conftest import make_identity, make_record, make_suite, outcomes_run

ADAPTER = {"adapter": "adapters/mine", "adapter_hash": "sha256:0"}


@pytest.mark.parametrize(
    ("identity", "result"),
    [
        ({}, "passed: 1 probe repeats"),
        ({**ADAPTER, "adapter_distance": 4.4}, "passed: 1 probe repeats, and the adapter changes them"),
        ({**ADAPTER, "adapter_distance": 0.0}, "not proven: 1 probe repeats, but the adapter changes nothing in them"),
        ({"base_url": "http://127.0.0.1:1/v1"}, "not proven: the server is somebody else’s"),
    ],
)
def test_handshake_passed_only_where_something_is_proven(identity: dict, result: str) -> None:
    """Somebody else's server, and an adapter that changes nothing, prove nothing; the first screen says the same."""
    record = make_record("mine", 10, identity=make_identity(**identity))
    counts = tally(())
    assert [fact.values for fact in facts_of([record], [counts]) if fact.label == "Handshake"] == [(result,)]
    assert next(figures_of(record, counts)).value == result.split(":")[0]


def test_a_fact_has_a_value_for_each_run_and_says_where_they_differ() -> None:
    """Any number of runs; a dash where one has no such line."""
    names = ("one", "two", "three")
    records = [make_record(name, 10, versions={} if name == "two" else {"mlx": "0.32"}) for name in names]
    facts = {fact.label: fact for fact in facts_of(records, [tally(())] * 3)}
    assert facts["Version of mlx"].values == ("0.32", "–", "0.32")
    assert facts["Run"].differs
    assert not facts["Model hash"].differs


def test_a_suite_without_references_did_not_pass_its_check() -> None:
    """Where a judge decides everything there was nothing to check beforehand."""
    suite = make_suite(10, self_check={"references": 0, "known_bad": 0})
    figures = {figure.label: figure.value for figure in figures_of(make_record("mine", 10, suites=(suite,)), tally(()))}
    assert figures["Suite self-check"] == "nothing to check"


UNEVEN = {"reasoning": [True] * 3, "tool_calling": [True, False]}


@pytest.mark.parametrize(
    ("outcomes", "lowest", "fault"),
    [
        ({"reasoning": [True] * 3, "tool_calling": [True] * 3}, "", False),
        ({"reasoning": [True, False]}, "", True),
        (UNEVEN, " Lowest in Tool calling: 1 of 2.", True),
    ],
)
def test_weakness_is_named_where_there_is_one(outcomes: dict, lowest: str, fault: bool) -> None:
    """The lowest category only where they differ, a fault only where something is wrong."""
    told, mark, _ = summarize(outcomes_run("mine", outcomes)).weakest.partition(" The commonest fault is “")
    assert (told, bool(mark)) == (lowest, fault)
