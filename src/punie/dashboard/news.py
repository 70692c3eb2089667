"""What there is to say of a run that goes on, as a part of a page, and the stream of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from punie.dashboard.shelves import Shelves
from punie.errors import PunieError
from punie.evaluation.runs import RECORD, SAMPLES
from punie.evaluation.underway import read_underway, unfinished_name
from punie.report.journal import Stamp, stamp_of
from punie.report.live import evaluation_part, finished_part, training_part
from punie.report.training import read_training
from punie.training.adapter import AdapterFolder

_POLL_SECONDS = 0.5
_LARGEST = 256_000_000
"""Bytes of a record that is read again at every change."""


@dataclass(frozen=True, slots=True)
class News:
    part: str
    ended: bool = False


class Watched:
    """A run by the folder in which it is written down. Read again only when that has changed."""

    def __init__(self, folder: Path, shelves: Shelves) -> None:
        self.folder = folder
        self._shelves = shelves
        self._stamp: Stamp | None = None
        self._news = News("")

    @property
    def known(self) -> bool:
        """Whether there is, or was, such a run."""
        return self._training.plan.is_file() or self._finished.is_file() or unfinished_name(self.folder) is not None

    @property
    def name(self) -> str:
        return self._finished.parent.name

    def news(self) -> News:
        files = (self._training.metrics, self._training.outcome, self.folder / SAMPLES, self._page, self._finished)
        stamp = stamp_of(*files)
        if stamp != self._stamp:
            self._stamp, self._news = stamp, self._read(stamp)
        return self._news

    def _read(self, stamp: Stamp) -> News:
        if self._done and self._page.is_file():
            return News(finished_part(self._shelves.address(self._page)), ended=True)
        if sum(size for _, size in stamp) > _LARGEST:
            return News(finished_part(""), ended=True)
        try:
            if self._training.plan.is_file():
                return News(training_part(read_training(self.folder)))
            return News(evaluation_part(read_underway(self.folder)))
        except PunieError:
            return self._news  # Between two states: a file was there when it was looked for, and is gone.

    @property
    def _done(self) -> bool:
        return self._training.outcome.is_file() or self._finished.is_file()

    @property
    def _training(self) -> AdapterFolder:
        return AdapterFolder(self.folder)

    @property
    def _finished(self) -> Path:
        """run.json of the evaluation, where it will be."""
        name = self.folder.name
        final = name[1:].removesuffix(".partial") if name.startswith(".") and name.endswith(".partial") else name
        return self.folder.with_name(final) / RECORD

    @property
    def _page(self) -> Path:
        of_training = self._training.run / "report.html"
        return of_training if self._training.plan.is_file() else self._finished.with_name("report.html")


async def stream(watched: Watched, stopping: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Server-sent events: `news` whenever there is some, and `end`."""
    told: str | None = None
    while not stopping():
        news = await asyncio.to_thread(watched.news)
        if news.part != told:
            told = news.part
            yield f"event: news\ndata: {json.dumps(told)}\n\n".encode()
        if news.ended:
            yield b"event: end\ndata: 0\n\n"
            return
        await asyncio.sleep(_POLL_SECONDS)
