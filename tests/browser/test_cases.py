"""The list of cases in a real browser: filters, search, sorting, keys, addresses, paper."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from punie.report.compare import compare
from punie.report.html import render_comparison, render_run

from ..report.conftest import BASE, TUNED, drawn_outcomes, outcomes_run


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a comparison of 360 cases."""
    before = outcomes_run("baseline", drawn_outcomes(BASE, seed=1))
    after = outcomes_run("tuned", drawn_outcomes(TUNED, seed=2))
    return _written(tmp_path_factory.mktemp("comparison"), render_comparison(compare(before, after)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a run of 360 cases."""
    after = outcomes_run("tuned", drawn_outcomes(TUNED, seed=2))
    return _written(tmp_path_factory.mktemp("run"), render_run(after))


def _written(folder: Path, text: str) -> str:
    (folder / "page.html").write_text(text, encoding="utf-8")
    return (folder / "page.html").as_uri()


def shown(page: Page) -> int:
    return page.locator(".case:visible").count()


def told(page: Page) -> int:
    """How many cases the page says it shows."""
    return int(page.locator("#filters output").inner_text())


def chosen(page: Page, facet: str, word: str) -> int:
    """Choose a value of a facet; the count it promised."""
    chip = page.locator(f".chip:has(input[name={facet}][value={word}])")
    promised = int(chip.locator(".count").inner_text())
    chip.click()
    return promised


def focused(page: Page) -> str:
    """The id of the case that has the keyboard."""
    return page.evaluate("document.activeElement.closest('.case')?.id ?? ''")


@pytest.mark.parametrize(
    ("facet", "word"), [("outcome", "broken"), ("category", "reasoning"), ("failure", "no-call"), ("outcome", "fixed")]
)
def test_a_filter_shows_as_many_cases_as_it_promised(page: Page, comparison: str, facet: str, word: str) -> None:
    """Each chip counts the cases it leaves; exactly these are shown, and each of them has the value."""
    page.goto(comparison)
    promised = chosen(page, facet, word)
    assert promised == shown(page) == told(page) > 0
    assert page.locator(f".case:visible[data-{facet}~={word}]").count() == promised


def test_filters_narrow_each_other_and_their_counts(page: Page, comparison: str) -> None:
    """A second facet counts only what the first left; two values of one facet widen."""
    page.goto(comparison)
    broken = chosen(page, "outcome", "broken")
    both = chosen(page, "category", "tool_calling")
    assert both == shown(page) < broken
    other = chosen(page, "category", "reasoning")
    assert shown(page) == both + other


@pytest.mark.parametrize("text", ["draft_03", "ADD_7(", "reasoning-011", "is not what was asked for"])
def test_search_looks_in_prompts_answers_names_and_reasons(page: Page, comparison: str, text: str) -> None:
    """Every case shown holds the text, in whatever letters, and no hidden one does."""
    page.goto(comparison)
    page.get_by_label("Search").fill(text)
    holding = page.locator(".case").filter(has_text=re.compile(re.escape(text), re.IGNORECASE)).count()
    assert shown(page) == told(page) == holding > 0


def test_search_does_not_find_the_words_of_the_page(page: Page, run: str) -> None:
    """Labels such as "expected" are on every case and say nothing about it."""
    page.goto(run)
    page.get_by_label("Search").fill("expected")
    assert shown(page) < 360


def test_nothing_found_is_said(page: Page, run: str) -> None:
    """An empty list says that nothing matches."""
    page.goto(run)
    page.get_by_label("Search").fill("no such text in any case")
    expect(page.get_by_text("No case matches.")).to_be_visible()
    assert shown(page) == told(page) == 0


def test_sorting_puts_the_longest_answer_first_and_outcomes_back(page: Page, run: str) -> None:
    """Sorted cases are one list without groups; sorted by outcome they are where they were."""
    page.goto(run)
    ids = "[...document.querySelectorAll('.case')].map(one => one.id)"
    first = page.evaluate(ids)
    page.get_by_label("Sort").select_option("longest")
    lengths = page.evaluate("[...document.querySelectorAll('.case')].map(one => +one.dataset.longest)")
    assert lengths == sorted(lengths, reverse=True)
    expect(page.locator(".bucket:visible h3")).to_have_text(["longest first 360"])
    page.get_by_label("Sort").select_option("name")
    names = page.evaluate(ids)
    assert names == sorted(names) != first
    page.get_by_label("Sort").select_option("outcome")
    assert page.evaluate(ids) == first


def test_keys_go_through_the_shown_cases_and_open_them(page: Page, comparison: str) -> None:
    """/ searches, Enter goes to the first case found, j and k move, Enter opens, Escape leaves the search."""
    page.goto(comparison)
    page.keyboard.press("/")
    page.keyboard.type("draft_0")
    page.keyboard.press("Enter")
    visible = page.evaluate("[...document.querySelectorAll('.case:not([hidden])')].map(one => one.id)")
    assert focused(page) == visible[0]
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert focused(page) == visible[1]
    page.keyboard.press("Enter")
    assert page.locator("details[open]").evaluate_all("all => all.map(one => one.id)") == [visible[1]]
    page.keyboard.press("/")
    page.keyboard.type("j")
    assert page.get_by_label("Search").input_value() == "draft_0j"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_the_address_keeps_what_was_chosen(page: Page, comparison: str) -> None:
    """Filters, search and order are in the address; who opens it sees the same list."""
    page.goto(comparison)
    chosen(page, "outcome", "fixed")
    chosen(page, "outcome", "broken")
    page.get_by_label("Search").fill("draft_1 & more")
    page.get_by_label("Search").fill("draft_1")
    page.get_by_label("Sort").select_option("slowest")
    expect(page).to_have_url(re.compile("#outcome=broken[+]fixed&text=draft_1&sort=slowest$"))
    before = page.evaluate("[...document.querySelectorAll('.case:not([hidden])')].map(one => one.id)")
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    assert page.evaluate("[...document.querySelectorAll('.case:not([hidden])')].map(one => one.id)") == before
    assert shown(page) == len(before) > 0
    page.locator("#filters").evaluate("form => { form.reset(); form.dispatchEvent(new Event('input')); }")
    expect(page).to_have_url(comparison)


def test_a_link_to_a_case_opens_it_and_gives_it_the_keyboard(page: Page, comparison: str) -> None:
    """At first sight, and again where a filter hides the case."""
    page.goto(f"{comparison}#case-tool_calling-003")
    assert page.locator("details[open]").evaluate_all("all => all.map(one => one.id)") == ["case-tool_calling-003"]
    assert focused(page) == "case-tool_calling-003"
    expect(page.locator("#case-tool_calling-003 .answers")).to_be_in_viewport()
    page.get_by_label("Search").fill("reasoning")
    page.evaluate("location.hash = 'case-code_generation-004'")
    expect(page.locator("#case-code_generation-004 .answers")).to_be_in_viewport()
    assert (focused(page), shown(page)) == ("case-code_generation-004", 360)


@pytest.mark.parametrize(
    "state", ["#outcome=none&failure=%00", "#sort=sideways", "#text=%ff", "#case-%E0%A4%A", "#x=="]
)
def test_a_broken_address_does_no_harm(page: Page, run: str, state: str) -> None:
    """What an address names and is not there is passed over; nothing is said on the console."""
    page.goto(run + state)
    assert told(page) in (0, 360)


def test_paper_shows_every_case_that_is_shown_and_no_controls(page: Page, run: str) -> None:
    """Printed, the cases left by the filters are open, the others and the filters are away."""
    page.goto(run)
    left = chosen(page, "outcome", "wrong")
    page.emulate_media(media="print")
    assert page.locator(".case .answers:visible").count() == left
    expect(page.locator("#filters .tools")).to_be_hidden()
    assert page.locator(".case .answers").first.bounding_box()["height"] > 20


def test_without_script_every_case_can_be_read(chromium: Browser, run: str) -> None:
    """No filters, but the list, and each case opens."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{run}#case-reasoning-007")
    expect(page.locator("#filters")).to_be_hidden()
    page.locator("#case-reasoning-007 summary").click()
    expect(page.locator("#case-reasoning-007 .answers")).to_be_visible()
    context.close()
