"""The dataset page: the same numbers as the record, nothing from a row can run, and it is one file."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from punie.data.ledger import Removal
from punie.data.look.stats import Stats, TokenSettings, stats
from punie.data.look.tokens import Histogram
from punie.data.writer import DatasetWriter
from punie.report.dataset import cautions, dataset_record, facets, funnel, render_dataset
from punie.report.lengths import draw_lengths

HOSTILE = "</title></script><script>document.title = 'taken'</script>\x1b[2J\u202e"
VOID = {"meta", "br", "img", "link"}


class Page(HTMLParser):
    """What a browser would build: elements in order, and whether every end has its start."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def counted(tmp_path: Path, tiny_model: Path) -> Stats:
    """30 rows of train and 10 of valid, of which one repeats; three rows were removed on the way."""
    with DatasetWriter(tmp_path / "d", name="d", recipe={"note": HOSTILE}) as writer:
        for number in range(40):
            row = {"text": f"row {number} " * (1 + number % 7), "category": HOSTILE if number % 2 else "plain"}
            writer.write("train" if number < 30 else "valid", json.dumps(row).encode())
        writer.write("valid", b'{"text": "row 0 "}')
        for rule in ("short", "long", "short"):
            writer.remove(Removal("in", 1, "", rule, 1, 2))
    return stats(tmp_path / "d", TokenSettings(tiny_model, 4, 20))


def test_the_page_is_whole_and_asks_for_nothing(counted: Stats) -> None:
    """Every element is closed, ids are unique, and no address outside the file is named."""
    text = render_dataset(counted)
    page = Page(text)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert not page.open
    assert len(set(ids)) == len(ids)
    assert {"lengths", "padding", "counts", "removed", "origin", "method"} <= set(ids)
    assert not re.search(r"""(?:src|href)=["']?(?!#)""", text)
    text.encode()


def test_nothing_from_a_row_can_run(counted: Stats) -> None:
    """Names and recipes are escaped and their control characters are written out."""
    text = render_dataset(counted)
    assert text.count("<script") == 1
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;" in text


def test_the_page_says_what_the_record_says(counted: Stats) -> None:
    """Rows, repeats, cuts and padding, on the page as in the JSON."""
    text, record = render_dataset(counted), dataset_record(counted)
    json.dumps(record, allow_nan=False)
    assert "<h1>41 rows to teach from" in text
    assert (record["rows"], record["splits"]) == (41, {"train": 30, "valid": 11})
    assert record["duplicates"] == {"rows": 1, "across_splits": 1, "leaks": (("valid:11", "train:1"),)}
    assert f"{record['tokens']['longer']} rows longer than 20 tokens" in text
    assert f"{100 * record['tokens']['padding']['file_order']:.1f}%" in text
    assert cautions(counted)[0].startswith("1 row of a later split with the text")


def test_the_funnel_closes(counted: Stats) -> None:
    """From what came in, rule by rule, to what is there."""
    steps = funnel(counted)
    assert [(step.rule, step.removed, step.left) for step in steps] == [("short", 2, 42), ("long", 1, 41)]
    assert steps[-1].share_left == pytest.approx(41 / 44)


def test_facets_stand_in_the_order_of_their_size(tmp_path: Path) -> None:
    """Many names are cut to the first, the others are counted; what no row has is left out."""
    rows = [{"text": f"t{number}", "category": f"c{max(0, number - 5):02}"} for number in range(30)]
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = stats(tmp_path / "rows.jsonl")
    category = next(facet for facet in facets(found) if facet.title == "category")
    assert [(row.name, row.rows) for row in category.rows[:2]] == [("c00", 6), ("c01", 1)]
    assert (category.others, category.other_rows) == (10, 10)
    assert "difficulty" not in [facet.title for facet in facets(found)]


def test_an_empty_dataset_has_a_page(tmp_path: Path, tiny_model: Path) -> None:
    """No row is a fact, not a failure."""
    (tmp_path / "rows.jsonl").touch()
    found = stats(tmp_path / "rows.jsonl", TokenSettings(tiny_model))
    assert "0 rows to teach from" in render_dataset(found)
    json.dumps(dataset_record(found), allow_nan=False)


@pytest.mark.parametrize("lengths", [[0], [1] * 5, list(range(1000)), [10] * 990 + [10**6] * 10, [5, 10**9]])
def test_bars_stand_side_by_side_and_hold_every_row(lengths: list[int]) -> None:
    """Whatever the lengths, every row is in a bar, the tallest fills the height and none reaches out of the drawing."""
    histogram = Histogram()
    for length in lengths:
        histogram.add(length)
    chart = draw_lengths("tokens", histogram, limit=512)
    assert sum(bar.rows for bar in chart.bars) == len(lengths)
    assert len(chart.table) == len(chart.bars) + 1
    assert max(bar.height for bar in chart.bars) == 100
    assert 1 < len(chart.up) <= 6
    assert all(0 <= tick.place <= 100 for tick in chart.up)
    assert all(bar.left >= 0 and bar.left + bar.width <= 100.0001 for bar in chart.bars)
    assert all(0 <= mark.place <= 100 for mark in (*chart.marks, *chart.ticks))
    assert 2 <= len(chart.ticks) <= 8


def test_leaks_and_exams_are_asked_about(counted: Stats, tmp_path: Path) -> None:
    """Where a later split repeats an earlier one, which benchmarks were compared, and that none were."""
    assert "valid:11 repeats train:1" in render_dataset(counted)
    assert "no step in the record compared these rows" in render_dataset(counted)
    compared = [replace(step, benchmarks=("HumanEval", HOSTILE)) for step in counted.steps]
    assert "compared with HumanEval, &lt;/title&gt;" in render_dataset(replace(counted, steps=tuple(compared)))
