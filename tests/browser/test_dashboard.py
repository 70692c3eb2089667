"""A run that is watched, in a real browser that may talk to the dashboard and to nobody else."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from punie.evaluation.runs import PartialRun, read_run
from punie.report.pages import write_run_page

from ..dashboard.serving import dashboard
from .drawn import TUNED, small_run
from .window import NARROW, overflow, violations

_PATIENCE = 30_000
"""Milliseconds."""


def test_a_run_is_watched_to_its_report(served_page: Page, tmp_path: Path) -> None:
    """From the journal to the run, answer by answer, to the report, whose filters work there too."""
    run = small_run("going", TUNED, 1)
    folder = tmp_path / "reports" / "going"
    with PartialRun(folder) as partial, dashboard(tmp_path / "reports") as (address, _):
        partial.resume({"suites": [["tiny", "hash", 160]]}, trials=len(run.trials))
        served_page.goto(address)
        served_page.get_by_role("link", name="watch evaluation going").click()
        news = served_page.locator("#news")
        expect(news).to_contain_text(f"0 of {len(run.trials)} answered", timeout=_PATIENCE)
        for trial in run.trials:
            partial.add(trial)
        expect(news).to_contain_text(f"{len(run.trials)} of {len(run.trials)} answered", timeout=_PATIENCE)
        assert violations(served_page) == []
        served_page.set_viewport_size({"width": NARROW, "height": 900})
        assert overflow(served_page) <= 0
        partial.finish(run.record, [trial.key for trial in run.trials])
        write_run_page(read_run(folder), folder)
        served_page.get_by_role("link", name="Open its report").click(timeout=_PATIENCE)
        served_page.locator("input[type=search]").fill("apples")
        expect(served_page.locator("output")).to_have_text("4", timeout=_PATIENCE)
