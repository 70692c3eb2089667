"""A dataset repository of the hub, pinned to a commit: its files, and their records, read no further than needed."""

from __future__ import annotations

import errno
import warnings
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from punie.data.blocks import MAX_ROW_BYTES
from punie.data.fetch.importers.records import Record, count_records, read_records
from punie.errors import CapacityError, UsageError
from punie.refusals import explained

_STREAMED = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_TIMEOUT_SECONDS = 60.0
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Repository:
    """What a name and a revision meant on the day: nothing here changes when the owner uploads something new."""

    id: str
    commit: str
    paths: tuple[str, ...]

    def records(self, path: str) -> Iterator[Record]:
        """JSON lines are read over the wire, and only as far as somebody asks; other files are fetched to the cache."""
        if path.endswith(_STREAMED):
            return self._streamed(path)
        return read_records(self.fetch(path))

    def fetch(self, path: str) -> Path:
        """The whole file, in the hub's cache on this machine."""
        from huggingface_hub import hf_hub_download
        from huggingface_hub.utils import disable_progress_bars

        disable_progress_bars()
        with _explained(self.id), warnings.catch_warnings():
            # A full disk is said in our own words, once.
            warnings.filterwarnings("ignore", "Not enough free disk space")
            return Path(hf_hub_download(self.id, path, repo_type="dataset", revision=self.commit))

    def _streamed(self, path: str) -> Iterator[Record]:
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import build_hf_headers

        url = hf_hub_url(self.id, path, repo_type="dataset", revision=self.commit)
        return stream_records(url, self.id, build_hf_headers())


def open_repository(id: str, revision: str | None = None) -> Repository:
    """Ask the hub what is there. Raises UsageError where it is offline, unknown or gated."""
    from huggingface_hub import HfApi

    with _explained(id):
        info = HfApi().dataset_info(id, revision=revision, timeout=_TIMEOUT_SECONDS)
    return Repository(id, info.sha or revision or "main", tuple(file.rfilename for file in info.siblings or ()))


def stream_records(url: str, id: str, headers: dict[str, str] | None = None) -> Iterator[Record]:
    """Records of JSON lines at an address, gzipped or not. The connection ends with the iterator."""
    from huggingface_hub import get_session
    from huggingface_hub.utils import hf_raise_for_status

    get = get_session().stream
    with _explained(id), get("GET", url, headers=headers or {}, timeout=_TIMEOUT_SECONDS) as response:
        hf_raise_for_status(response)
        yield from count_records(_lines(_unpacked(response.iter_bytes())), url)


def _unpacked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks, or what is in them where they begin as gzip does."""
    unzip = None
    for number, block in enumerate(blocks):
        if number == 0 and block.startswith(_GZIP):
            unzip = zlib.decompressobj(wbits=31)
        while unzip is not None and block:
            yield unzip.decompress(block)
            # A gzip file may hold several members, one after the other.
            block = unzip.unused_data
            unzip = zlib.decompressobj(wbits=31) if unzip.eof else unzip
        if unzip is None:
            yield block


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines end at LF alone. One that is too long for a row ends what is read, and is given out as far as it was."""
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
        if len(rest) > MAX_ROW_BYTES:
            break
    if rest:
        yield rest


@contextmanager
def _explained(id: str) -> Generator[None]:
    """The hub's refusals, and those of a file it gave out."""
    try:
        with explained("dataset", id, "Check the connection. These need none: punie dataset download sample, import."):
            yield
    except zlib.error as error:
        raise UsageError(f"A file of {id!r} is broken: {error}.", hint="Try again.") from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise CapacityError("No space is left on the disk.", where=error.filename or id) from error
        raise
