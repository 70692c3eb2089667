"""What a reader's window shows: open a page in it, and ask what does not fit and what axe-core finds wrong."""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDE, NARROW = 1200, 390
_HEIGHT = 900
_OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"


def show(page: Page, path: Path, *, width: int = WIDE, dark: bool = False, anchor: str = "") -> None:
    """Open a file in a window of this width, with the reader's setting of light or dark."""
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.set_viewport_size({"width": width, "height": _HEIGHT})
    page.goto(path.as_uri() + anchor)


def open_all(page: Page) -> None:
    """Unfold everything that can be."""
    page.evaluate(_OPEN_ALL)


def overflow(page: Page) -> int:
    """Pixels that the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def violations(page: Page) -> list[str]:
    """Each rule of axe-core that the page breaks, with the first places where it does."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {_places(rule['nodes'])}" for rule in found]


def _places(nodes: list[dict]) -> str:
    shown = [f"{node['target']} {node['failureSummary']}" for node in nodes[:3]]
    return f"{len(nodes)} of them, first {'; '.join(shown)}"
