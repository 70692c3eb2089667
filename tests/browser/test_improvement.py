"""The page of a self-improvement and the tables by tag of a comparison, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from punie.files import write_text
from punie.improvement.folder import ImprovementFolder
from punie.improvement.report import write_report
from punie.report.compare import compare
from punie.report.html import render_comparison

from ..improvement.test_report import improvement
from ..report.conftest import outcomes_run
from ..report.test_breakdown import run_of_tags
from .window import NARROW, open_all, overflow, show, violations


def improvement_page(folder: Path) -> Path:
    place = ImprovementFolder(folder)
    write_report(place, "mine", improvement(20, 40, 39))
    return place.page


def tagged_page(folder: Path) -> Path:
    runs = [run_of_tags(outcomes_run(name, {}), [right] * 6) for name, right in (("base", False), ("tuned", True))]
    write_text(folder / "comparison.html", render_comparison(compare(*runs)))
    return folder / "comparison.html"


@pytest.mark.parametrize("draw", [improvement_page, tagged_page])
def test_axe_finds_nothing_wrong_and_nothing_scrolls_sideways(
    page: Page, tmp_path: Path, draw: Callable[[Path], Path]
) -> None:
    """Dark, with all unfolded, on a telephone: no rule of axe-core is broken."""
    show(page, draw(tmp_path), dark=True, width=NARROW)
    open_all(page)
    assert violations(page) == []
    assert overflow(page) <= 0
    assert page.locator("h2", has_text="Round by round" if draw is improvement_page else "By difficulty").is_visible()
