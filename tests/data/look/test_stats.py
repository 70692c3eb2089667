"""Statistics: what is counted, how long rows are in a real tokenizer's tokens, and what padding costs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from punie.curriculum.epochs import Shuffled
from punie.data.ledger import Removal
from punie.data.look.stats import Duplicates, Stats, TokenSettings, stats
from punie.data.look.tokens import Histogram, PaddingMeter, expected_padding, row_text
from punie.data.writer import DatasetWriter
from punie.errors import DataError, UsageError
from punie.training import batches, order

ASK = {"role": "user", "content": "Where is the book that I bought in the town yesterday evening?"}
FRAGE = {"role": "user", "content": "Wo liegt das Buch, das ich gestern Abend in der Stadt gekauft habe?"}
SAY = {"role": "assistant", "content": "There."}
TOOL = {"type": "function", "function": {"name": "find", "parameters": {}}}
CALL = {"type": "function", "function": {"name": "find", "arguments": {"a": 1}}}
CALLING = {"role": "assistant", "content": "", "tool_calls": [CALL, CALL]}
WRITING = {"role": "assistant", "content": '<tool_call>{"name": "look", "arguments": {}}</tool_call>'}


def write(folder: Path, **splits: Sequence[Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in splits.items():
        (folder / f"{split}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


def chat(*messages: Any, **others: Any) -> dict[str, Any]:
    return {"messages": list(messages), **others}


def facet(found: Stats, title: str) -> dict[tuple[str, str], int]:
    return dict(found.facets[title])


@pytest.fixture
def mixed(tmp_path: Path) -> Stats:
    """Two splits with calls, labels in both places, and one odd row."""
    train = [
        chat(ASK, CALLING, {"role": "tool", "content": ""}, SAY, tools=[TOOL], category="tools", difficulty=3),
        chat(FRAGE, WRITING, metadata={"category": "tools"}),
        {"prompt": "x", "completion": "y", "category": "code"},
    ]
    return stats(write(tmp_path / "mixed", train=train, valid=[{"text": "z"}, {"odd": 1}]))


def test_rows_are_counted_by_split_and_name(mixed: Stats) -> None:
    """Every count is of rows: a row that calls a tool twice counts once; labels stand in the row or its metadata."""
    assert (mixed.rows, dict(mixed.splits)) == (5, {"train": 3, "valid": 2})
    assert facet(mixed, "category") == {("tools", "train"): 2, ("code", "train"): 1, ("(none)", "valid"): 2}
    assert facet(mixed, "difficulty")["3", "train"] == 1
    assert facet(mixed, "shape") == {
        ("chat with tools", "train"): 1,
        ("chat", "train"): 1,
        ("completion", "train"): 1,
        ("text", "valid"): 1,
        ("unknown", "valid"): 1,
    }
    assert facet(mixed, "messages") == {("4", "train"): 1, ("2", "train"): 1}
    assert facet(mixed, "tools declared") == {("find", "train"): 1}
    assert facet(mixed, "tools called") == {("find", "train"): 1, ("look", "train"): 1}


def test_the_language_is_that_of_the_question(mixed: Stats) -> None:
    """What is too short to tell is not guessed."""
    languages = facet(mixed, "language")
    assert (languages["en", "train"], languages["de", "train"]) == (1, 1)
    assert languages["(too short or unsure)", "valid"] == 2


def test_repeats_are_found_across_splits(tmp_path: Path) -> None:
    """Case and spaces do not matter; a later split that repeats an earlier one is told apart."""
    train = [{"text": "A  b"}, {"text": "a b"}, {"text": "c"}]
    found = stats(write(tmp_path / "d", train=train, valid=[{"text": "C "}, {"text": "d"}], test=[{"text": "d"}]))
    assert found.duplicates == Duplicates(
        rows=3, across_splits=2, leaks=(("valid:1", "train:3"), ("test:1", "valid:2"))
    )


@pytest.mark.parametrize(
    ("row", "texts"),
    [
        (chat(ASK, SAY), [ASK["content"], "There."]),
        (chat(ASK, CALLING, tools=[TOOL]), [ASK["content"], "", json.dumps([CALL, CALL]), json.dumps([TOOL])]),
        ({"prompt": "a", "completion": "b", "text": "c"}, ["a", "b"]),
        ({"text": "c", "id": "d"}, ["c"]),
        ({"messages": [3, {"content": ["part"]}]}, ['["part"]']),
        ({}, []),
    ],
)
def test_what_a_row_says_is_what_is_counted(row: dict[str, Any], texts: list[str]) -> None:
    """Contents, calls and declarations; not ids, roles or what a template adds."""
    assert row_text(row).replace(" ", "") == "\n".join(texts).replace(" ", "")


def test_tokens_are_the_models_own(tmp_path: Path, tiny_model: Path) -> None:
    """Lengths are what the model's tokenizer makes of the text, over more rows than one batch of it."""
    texts = [f"def f_{n}(x):\n    return x + {n}" for n in range(700)]
    found = stats(write(tmp_path / "d", train=[{"text": text} for text in texts]), TokenSettings(tiny_model, 4, 12))
    own = Tokenizer.from_file(str(tiny_model / "tokenizer.json"))
    lengths = [len(own.encode(text, add_special_tokens=False)) for text in texts]
    assert found.tokens is not None
    assert (found.tokens.lengths.count, found.tokens.lengths.total) == (700, sum(lengths))
    assert found.tokens.longer == sum(length > 12 for length in lengths)
    assert found.tokens.lost == sum(max(0, length - 12) for length in lengths)
    assert found.characters.total == sum(map(len, texts))


