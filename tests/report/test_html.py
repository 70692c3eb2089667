from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from punie.evaluation.outcomes import EvaluationRun
from punie.report.compare import compare
from punie.report.html import render_comparison, render_run, visible

RunMaker = Callable[..., EvaluationRun]

HOSTILE = (
    "</script><script>document.title = 'taken'</script>",
    "</pre></div></details><img src=x onerror=\"document.title = 'taken'\">",
    "\x1b[2J\x1b]0;taken\x07 bell\x00 null \x9b31m",
    "\ud800 lone, \u202e turned \u2066 text",
    '" autofocus onfocus="document.title = 1',
    "{{ 7 * 7 }} {% raw %} ${alert(1)} <!-- -->]]>",
    "x" * 20_000,
)
ODD_IDS = ("sum 1/2", 'sum "1" 2')
VOID = {"meta", "input", "br", "img", "link"}


class Page(HTMLParser):
    """What a browser would build: elements in order, attributes, text, and whether every end has its start."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
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

    def handle_data(self, data: str) -> None:
        self.text += data

    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.elements if "id" in attributes]

    def count(self, tag: str, **wanted: str) -> int:
        return sum(tag == name and wanted.items() <= attributes.items() for name, attributes in self.elements)


def answering(run: EvaluationRun, texts: tuple[str, ...]) -> EvaluationRun:
    """The run with its first answers, reasons, failure classes and case ids replaced by these texts."""
    trials = list(run.trials)
    for index, text in enumerate(texts):
        trial = trials[index]
        assert trial.answer is not None
        answer = trial.answer.model_copy(update={"text": text})
        changes = {"answer": answer, "reason": text[:300], "failure": text[:40]}
        trials[index] = trial.model_copy(update=changes)
    return replace(run, trials=tuple(trials))


@pytest.fixture
def page(before: EvaluationRun, after: EvaluationRun) -> str:
    return render_comparison(compare(before, after))


@pytest.fixture
def hostile_page(before: EvaluationRun, after: EvaluationRun) -> str:
    record = after.record.model_copy(update={"name": HOSTILE[1]})
    return render_comparison(compare(answering(before, HOSTILE), answering(replace(after, record=record), HOSTILE)))


def test_page_says_the_verdict_first(page: str, before: EvaluationRun, after: EvaluationRun) -> None:
    """The heading is the verdict with both runs and counts; after it come the evidence and what got worse."""
    comparison = compare(before, after)
    heading = re.sub(r"<[^>]+>", "", page.split("<h1>")[1].split("</h1>")[0])
    assert (
        heading == f"Better. {comparison.statement}." == "Better. tuned has 290 of 360 cases right, baseline 88 of 360."
    )
    evidence = re.sub(r"<[^>]+>", "", page.split('<p class="evidence">')[1].split("</p>")[0])
    assert evidence == f"{html.escape(comparison.evidence)}. {comparison.losses}"


def test_page_shows_every_case_and_can_link_to_each(page: str, before: EvaluationRun) -> None:
    """Every case has an element of its own, with a unique address and a link to it."""
    read = Page(page)
    assert not read.open
    assert read.count("details") == len(before.trials)
    assert len(set(read.ids())) == len(read.ids())
    assert {f"case-{trial.case.id}" for trial in before.trials} <= set(read.ids())
    assert read.count("a", href="#case-reasoning-007") == 1


def test_page_puts_broken_cases_first(page: str) -> None:
    """A reader meets what got worse before what got better."""
    buckets = [attributes["data-outcome"] for tag, attributes in Page(page).elements if tag == "details"]
    assert list(dict.fromkeys(buckets)) == ["broken", "fixed", "still-failing", "still-right"]


@pytest.mark.parametrize("number", ["12 of 100", "12.0%", "p &lt; 0.0001", "4.37 nats", "1080 bad"])
def test_page_shows_counts_beside_shares_and_the_proof(page: str, number: str) -> None:
    """Counts, shares, p-values, the handshake, and the self-check are on the page."""
    assert number in re.sub(r'<span class="of">(.*?)</span>', r"\1", page)


def test_page_marks_code_that_ran_without_a_jail(before: EvaluationRun) -> None:
    """The run that did without a jail says so twice, among the cautions and in the table of facts."""
    unsafe = replace(before, record=before.record.model_copy(update={"code_execution": "unsafe child process"}))
    assert render_run(unsafe).count("unsafe</b> child process") == 1
    assert "ran without a jail" in render_run(unsafe)
    assert "without a jail" not in render_run(before)


def test_page_asks_nobody_for_anything(page: str, after: EvaluationRun) -> None:
    """No element of either page loads anything, and the policy forbids what an answer might add."""
    for text in (page, render_run(after)):
        read = Page(text)
        assert not {"link", "img", "iframe", "object", "embed", "base"} & {tag for tag, _ in read.elements}
        loading = [attributes for _, attributes in read.elements if {"src", "action", "srcset"} & attributes.keys()]
        links = [attributes["href"] for tag, attributes in read.elements if tag == "a"]
        assert not loading
        assert all(link and link.startswith("#") for link in links)
        assert "url(" not in text.split("</style>")[0]
        assert "default-src 'none'" in str(read.elements[3][1]["content"])


def test_policy_allows_our_own_script_and_style_only(page: str) -> None:
    """The hashes in the policy are those of the one script and the one style on the page."""
    assert (page.count("<script>"), page.count("<style>")) == (1, 1)
    for tag in ("script", "style"):
        content = page.split(f"<{tag}>")[1].split(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in page


def test_page_of_360_cases_stays_small(page: str) -> None:
    """A page that opens at once: under 1.5 MB."""
    assert len(page.encode()) < 1_500_000


def test_hostile_answers_stay_text(hostile_page: str) -> None:
    """Markup, scripts and template code in an answer are shown, and add no element to the page."""
    read = Page(hostile_page)
    assert not read.open
    assert (read.count("script"), read.count("style"), read.count("img")) == (1, 1, 0)
    assert not [
        attributes for _, attributes in read.elements if {"onerror", "onfocus", "autofocus"} & attributes.keys()
    ]
    for text in (HOSTILE[0], HOSTILE[1], HOSTILE[4], HOSTILE[5], HOSTILE[6]):
        assert text in read.text


def test_hostile_characters_are_written_out(hostile_page: str) -> None:
    """Terminal escapes, nulls, direction overrides and lone surrogates become visible signs; the page is UTF-8."""
    hostile_page.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", hostile_page)
    assert "␛[2J␛]0;taken␇ bell␀ null \\u009b31m" in hostile_page
    assert "\\ud800 lone, \\u202e turned" in hostile_page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\n", "a␍\n"),
        ("é 日本 👩‍💻 ไทย", "é 日本 👩‍💻 ไทย"),
        ("\x7f", "␡"),
        ("\ufeff", "\\ufeff"),
        (7, 7),
    ],
)
def test_visible_changes_only_what_cannot_be_seen(text: object, shown: object) -> None:
    """Ordinary text of any script, tabs and line ends are left alone."""
    assert visible(text) == shown


def test_odd_case_ids_get_distinct_safe_addresses(run_of: RunMaker) -> None:
    """Ids that differ only in unsafe characters keep different addresses."""
    run = run_of("a", {"reasoning": [True, False]})
    cases = [trial.case.model_copy(update={"id": name}) for trial, name in zip(run.trials, ODD_IDS, strict=True)]
    odd = [trial.model_copy(update={"case": case}) for trial, case in zip(run.trials, cases, strict=True)]
    addresses = [name for name in Page(render_run(replace(run, trials=tuple(odd)))).ids() if name.startswith("case-")]
    assert len(set(addresses)) == 2
    assert all(re.fullmatch(r"case-sum-1-2-[0-9a-f]{6}", address) for address in addresses)


def test_warnings_stand_before_the_numbers(before: EvaluationRun, after: EvaluationRun) -> None:
    """What makes the runs less than comparable is read before the table; without doubts there is no banner."""
    doubtful = replace(after, record=after.record.model_copy(update={"concurrency": 1}))
    page = render_comparison(compare(before, doubtful))
    assert 0 < page.index("Concurrency differs: 8 before, 1 after.") < page.index('id="result"')
    assert '<aside class="warnings"' not in render_comparison(compare(before, after))


def test_only_the_embedded_model_is_called_a_demonstration(before: EvaluationRun, after: EvaluationRun) -> None:
    """The note on the tiny model is on its pages, and on no other."""
    note = "Demonstration model."
    other = before.record.identity.model_copy(update={"model": "/models/Qwen3-4B"})
    real = [replace(run, record=run.record.model_copy(update={"identity": other})) for run in (before, after)]
    assert note in render_comparison(compare(before, after))
    assert note not in render_comparison(compare(real[0], real[1]))
    assert note in render_run(before)
    assert note not in render_run(real[0])


def test_page_of_one_run_shows_wrong_answers_first(after: EvaluationRun) -> None:
    """A single run has its counts in the heading, its cases below, and the wrong ones in front."""
    read = Page(render_run(after))
    right = sum(trial.right for trial in after.trials)
    assert f"{right} of 360 right." in read.text
    buckets = [attributes["data-outcome"] for tag, attributes in read.elements if tag == "details"]
    assert (buckets[0], buckets.count("right"), len(buckets)) == ("wrong", right, 360)
