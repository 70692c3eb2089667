"""What holds for every kind of page, in a real browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from .drawn import DRAW, REDRAW
from .window import NARROW, WIDE, open_all, overflow, show, violations

PUNIE = Path(sys.executable).parent / "punie"
Pages = Callable[[str], Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def drawn(tiny_model: Path, folder: Path) -> Pages:
    """The page of a kind, drawn into a folder of its name when it is first asked for."""
    pages = dict[str, Path]()

    def draw(kind: str) -> Path:
        if kind not in pages:
            (folder / kind).mkdir()
            pages[kind] = DRAW[kind](folder / kind, tiny_model)
        return pages[kind]

    return draw


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", DRAW)
def test_axe_finds_nothing_wrong(page: Page, drawn: Pages, kind: str, dark: bool) -> None:
    """Names, roles, order, contrast: with all unfolded no rule of axe-core is broken."""
    show(page, drawn(kind), dark=dark)
    open_all(page)
    assert violations(page) == []


@pytest.mark.parametrize("kind", DRAW)
def test_nothing_scrolls_sideways(page: Page, drawn: Pages, kind: str) -> None:
    """On a telephone, a tablet and a desk, with all unfolded."""
    show(page, drawn(kind), width=NARROW)
    open_all(page)
    for width in (NARROW, 768, WIDE):
        page.set_viewport_size({"width": width, "height": 900})
        assert overflow(page) <= 0


@pytest.mark.parametrize("kind", DRAW)
def test_dark_is_dark(page: Page, drawn: Pages, kind: str) -> None:
    """Paper and ink follow the reader's setting."""
    light, night = (brightness(page, drawn(kind), dark) for dark in (False, True))
    assert light["paper"] > 600 > 250 > light["ink"]
    assert night["ink"] > 600 > 150 > night["paper"]


def brightness(page: Page, path: Path, dark: bool) -> dict[str, int]:
    """Red, green and blue of paper and ink, added."""
    show(page, path, dark=dark)
    style = page.evaluate("(({color, backgroundColor}) => [backgroundColor, color])(getComputedStyle(document.body))")
    paper, ink = (sum(map(int, colour[4:-1].split(","))) for colour in style)
    return {"paper": paper, "ink": ink}


@pytest.mark.parametrize("kind", DRAW)
def test_every_drawing_can_be_read_without_being_seen(page: Page, drawn: Pages, kind: str) -> None:
    """A drawing has a name, or a number beside it says the same; a chart over an axis has a table; ids are unique."""
    show(page, drawn(kind))
    assert page.evaluate(_NAMELESS) == []
    assert page.evaluate("[...document.querySelectorAll('figure')].filter(one => !one.querySelector('tbody tr'))") == []
    assert page.evaluate(_REPEATED_IDS) == []


@pytest.mark.parametrize("kind", DRAW)
def test_a_page_drawn_twice_is_the_same(drawn: Pages, folder: Path, kind: str) -> None:
    """Byte by byte, by another process that hashes words otherwise, asked from another folder."""
    page = drawn(kind)
    first = page.read_bytes()
    page.unlink()
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    subprocess.run([PUNIE, *REDRAW[kind].split()], cwd=folder / kind, env=environment, capture_output=True, check=True)
    assert page.read_bytes() == first


_NAMELESS = """[...document.querySelectorAll('main svg:not(svg svg):not([aria-hidden=true])')].filter(one => {
    const by = (one.getAttribute('aria-labelledby') ?? '').split(' ').filter(Boolean);
    const said = [one.getAttribute('aria-label'), ...by.map(id => document.getElementById(id)?.textContent)];
    return one.getAttribute('role') !== 'img' || !said.some(Boolean);
}).map(one => one.outerHTML.slice(0, 200))"""
_REPEATED_IDS = """(ids => ids.filter((id, at) => ids.indexOf(id) !== at))(
    [...document.querySelectorAll('[id]')].map(one => one.id))"""