def test_padding_is_what_training_would_pad() -> None:
    """Counted as training's own batches are made: in file order a padded block each, as Punie trains cut in groups."""
    lengths = np.random.default_rng(3).lognormal(5, 0.8, 4000).astype(int).tolist()
    meter, histogram = PaddingMeter(4, 1024), Histogram()
    for length in lengths:
        meter.add(length)
        histogram.add(length)
    found = expected_padding(histogram, meter)
    rows = [batches.TokenRow(range(length), ((0, length),)) for length in lengths]
    blocks = [batches.make_batch(rows[start : start + 4], 1024).tokens for start in range(0, 4000, 4)]
    real = sum(batches.clipped(rows, 1024))
    assert found.file_order == pytest.approx(1 - real / sum(block.size for block in blocks), rel=1e-12)
    drawn = [
        [rows[index] for index in batch] for batch in islice(order.counted_order(Shuffled(range(4000), 1), 4), 1000)
    ]
    groups = [group.inputs for batch in drawn for group in batches.make_groups(batch, 1024)]
    assert found.training_order == pytest.approx(1 - real / sum(g.size + len(g) for g in groups), abs=0.01)
    assert found.training_order < 0.5 * found.random_order


def test_padding_of_a_sample_is_that_of_all() -> None:
    """Of many rows some are drawn, which hardly moves the estimate; of fewer rows than a batch there is none."""
    meter, some, many = PaddingMeter(4, 1024), Histogram(), Histogram()
    for number, length in enumerate(np.random.default_rng(3).lognormal(5, 0.8, 150_000).astype(int).tolist()):
        many.add(length)
        if number < 50_000:
            some.add(length)
    estimates = [expected_padding(histogram, meter) for histogram in (some, many)]
    assert estimates[0].random_order == pytest.approx(estimates[1].random_order, abs=0.01)
    assert estimates[0].training_order == pytest.approx(estimates[1].training_order, abs=0.01)
    assert math.isnan(estimates[0].file_order)
    assert math.isnan(expected_padding(Histogram(), meter).training_order)


@settings(deadline=None)
@given(st.lists(st.integers(0, 1_000_000), min_size=1), st.floats(0.01, 1))
def test_a_histogram_knows_its_quantiles(lengths: list[int], share: float) -> None:
    """Exact below 4096 and within 0.05 % above; count, total and longest are exact."""
    histogram = Histogram()
    for length in lengths:
        histogram.add(length)
    exact = sorted(lengths)[math.ceil(share * len(lengths)) - 1]
    assert exact * 0.9995 <= histogram.quantile(share) <= exact
    assert (histogram.count, histogram.total, histogram.longest) == (len(lengths), sum(lengths), max(lengths))
    assert exact >= 4096 or histogram.quantile(share) == exact


def test_the_way_of_the_rows_is_read_beside_them(tmp_path: Path) -> None:
    """Rules and their removals come from the ledger, parents and recipe from the manifest."""
    with DatasetWriter(tmp_path / "d", name="d", recipe={"filter": 1}) as writer:
        writer.write("train", b'{"text": "a"}')
        for line, rule in enumerate(["short", "long", "short"]):
            writer.remove(Removal("in", line, "", rule, 1, 2))
    found = stats(tmp_path / "d")
    assert [(rule.rule, rule.rows) for rule in found.removed] == [("short", 2), ("long", 1)]
    assert found.manifest is not None
    assert found.manifest.recipe == {"filter": 1}


def test_bad_input_is_named(tmp_path: Path) -> None:
    """A line that is no row, and a model that has no tokenizer.json."""
    with pytest.raises(DataError) as caught:
        stats(write(tmp_path / "d", train=[{"text": "a"}, ["b"]]))
    assert caught.value.where == f"{tmp_path}/d/train.jsonl:2"
    with pytest.raises(UsageError, match=r"tokenizer\.json"):
        stats(tmp_path / "d", TokenSettings(tmp_path))
