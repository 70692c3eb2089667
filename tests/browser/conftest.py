"""A real browser for the tests of pages, and a page that may not complain, nor ask anybody for anything."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
_SWITCHES = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    """A headless browser for a file of tests: Playwright's event loop runs in this thread while it is open."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here; Debian's package is called chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_SWITCHES.split())
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Generator[Page]:
    """An empty window. A word on the console, an error or a request for anything but a file on show fails the test."""
    with _window(chromium, _is_the_file) as page:
        yield page


@pytest.fixture
def served_page(chromium: Browser) -> Generator[Page]:
    """The same for pages that a server on this machine gives out: only that machine may be asked."""
    with _window(chromium, _is_ours) as page:
        yield page


@contextmanager
def _window(chromium: Browser, allowed: Callable[[Request], bool]) -> Generator[Page]:
    context = chromium.new_context()
    page, faults = context.new_page(), list[str]()
    page.on("console", lambda message: faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("request", lambda request: None if allowed(request) else faults.append(f"request: {request.url}"))
    page.on("dialog", lambda dialog: (faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    yield page
    context.close()
    assert not faults


def _is_the_file(request: Request) -> bool:
    return request.is_navigation_request() and request.url.startswith("file:")


def _is_ours(request: Request) -> bool:
    return request.url.startswith("http://127.0.0.1:")
