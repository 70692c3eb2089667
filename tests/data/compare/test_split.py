"""Splits: nothing shared between them, and nothing old moves when rows are added."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from punie.data.compare.split import side_of, split
from punie.errors import DataError, UsageError
from punie.files import read_jsonl

Row = dict[str, Any]
MBPP = Path(__file__).parents[4] / "shared/data/mbpp/mbpp_511_974.jsonl"
DRAW = random.Random(5)
TEXTS = [" ".join(f"w{DRAW.randrange(10**6)}" for _ in range(30)) for _ in range(400)]
CODE = "def total(values):\n    result = 0\n    for value in values:\n        result += value * 2\n    return result\n"


def write(path: Path, rows: Sequence[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def ask(text: str, answer: str = "yes", **more: Any) -> Row:
    return {"prompt": text, "completion": answer, **more}


def sides(folder: Path) -> dict[Any, str]:
    """Where each row went, by its number."""
    paths = [folder / f"{side}.jsonl" for side in ("train", "valid", "test")]
    return {row["n"]: path.stem for path in paths if path.exists() for _, row in read_jsonl(path)}


def test_every_row_goes_somewhere_unchanged(tmp_path: Path) -> None:
    """Rows keep their bytes and their order within a split, and the shares are about those asked for."""
    source = write(tmp_path / "a.jsonl", [ask(text, n=number) for number, text in enumerate(TEXTS)])
    result = split(source, tmp_path / "b", test=20, valid=10)
    written = [(tmp_path / f"b/{side}.jsonl").read_text().splitlines() for side in ("train", "valid", "test")]
    lines = source.read_text().splitlines()
    assert sorted(chain.from_iterable(written)) == sorted(lines)
    assert all(rows == sorted(rows, key=lines.index) for rows in written)
    assert 60 <= result.manifest.counts["test"] <= 100
    assert 25 <= result.manifest.counts["valid"] <= 55


@pytest.mark.parametrize(
    "pair",
    [
        (ask(TEXTS[0]), ask(TEXTS[0].upper())),
        (ask(TEXTS[0], source_id="s"), ask(TEXTS[1], source_id="s")),
        (ask(TEXTS[0], source_id=7), ask(TEXTS[1], metadata={"source_id": 7})),
        (ask(TEXTS[0], CODE), ask(TEXTS[1], f"Like this:\n```python\n{CODE.replace('value', 'item')}```")),
        (ask(" ".join(TEXTS[:5])), ask(" ".join([*TEXTS[:5], "more"]))),
    ],
    ids=["equal", "source id", "source id in metadata", "renamed code", "near copy"],
)
def test_what_belongs_together_stays_together(tmp_path: Path, pair: tuple[Row, Row]) -> None:
    """Two rows of one kind are never parted, whatever the seed."""
    others = [ask(text) for text in TEXTS[20:60]]
    source = write(tmp_path / "a.jsonl", [row | {"n": n} for n, row in enumerate([pair[0], *others, pair[1]])])
    for seed in range(8):
        result = split(source, tmp_path / str(seed), test=30, valid=20, seed=seed)
        found = sides(tmp_path / str(seed))
        assert found[0] == found[41]
        assert result.largest_cluster == 2


def test_the_seed_draws_another_split(tmp_path: Path) -> None:
    """The same seed gives the same bytes, another seed another split."""
    source = write(tmp_path / "a.jsonl", [ask(text, n=number) for number, text in enumerate(TEXTS[:100])])
    first, second, other = (split(source, tmp_path / name, seed=seed) for name, seed in (("1", 1), ("2", 1), ("3", 2)))
    assert first.manifest.hashes == second.manifest.hashes != other.manifest.hashes


def test_likeness_between_train_and_test_is_measured(tmp_path: Path) -> None:
    """The most alike pair is named with its exact similarity: below the limit, since closer rows are kept together."""
    words = TEXTS[0].split() + TEXTS[1].split()
    alike = [ask(" ".join([*words[: 60 - cut], *TEXTS[2 + cut].split()[:cut]])) for cut in range(8, 30)]
    source = write(tmp_path / "a.jsonl", alike)
    leakage = split(source, tmp_path / "b", test=40, valid=0).leakage
    assert 0 < leakage.largest < 0.7
    assert leakage.pairs_above == 0
    assert leakage.pair is not None
    one, other = (set(_runs(alike[int(place.rpartition(":")[2]) - 1])) for place in leakage.pair)
    assert leakage.largest == pytest.approx(len(one & other) / len(one | other))


def _runs(row: Row) -> list[tuple[str, ...]]:
    words = [*row["prompt"].split(), *row["completion"].split()]
    return [tuple(words[place : place + 5]) for place in range(len(words) - 4)]


def test_strata_are_counted(tmp_path: Path) -> None:
    """Clusters are counted for each category and difficulty, wherever a row keeps them."""
    rows = [ask(text, category="a", metadata={"difficulty": n % 2}, n=n) for n, text in enumerate(TEXTS[:200])]
    result = split(write(tmp_path / "a.jsonl", rows), tmp_path / "b", test=30, valid=20)
    assert {stratum: sum(counts.values()) for stratum, counts in result.strata.items()} == {
        ("a", "0"): 100,
        ("a", "1"): 100,
    }
    for stratum, counts in result.strata.items():
        fit = result.fit(stratum, "test")
        assert (fit.share, fit.asked) == (counts["test"], 30)
        assert fit.deviation == pytest.approx(4.583, abs=0.001)
        assert abs(fit.share - fit.asked) < 4 * fit.deviation


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(40)), st.integers(0, 3))
def test_no_order_and_no_stranger_moves_a_row(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], seed: int
) -> None:
    """Rows that are put anywhere among others, of any stratum, leave these where they were."""
    folder = tmp_path_factory.mktemp("split")
    rows = [ask(text, n=n, category="ab"[n % 2]) for n, text in enumerate(TEXTS[:40])]
    split(write(folder / "a.jsonl", rows[:25]), folder / "a", test=30, valid=20, seed=seed)
    split(write(folder / "b.jsonl", [rows[n] for n in order]), folder / "b", test=30, valid=20, seed=seed)
    before, after = sides(folder / "a"), sides(folder / "b")
    assert {n: after[n] for n in before} == before


@pytest.mark.parametrize(("test", "valid"), [(60, 40), (100, 0), (-1, 0)])
def test_impossible_shares_are_refused(tmp_path: Path, test: float, valid: float) -> None:
    """Shares that leave nothing to train on are wrong usage, before anything is read."""
    with pytest.raises(UsageError, match="leave nothing"):
        split(tmp_path / "nowhere", tmp_path / "b", test=test, valid=valid)


def test_nothing_to_train_on_is_an_error(tmp_path: Path) -> None:
    """A source whose only cluster falls to test leaves nothing behind."""
    source = write(tmp_path / "a.jsonl", [ask("same")] * 3)
    with pytest.raises(DataError, match="Nothing is left"):
        for seed in range(60):
            split(source, tmp_path / str(seed), test=50, valid=0, seed=seed)


@given(st.binary(min_size=16, max_size=16), st.integers(0, 99), st.integers(0, 2**40))
def test_a_larger_share_moves_rows_into_it_alone(key: bytes, share: int, seed: int) -> None:
    """What is test at one share is test at any larger one."""
    if side_of(key, share, 0, seed) == "test":
        assert side_of(key, share + 1, 0, seed) == "test"


ROWS = st.lists(st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 8))), max_size=14)


@settings(max_examples=60, deadline=None)
@given(ROWS, ROWS, st.integers(0, 3))
def test_rows_that_are_added_move_no_old_one(
    tmp_path_factory: pytest.TempPathFactory, old: list[tuple[int, int | None]], new: list, seed: int
) -> None:
    """Appended rows leave every old row where it was, unless they tie two old clusters together.

    Then the later cluster follows the earlier one, and nothing else moves.
    """
    folder = tmp_path_factory.mktemp("split")
    anchors = [ask(TEXTS[100 + number], n=f"anchor {number}") for number in range(20)]
    rows = [
        ask(TEXTS[text], n=n, **({"source_id": origin} if origin else {})) for n, (text, origin) in enumerate(old + new)
    ]
    split(write(folder / "a.jsonl", anchors + rows[: len(old)]), folder / "a", test=30, valid=20, seed=seed)
    split(write(folder / "b.jsonl", anchors + rows), folder / "b", test=30, valid=20, seed=seed)
    before, after = sides(folder / "a"), sides(folder / "b")
    clusters_before, clusters_after = components(old), components(old + new)
    firsts = {clusters_after[row]: clusters_before[row] for row in reversed(range(len(old)))}
    for row in range(len(old)):
        assert after[row] == before[firsts[clusters_after[row]]]
    assert all(before[anchor["n"]] == after[anchor["n"]] for anchor in anchors)


def components(rows: Sequence[tuple[int, int | None]]) -> list[int]:
    """For each row the first one it is tied to, through any number of others, by text or by source id."""
    first = list(range(len(rows)))
    for _ in rows:
        for a, (text, origin) in enumerate(rows):
            for b, (other, another) in enumerate(rows):
                if text == other or (origin and origin == another):
                    first[a] = first[b] = min(first[a], first[b])
    return first


@pytest.mark.skipif(not MBPP.exists(), reason="the public rows are not here")
def test_no_twins_of_a_real_benchmark_are_parted(tmp_path: Path) -> None:
    """MBPP has tasks that are solved by the same code; none stands on both sides, and no pair is above the limit."""
    rows = [ask(row["text"], row["code"], n=number) for number, (_, row) in enumerate(read_jsonl(MBPP))]
    result = split(write(tmp_path / "a.jsonl", rows), tmp_path / "b", test=30, valid=0)
    assert result.clusters < len(rows)
    assert result.leakage.pairs_above == 0
