"""One file through the rules in several processes: byte ranges cut at line ends, joined again in their order.

The output is what one process writes, byte for byte. Each further range is judged by a child, which leaves a byte for
each line and the ledger; the rows themselves are copied here, where they are read anyway for the hash of the input.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import msgspec

from punie.data.blocks import pass_over
from punie.data.choose.engine import Digest, Judged, Span, Tally, judged, read_span, screen
from punie.data.choose.rules import Rule, make_rules
from punie.data.ledger import LEDGER, ledger_head
from punie.data.progress import Progress, Step
from punie.errors import DataError
from punie.files import make_folder, open_input, read_json, write_json
from punie.process import Child, Fork, may_fork

LEAST_BYTES = 16_000_000
"""A file below this is read faster by one process than a second one starts."""
_JOB, _OUTCOME, _KEEPS = "job.json", "outcome.json", "keeps"


class Job(msgspec.Struct, frozen=True):
    """What a child that is started afresh needs to know."""

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
            pass_over(file)
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
    progress: Callable[[int], None],
    joining: Progress,
) -> Tally:
    """As `screen` on the whole file; the first range here, each other in a child with its files below `folder`.

    `progress` hears as if the others were as far as the first, since they are of one size; `joining`, how much of
    their rows is copied.
    """
    first, *others = [Span(path, start, stop) for start, stop in spans(path, processes)]
    size = path.stat().st_size

    def joined(done: int) -> None:
        joining(Step("joining", done - first.stop, size - first.stop, "bytes"))

    with ExitStack() as running:
        children = [
            running.enter_context(_Shard(folder / str(number), span, rules, drop_invalid))
            for number, span in enumerate(others)
        ]
        tally = screen(
            first,
            rules,
            keep,
            ledger,
            drop_invalid=drop_invalid,
            digest=digest,
            progress=lambda done: progress(done * size // first.stop),
        )
        joined(first.stop)
        for child in children:
            outcome = child.join(lines_before=tally.rows)
            child.copy_rows(keep, digest, joined)
            child.copy_ledger(ledger, lines_before=tally.rows)
            tally.add(outcome)
    return tally


class _Shard:
    """One range in a child process, and the files it leaves."""

    def __init__(self, folder: Path, span: Span, rules: Sequence[Rule], drop_invalid: bool) -> None:
        self._folder, self._span = make_folder(folder), span
        log = folder / "log"
        if may_fork():
            self._child = Fork(lambda: _work(folder, span, rules, drop_invalid), log=log)
            return
        given = [(rule.name, rule.argument) for rule in rules]
        job = Job(str(span.path), span.start, span.stop, given, drop_invalid)
        write_json(folder / _JOB, msgspec.to_builtins(job))
        self._child = Child("punie.data.choose.shards", str(folder), log=log, environment=os.environ)

    def __enter__(self) -> _Shard:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stop()

    def join(self, *, lines_before: int) -> Tally:
        """Wait for what the child counted; it counts lines from its own first. Raises what the child raised."""
        self._child.wait()
        if not (self._folder / _OUTCOME).is_file():
            raise RuntimeError(f"a reading process ended without a result: {self._child.last_lines()}")
        outcome = read_json(self._folder / _OUTCOME)
        if "what" in outcome:
            file, _, line = outcome["where"].rpartition(":")
            raise DataError(outcome["what"], where=f"{file}:{int(line) + lines_before}", hint=outcome["hint"])
        return Tally(outcome["rows"], outcome["kept"], Counter(outcome["removed"]))

    def copy_rows(self, keep: Callable[[], IO[bytes]], digest: Digest, progress: Callable[[int], None]) -> None:
        """Write the rows of the range that the child keeps; all of them go into the digest."""
        done = self._span.start
        with open_input(self._folder / _KEEPS) as file:
            for lines in read_span(self._span):
                data, keeps = b"".join(lines), file.read(len(lines))
                digest.update(data)
                if any(keeps):
                    keep().write(data if all(keeps) and data.endswith(b"\n") else Judged(lines, keeps, b"").kept())
                progress(done := done + len(data))

    def copy_ledger(self, ledger: Callable[[], IO[bytes]], *, lines_before: int) -> None:
        """Write what the child says of the others, its line numbers moved on."""
        head = ledger_head(self._span.path)
        with open_input(self._folder / LEDGER) as removals:
            for removal in removals:
                number, rest = removal[len(head) :].split(b",", 1)
                ledger().write(b"%b%d,%b" % (head, int(number) + lines_before, rest))


def _work(folder: Path, span: Span, rules: Sequence[Rule], drop_invalid: bool) -> None:
    """The child's part: which rows it keeps, its ledger, its outcome."""
    try:
        outcome = msgspec.to_builtins(_judge(folder, span, rules, drop_invalid))
    except DataError as error:
        outcome = {"what": error.what, "where": error.where, "hint": error.hint}
    write_json(folder / _OUTCOME, outcome)


def _judge(folder: Path, span: Span, rules: Sequence[Rule], drop_invalid: bool) -> Tally:
    tally = Tally()
    with (folder / _KEEPS).open("wb") as keeps, (folder / LEDGER).open("wb") as ledger:
        for block in judged(span, rules, tally, drop_invalid=drop_invalid):
            keeps.write(block.keeps)
            ledger.write(block.removals)
    return tally


def main() -> None:
    folder = Path(sys.argv[1])
    job = msgspec.json.decode((folder / _JOB).read_bytes(), type=Job)
    _work(folder, Span(Path(job.path), job.start, job.stop), make_rules(job.rules), job.drop_invalid)


if __name__ == "__main__":
    main()
