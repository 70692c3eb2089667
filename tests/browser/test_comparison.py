"""Comparisons in a real browser: what is read first, marked words, the way from a number to both answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from punie.evaluation.outcomes import EvaluationRun
from punie.report.compare import compare, compare_all
from punie.report.pages import write_comparison_page, write_comparison_pages

from ..report.conftest import outcomes_run
from .window import NARROW, open_all, overflow, show, violations

_GROUPS = ["broken", "fixed", "still failing", "still right"]


@pytest.fixture(scope="module")
def runs() -> tuple[EvaluationRun, ...]:
    """A base and two runs: the first breaks one case and fixes one, the second fixes two."""
    rights = {"base": [True, False, False, True], "one": [False, True, False, True], "two": [True, True, True, True]}
    return tuple(outcomes_run(name, {"code_generation": found}) for name, found in rights.items())


@pytest.fixture(scope="module")
def comparison(runs: tuple[EvaluationRun, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    changed = answering(runs[0], "def add(x):\n    return x + 1"), answering(runs[1], "def add(x):\n    return x - <b>")
    return write_comparison_page(compare(*changed), tmp_path_factory.mktemp("comparison"))


@pytest.fixture(scope="module")
def several(runs: tuple[EvaluationRun, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As many runs as a page may have."""
    folder = tmp_path_factory.mktemp("several")
    return write_comparison_pages(compare_all(runs[0], [*runs[1:], *runs[2:] * 5]), folder, folder)[0]


def answering(run: EvaluationRun, text: str) -> EvaluationRun:
    """The run with another text as its first answer."""
    first = run.trials[0]
    assert first.answer is not None
    changed = first.model_copy(update={"answer": first.answer.model_copy(update={"text": text})})
    return replace(run, trials=(changed, *run.trials[1:]))


@pytest.mark.parametrize("width", [NARROW, 1200])
def test_the_first_screen_says_which_is_better_and_where_it_got_worse(page: Page, comparison: Path, width: int) -> None:
    """Without scrolling: both runs, the verdict, how sure it is, and that a case got worse."""
    show(page, comparison, width=width)
    for words in ("base (before)", "Inconclusive. one has 2 of 4 cases right, base 2 of 4.", "exact McNemar p = 1.00"):
        expect(page.locator("header")).to_contain_text(words)
    expect(page.locator(".losses")).to_have_text("1 case got worse; no category is shown to be worse.")
    expect(page.locator(".losses")).to_be_in_viewport()


def test_groups_stand_in_the_order_of_concern(page: Page, comparison: Path) -> None:
    """Broken cases come first, and the figure of what got worse leads to them."""
    show(page, comparison)
    headings = page.locator(".bucket:visible h3").all_inner_texts()
    assert [heading.rsplit(" ", 1)[0].lower() for heading in headings] == _GROUPS
    page.get_by_role("link", name="read it first").click()
    expect(page.locator("#broken h3")).to_be_in_viewport()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_changed_words_are_marked_by_more_than_colour(page: Page, comparison: Path, dark: bool) -> None:
    """A word that went is struck through, one that came is underlined, and what a model wrote stays text."""
    show(page, comparison, dark=dark, anchor="#case-code_generation-000")
    before, after = page.locator("#case-code_generation-000 .answer pre").all()
    expect(before).to_have_text("def add(x):\n    return x + 1")
    assert (before.locator("del").all_inner_texts(), before.locator("ins").count()) == (["+ 1"], 0)
    assert (after.locator("ins").all_inner_texts(), after.locator("del, b").count()) == (["- <b>"], 0)
    lines = [one.evaluate("it => getComputedStyle(it).textDecorationLine") for one in page.locator("del, ins").all()]
    assert lines == ["line-through", "underline"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_wrong_with_several_runs(page: Page, several: Path, dark: bool) -> None:
    """With all unfolded no rule of axe-core is broken."""
    show(page, several, dark=dark)
    open_all(page)
    assert violations(page) == []


@pytest.mark.parametrize("width", [NARROW, 768, 1200])
def test_several_runs_fit_the_window(page: Page, several: Path, width: int) -> None:
    """Tables that are wider scroll by themselves, and the page does not."""
    show(page, several, width=width)
    open_all(page)
    assert overflow(page) <= 0


def test_nothing_of_several_runs_is_cut_off_on_paper(page: Page, several: Path) -> None:
    """Tables that scroll in a window are whole on a sheet of A4, eight columns wide."""
    show(page, several, width=794)
    page.emulate_media(media="print")
    hidden = (
        "all => all.filter(it => it.scrollHeight > it.clientHeight + 1 || it.scrollWidth > it.clientWidth + 1).length"
    )
    assert page.locator("#categories .scroll, #matrix .scroll").evaluate_all(hidden) == 0


def test_an_outcome_of_several_runs_leads_to_both_answers(page: Page, several: Path) -> None:
    """From the mark of a run in the table of cases to that case, open, on the page of that run and the base."""
    show(page, several)
    expect(page.locator("#matrix tbody").first.locator("tr").nth(1)).to_contain_text("code_generation-000")
    marks = page.locator("#matrix tr", has_text="code_generation-000").locator("td")
    assert [mark.inner_text() for mark in marks.all()] == ["✓", "✗", *"✓✓✓✓✓✓"]
    expect(marks.nth(1).get_by_role("link")).not_to_have_accessible_name("✗")
    marks.nth(1).get_by_role("link").click()
    expect(page.locator(".case[open]")).to_have_attribute("id", "case-code_generation-000")
    expect(page).to_have_title("Inconclusive: base → one")


def test_a_case_of_several_runs_shows_every_answer(page: Page, several: Path) -> None:
    """The name of a case leads to what each run answered to it."""
    show(page, several)
    page.locator("#matrix").get_by_role("link", name="code_generation-000").click()
    opened = page.locator("#case-code_generation-000[open]")
    labels = opened.locator(".answer h4").evaluate_all("all => all.map(it => it.firstChild.data.trim())")
    names = [name for label in labels for name in label.split(", ")]
    assert sorted(names) == sorted(["base", "one", "two", *(f"two-{number}" for number in range(2, 7))])
    assert len(labels) < len(names)
