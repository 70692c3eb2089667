"""Families of problems: what the reference returns is what the rule says, and difficulty is in the inputs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from statistics import fmean

import pytest

from punie.data.fetch.verify import judge_row
from punie.errors import UsageError
from punie.generate.algorithms.catalogue import BASIC, DIFFICULTIES, FAMILIES, find_families
from punie.generate.algorithms.family import Family
from punie.generate.algorithms.problem import HIDDEN, SHOWN, Problem, draw_problem

EVERY = list(FAMILIES.values())


def problem(family: Family, number: int, difficulty: int, seed: int = 1) -> Problem:
    rng = Random(f"test {seed} {family.type} {number} {difficulty}")
    return draw_problem(family, number, difficulty, family.side(number), rng)


def passes(name: str, source: str, tests: list[str]) -> bool:
    return not judge_row({"solution": source, "tests": tests, "entry_point": name}).rule


@pytest.mark.parametrize("family", EVERY, ids=lambda family: family.type)
def test_the_reference_passes_and_the_known_bad_one_fails(family: Family) -> None:
    """At a low and a high difficulty of three twists, executed against what a second method expects."""
    numbers = sorted({0, len(family.twists) // 2, len(family.twists) - 1})
    drawn = [problem(family, number, difficulty) for number in numbers for difficulty in (1, 10)]
    with ThreadPoolExecutor(2) as pool:
        right = pool.map(lambda one: passes(one.name, one.solution, one.asserts()), drawn)
        wrong = pool.map(lambda one: passes(one.name, one.wrong, one.asserts()), drawn)
        assert (set(right), set(wrong)) == ({True}, {False})


@pytest.mark.parametrize("family", EVERY, ids=lambda family: family.type)
def test_difficulty_is_in_the_inputs(family: Family) -> None:
    """The stated measure of the drawn inputs rises from each difficulty to the one after the next."""
    twist = family.twists[0]
    rng = Random(family.type)
    sizes = [fmean(family.size(*family.draw(rng, level, twist)) for _ in range(60)) for level in DIFFICULTIES]
    assert all(before < after for before, after in zip(sizes, sizes[2:], strict=False)), sizes
    assert sizes[-1] > 2 * sizes[0]


@pytest.mark.parametrize("family", EVERY, ids=lambda family: family.type)
def test_a_problem_has_ten_hidden_tests_and_no_constant_comes_far(family: Family) -> None:
    """No input is tested twice, three tests are shown, ten or more are not, and their results differ."""
    for level in DIFFICULTIES:
        drawn = problem(family, 0, level)
        assert len({repr(test.arguments) for test in drawn.tests}) == len(drawn.tests) >= SHOWN + HIDDEN
        assert [line.removeprefix("assert ") in drawn.prompt for line in drawn.asserts()].count(True) == SHOWN
        results = [repr(test.returns) for test in drawn.tests]
        assert max(map(results.count, results)) <= 0.8 * len(results)


@pytest.mark.parametrize("family", [family for family in EVERY if not family.held_out], ids=lambda family: family.type)
def test_a_taught_family_has_twists_for_each_split(family: Family) -> None:
    """The plain problem is for tests alone; two statements are taught, and a third is asked."""
    sides = {split: family.twists_of(split) for split in ("train", "valid", "test")}
    assert sides["test"][0] == 0
    assert len(sides["train"]) >= 5
    assert min(map(len, sides.values())) >= 1
    assert len({*family.taught, family.asked}) == 3
    assert len({*map(str, family.twists)}) == len(family.twists)


def hash_map(numbers: list[int], target: int) -> list[int]:
    seen: dict[int, int] = {}
    for place, number in enumerate(numbers):
        if target - number in seen:
            return [seen[target - number], place]
        seen[number] = place
    return []


def last_pair_first(numbers: list[int], target: int) -> list[int]:
    for j in reversed(range(len(numbers))):
        for i in reversed(range(j)):
            if numbers[i] + numbers[j] == target:
                return [i, j]
    return []


@pytest.mark.parametrize("solver", [hash_map, last_pair_first])
@pytest.mark.parametrize("level", DIFFICULTIES)
def test_every_correct_two_sum_is_right(solver, level: int) -> None:
    """Solvers that look for the pair in opposite orders agree with every test, since one pair alone is right."""
    for seed in range(30):
        for test in problem(FAMILIES["two_sum"], 0, level, seed).tests:
            assert solver(*test.arguments) == test.returns


def test_types_are_found_by_name_and_group() -> None:
    """Eleven basic types, a hard set, no type twice, and a word that is none is refused with what was meant."""
    assert [family.type for family in find_families(["basic"])] == list(BASIC)
    assert len(find_families(["hard", "lcs", "all"])) == len(FAMILIES) == 24
    with pytest.raises(UsageError, match="two_sums") as caught:
        find_families(["two_sums"])
    assert "two_sum" in (caught.value.hint or "")
