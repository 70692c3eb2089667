"""Metrics: lossless on disk, readable while they are written."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from punie import errors
from punie.errors import DataError, DivergedError
from punie.training.metrics import (
    DECODER,
    Done,
    Failed,
    Metric,
    Saved,
    Stopped,
    ValidLoss,
    append_metric,
    follow,
    read_metrics,
    rewrite_metrics,
)
from punie.training.selection import Selection

EVENTS: tuple[Metric, ...] = (
    ValidLoss(iteration=0, loss=3.5, rows=4, seconds=0.1, padding=0.2, supervised=0.4),
    Saved(iteration=4),
    Stopped(iteration=5),
    Failed(error="DataError", what="w", where="", hint="h"),
    Done(
        iterations=8,
        train_loss=1.0,
        selection=Selection(6, 2.5, 3, "why"),
        stopped_early=True,
        seconds=2.0,
        tokens=9,
        trained_tokens=3,
        peak_memory=1,
    ),
)


def test_metrics_survive_their_file(tmp_path: Path) -> None:
    """Every kind of event comes back as it was, appended or rewritten."""
    for event in EVENTS:
        append_metric(tmp_path / "appended", event)
    rewrite_metrics(tmp_path / "rewritten", EVENTS)
    assert read_metrics(tmp_path / "appended") == read_metrics(tmp_path / "rewritten") == EVENTS


def test_the_half_line_of_a_killed_writer_is_left_out(tmp_path: Path) -> None:
    """A process that dies while writing takes only its last line with it."""
    path = tmp_path / "metrics"
    rewrite_metrics(path, EVENTS[:2])
    with path.open("ab") as out:
        out.write(b'{"event":"saved","iter')
    assert read_metrics(path) == EVENTS[:2]


def test_a_follower_hears_the_last_words_of_a_dead_writer(tmp_path: Path) -> None:
    """What was written between the last look and the writer's end is not lost, and half lines wait for their end."""
    path = tmp_path / "metrics"
    path.write_bytes(b"")
    turns = iter([b'{"event":"saved",', b'"iteration":4}\n{"event":"stopped","iteration":5}\n', None])

    def alive() -> bool:
        words = next(turns)
        with path.open("ab") as out:
            out.write(words or b"")
        return words is not None

    assert list(follow(path, alive, DECODER)) == [Saved(iteration=4), Stopped(iteration=5)]


def test_a_follower_meets_only_whole_lines(tmp_path: Path) -> None:
    """Read as fast as it is written, every event arrives once, whole and in order."""
    path = tmp_path / "metrics"
    path.write_bytes(b"")
    events = [long_event(number) for number in range(3000)]
    writer = threading.Thread(target=lambda: [append_metric(path, event) for event in events])
    writer.start()
    assert list(follow(path, writer.is_alive, DECODER)) == events


def long_event(number: int) -> Failed:
    return Failed(error="DataError", what="w" * (number % 700), where="", hint="")


def test_a_follower_can_begin_where_an_earlier_session_ended(tmp_path: Path) -> None:
    """The offset leaves out what is already known."""
    path = tmp_path / "metrics"
    rewrite_metrics(path, EVENTS[:1])
    offset = path.stat().st_size
    append_metric(path, EVENTS[1])
    assert list(follow(path, lambda: False, DECODER, offset=offset)) == [EVENTS[1]]


def test_a_line_that_is_no_metric_is_named(tmp_path: Path) -> None:
    """A file that something else wrote into is an error with its line."""
    (tmp_path / "metrics").write_text('{"event":"saved","iteration":1}\n{"event":"moved"}\n')
    with pytest.raises(DataError, match="metrics:2"):
        read_metrics(tmp_path / "metrics")


def test_an_error_crosses_the_process_border_whole() -> None:
    """Class, exit code, place and advice of a child's error are those the user sees."""
    error = DivergedError("what", where="where", hint="hint")
    copy = Failed.of(error).to_error()
    assert (type(copy), str(copy), copy.exit_code) == (DivergedError, str(error), errors.DivergedError.exit_code)
