"""The addresses of the dashboard. All of them only read, and only this machine's own browser is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from punie.dashboard.news import Watched, stream
from punie.dashboard.shelves import Shelves
from punie.report.entries import Unfinished
from punie.report.html import render_page
from punie.report.journal import read_journal
from punie.report.journal_page import render_journal

HOST = "127.0.0.1"
_MOST_WATCHERS = 8
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_OWN = {**_SAFE, "Content-Security-Policy": "frame-ancestors 'none'"}
_FROM_A_FILE = {
    **_SAFE,
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
"""A page may be anybody's: it cannot read another one, nor ask for anything. Ours forbid themselves more."""
_NOTHING = PlainTextResponse("There is no such page.", 404)


class Dashboard:
    """`stopping` tells streams to end."""

    def __init__(self, folders: list[Path], stopping: Callable[[], bool]) -> None:
        self._shelves = Shelves(folders)
        self._stopping = stopping
        self._watchers = 0

    def app(self) -> Starlette:
        routes = [
            Route("/", self.journal),
            Route("/live/{address:path}", self.live),
            Route("/news/{address:path}", self.news),
            Route("/{address:path}", self.page),
        ]
        return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, [HOST, "localhost"])])

    def journal(self, request: Request) -> Response:
        found = read_journal(self._shelves.roots.values())
        return HTMLResponse(render_journal(found, self._shelves.address, self._watch), headers=_OWN)

    def page(self, request: Request) -> Response:
        content = self._shelves.page(request.path_params["address"])
        return _NOTHING if content is None else HTMLResponse(content, headers=_FROM_A_FILE)

    def live(self, request: Request) -> Response:
        watched = self._watched(request)
        if watched is None:
            return _NOTHING
        source = f"/news{self._shelves.address(watched.folder)}"
        page = render_page("live.html", live=True, name=watched.name, news=watched.news().part, source=source)
        return HTMLResponse(page, headers=_OWN)

    async def news(self, request: Request) -> Response:
        watched = self._watched(request)
        if watched is None:
            return _NOTHING
        if self._watchers >= _MOST_WATCHERS:
            return PlainTextResponse(f"{_MOST_WATCHERS} windows watch already; close one.", 503)
        return StreamingResponse(self._counted(watched), media_type="text/event-stream", headers=_OWN)

    async def _counted(self, watched: Watched) -> AsyncIterator[bytes]:
        self._watchers += 1
        try:
            async for event in stream(watched, self._stopping):
                yield event
        finally:
            self._watchers -= 1

    def _watched(self, request: Request) -> Watched | None:
        folder = self._shelves.locate(request.path_params["address"])
        watched = None if folder is None else Watched(folder, self._shelves)
        return watched if watched is not None and watched.known else None

    def _watch(self, run: Unfinished) -> str:
        return f"/live{self._shelves.address(run.place.folder)}"
