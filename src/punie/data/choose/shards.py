"""One file through the rules in several processes: byte ranges cut at line ends, joined again in their order.

The output is what one process writes, byte for byte. Each further range is one child, started afresh, so that nothing
depends on what a fork would copy; it imports no more than the rules need.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import msgspec

from punie.data.choose.engine import Digest, Span, Tally, screen
from punie.data.choose.rules import Rule, make_rules
from punie.data.ledger import Removal
from punie.errors import DataError
from punie.files import make_folder, open_input, open_output, read_json, write_json
from punie.process import Child

LEAST_BYTES = 16_000_000
"""A file below this is read faster by one process than a second one starts."""
_BLOCK_BYTES = 1 << 20
_JOB, _OUTCOME, _KEPT, _LEDGER = "job.json", "outcome.json", "kept.jsonl", "removed.jsonl"


class Job(msgspec.Struct, frozen=True):
    """What a child needs to know."""

    path: str
    start: int
    stop: int
    rules: list[tuple[str, Any]]
    drop_invalid: bool


def whole(path: Path) -> Span:
    return Span(path, 0, path.stat().st_size)


def spans(path: Path, count: int) -> list[tuple[int, int]]:
    """Up to `count` byte ranges of about the same size, each of whole lines."""
    size = path.stat().st_size
    with open_input(path) as file:
        cuts = [0]
        for part in range(1, count):
            file.seek(max(cuts[-1], size * part // count - 1))
            file.readline()
            cuts.append(file.tell())
    return [(start, stop) for start, stop in zip(cuts, [*cuts[1:], size], strict=True) if stop > start]


def screen_in_parallel(
    path: Path,
    rules: Sequence[Rule],
    keep: Callable[[], IO[bytes]],
    ledger: Callable[[], IO[bytes]],
    *,
    processes: int,
    folder: Path,
    drop_invalid: bool,
    digest: Digest,
    progress: Callable[[int], None] | None = None,
) -> Tally:
    """As `screen` on the whole file; the first range here, each other in a child with its files below `folder`."""
    (start, stop), *others = spans(path, processes)
    given = [(rule.name, rule.argument) for rule in rules]
    with ExitStack() as running:
        children = [
            running.enter_context(_Shard(folder / str(number), Job(str(path), *span, given, drop_invalid)))
            for number, span in enumerate(others)
        ]
        tally = screen(
            Span(path, start, stop), rules, keep, ledger, drop_invalid=drop_invalid, digest=digest, progress=progress
        )
        _digest_rest(path, stop, digest)
        for child in children:
            tally.add(child.join(keep, ledger, lines_before=tally.rows))
    return tally


class _Shard:
    """One range in a child process, and the files it leaves."""

    def __init__(self, folder: Path, job: Job) -> None:
        self._folder = make_folder(folder)
        write_json(folder / _JOB, msgspec.to_builtins(job))
        self._child = Child("punie.data.choose.shards", str(folder), log=folder / "log", environment=os.environ)

    def __enter__(self) -> _Shard:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stop()

    def join(self, keep: Callable[[], IO[bytes]], ledger: Callable[[], IO[bytes]], *, lines_before: int) -> Tally:
        """Wait, and append what the child wrote; it counts lines from its own first. Raises what the child raised."""
        self._child.wait()
        if not (self._folder / _OUTCOME).is_file():
            raise RuntimeError(f"a reading process ended without a result: {self._child.last_lines()}")
        outcome = read_json(self._folder / _OUTCOME)
        if "what" in outcome:
            file, _, line = outcome["where"].rpartition(":")
            raise DataError(outcome["what"], where=f"{file}:{int(line) + lines_before}", hint=outcome["hint"])
        tally = Tally(outcome["rows"], outcome["kept"], Counter(outcome["removed"]))
        if tally.kept:
            _append(self._folder / _KEPT, keep())
        if tally.rows > tally.kept:
            _append_ledger(self._folder / _LEDGER, ledger(), lines_before)
        shutil.rmtree(self._folder)
        return tally


def _append(path: Path, out: IO[bytes]) -> None:
    with open_input(path) as file:
        shutil.copyfileobj(file, out, _BLOCK_BYTES)


def _append_ledger(path: Path, out: IO[bytes], lines_before: int) -> None:
    with open_input(path) as removals:
        for removal in removals:
            row = msgspec.json.decode(removal, type=Removal)
            moved = msgspec.structs.replace(row, line=row.line + lines_before)
            out.write(msgspec.json.encode(moved) + b"\n")


def _digest_rest(path: Path, start: int, digest: Digest) -> None:
    with open_input(path) as file:
        file.seek(start)
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)


def main() -> None:
    """The child: one job, its kept rows, its ledger, its outcome."""
    folder = Path(sys.argv[1])
    job = msgspec.json.decode((folder / _JOB).read_bytes(), type=Job)
    try:
        outcome = msgspec.to_builtins(_run(job, folder))
    except DataError as error:
        outcome = {"what": error.what, "where": error.where, "hint": error.hint}
    write_json(folder / _OUTCOME, outcome)


def _run(job: Job, folder: Path) -> Tally:
    path = Path(job.path)
    span = Span(path, job.start, job.stop)
    with open_output(folder / _KEPT) as kept, open_output(folder / _LEDGER) as ledger:
        return screen(span, make_rules(job.rules), lambda: kept, lambda: ledger, drop_invalid=job.drop_invalid)


if __name__ == "__main__":
    main()
