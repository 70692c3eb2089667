"""What a person sees of a training run while it goes on, and what a program reads of it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from punie.cli.console import err
from punie.cli.curve import LossCurve, TrainingFacts
from punie.cli.live import Live
from punie.files import write_jsonl
from punie.training.metrics import Doing, TrainLoss, ValidLoss, read_metrics

Punie = Callable[..., Any]

TRAIN = "--output out --iters 4 --batch-size 2 --steps-per-report 1 --steps-per-eval 2 --save-every 2".split()


def report(iteration: int, loss: float) -> TrainLoss:
    return TrainLoss(
        iteration=iteration,
        loss=loss,
        learning_rate=1e-4,
        gradient_norm=1.0,
        iterations_per_second=2.0,
        tokens_per_second=1234.0,
        tokens=100,
        trained_tokens=50,
        padding=0.12,
        supervised=0.5,
        active_memory=1_000_000_000,
        peak_memory=2_340_000_000,
        new_shapes=0,
    )


def drawn(live: Live, width: int) -> list[str]:
    console = Console(file=StringIO(), width=width, legacy_windows=False)
    console.print(live)
    return console.file.getvalue().rstrip("\n").split("\n")  # ty: ignore[unresolved-attribute]


def test_nothing_is_drawn_before_there_is_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then the process has the threads it had, and may be copied."""
    monkeypatch.setattr(err, "is_interactive", True)
    before = threading.active_count()
    with Live() as live:
        assert threading.active_count() == before
        live.begin("working")
        assert threading.active_count() == before + 1


def test_both_losses_share_scale_and_axis() -> None:
    """The highest block is the highest loss of either kind, and a validation stands under the step it followed."""
    curve = LossCurve()
    curve.train = [(10, 3.0), (20, 2.0), (30, 1.0), (40, 1.0)]
    curve.valid = [(0, 4.5), (40, 1.0)]
    assert [line.plain for line in curve.lines(80)] == ["loss  1.000  ▅▃▁▁", "valid 1.000  █  ▁"]


@pytest.mark.parametrize("width", [16, 36, 96])
def test_a_long_run_fits_its_width(width: int) -> None:
    """However many reports there are, the curve has the columns there is room for, and uses all of them."""
    curve = LossCurve()
    curve.train = [(i, 1000 / i) for i in range(1, 1001)]
    assert [line.cell_len for line in curve.lines(width)] == [width]
    assert curve.lines(width)[0].plain.endswith("▁")


@pytest.mark.parametrize("points", [[(1, 0.0)], [(1, 2.0), (2, 2.0)]])
def test_a_flat_curve_is_drawn(points: list[tuple[int, float]]) -> None:
    """One report, or equal ones, are the lowest block."""
    curve = LossCurve()
    curve.train = points
    assert curve.lines(40)[0].plain.endswith("▁" * len(points))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_block_keeps_to_the_screen(width: int) -> None:
    """No line is longer than the screen, and everything is on it: place, both losses, speed, padding, memory, rate."""
    live = Live()
    live.begin("training")
    for metric in (
        ValidLoss(iteration=0, loss=3.0, rows=4, seconds=1.0, padding=0.2, supervised=0.4),
        report(1, 2.5),
        report(2, 2.25),
    ):
        live.metric(metric, 150)
    lines = drawn(live, width)
    assert max(map(len, lines)) <= width
    for words in ("training", "2/150 left", "loss  2.250", "valid 3.000", "1,234 tokens/s", "padding 12%", "2.34 GB"):
        assert any(words in line for line in lines), words


def test_the_time_that_is_left_outlasts_a_narrow_screen() -> None:
    """What is being done is cut short first."""
    live = Live()
    live.begin("new phrasings: asking the tuned model")
    live.advance(77, 400)
    (line,) = drawn(live, 40)
    assert "77/400 left --:--" in line


def test_what_takes_a_while_is_said() -> None:
    """Before the first report and during validation the block says what is being done."""
    live = Live()
    live.metric(Doing(what="loading the model", iteration=0), 10)
    assert "loading the model" in drawn(live, 80)[0]
    assert TrainingFacts().lines(80) == []


@pytest.fixture
def data(tmp_path: Path) -> Path:
    chat = {"messages": [{"role": "user", "content": "count"}, {"role": "assistant", "content": "1 2 3"}]}
    for split in ("train", "valid"):
        write_jsonl(tmp_path / "data" / f"{split}.jsonl", [chat] * 4)
    return tmp_path / "data"


def test_on_a_terminal_a_block_and_in_the_pipe_events(data: Path) -> None:
    """Standard output gets the lines of metrics.jsonl as they come and the outcome last, whatever the screen shows."""
    command = [sys.executable, "-m", "punie", "train", str(data), *TRAIN, "--events"]
    master, terminal = pty.openpty()
    screen = bytearray()
    reader = threading.Thread(target=lambda: screen.extend(read_all(master)))
    reader.start()
    environment = {**os.environ, "TERM": "xterm"}
    done = subprocess.run(
        command, cwd=data.parent, stdout=subprocess.PIPE, stderr=terminal, env=environment, check=True
    )
    os.close(terminal)
    reader.join()
    *events, outcome = map(json.loads, done.stdout.splitlines())
    metrics = read_metrics(data.parent / "out/run/metrics.jsonl")
    assert events == [msgspec.to_builtins(metric) for metric in metrics]
    assert (outcome.pop("event"), outcome) == (
        "outcome",
        json.loads((data.parent / "out/run/outcome.json").read_text()),
    )
    assert "training" in screen.decode()
    assert "\x1b[" in screen.decode()


def read_all(descriptor: int) -> bytes:
    """Until the last writer is gone, which Linux tells as an error and macOS as an empty read."""
    read = bytearray()
    try:
        while some := os.read(descriptor, 65536):
            read += some
    except OSError:
        pass
    os.close(descriptor)
    return bytes(read)


def test_in_a_log_a_line_for_each_report(punie: Punie, data: Path) -> None:
    """Without a terminal nothing is redrawn or coloured, and --json leaves one document on standard output."""
    ended = punie("train", data, *TRAIN, "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["iterations"] == 4
    assert "\x1b" not in ended.err
    said = [line.split("  ")[0] for line in ended.err.splitlines()]
    assert said.count("iteration 4/4") == 2
    assert {"loading the model ...", "validating ...", "iteration 1/4"} <= set(said)


def test_events_and_json_are_not_mixed(punie: Punie, data: Path) -> None:
    """Two formats on one stream are a wrong usage, said before anything is trained."""
    ended = punie("train", data, *TRAIN, "--events", "--json")
    assert (ended.code, ended.out) == (2, "")
