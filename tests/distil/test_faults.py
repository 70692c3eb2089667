"""A teacher that fails in every way, in front of a real mlx_lm server: nothing is lost, and nothing paid for twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import teacher as fake
from teacher import FaultyTeacher, forwarded, said, serve

from punie.distil.budget import Budget
from punie.distil.distil import distil
from punie.errors import DataError, ServerError
from punie.files import read_jsonl
from punie.serving.server import ManagedServer

from .conftest import OptionsFor

KEY = "sk-not-for-files"


def lines(path: Path, kind: str) -> list[dict[str, Any]]:
    return [row for _, row in read_jsonl(path) if kind in row]


def asked(questions: list[Mapping[str, Any]]) -> Counter[str]:
    return Counter(question["messages"][0]["content"] for question in questions)


def real(server: ManagedServer, faults: list[int | float | str]) -> FaultyTeacher:
    return FaultyTeacher(forwarded(f"{server.base_url}/v1"), faults)


def files_with(text: str, folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and text in file.read_text()]


async def test_every_fault_is_lived_through(
    tiny_server: ManagedServer, options_for: OptionsFor, tmp_path: Path
) -> None:
    """Each question gets one whole answer, every request is counted, and the key is in no file."""
    faults = [429, 500, fake.TRUNCATED, fake.MALFORMED, 0.5, 503]
    with serve(real(tiny_server, faults)) as teacher:
        options = options_for(teacher.base_url, str(tiny_server.model), KEY)
        done = await distil(options)
        assert teacher.requests == done.manifest.recipe["spent"]["requests"] == 8 + 5
        assert set(asked(teacher.whole).values()) == {2}
        again = await distil(options_for(teacher.base_url, str(tiny_server.model), output=tmp_path / "again"))
        assert teacher.requests == 13
    assert again.manifest.fingerprint == done.manifest.fingerprint
    assert (done.missing, done.unsettled) == ({}, 0)
    assert len(lines(options.answers, "answered")) == 8
    assert [row["paid"] for row in lines(options.answers, "failed")] == [True, True]
    assert done.manifest.counts["train"] + sum(done.manifest.removed.values()) == 8
    assert KEY in teacher.heads[0]
    assert not files_with(KEY, tmp_path)


async def test_a_spent_budget_ends_the_asking_and_what_came_is_written(
    tiny_server: ManagedServer, options_for: OptionsFor, tmp_path: Path
) -> None:
    """Not one request more than allowed is sent; with a larger budget only what is missing is asked."""
    with serve(real(tiny_server, [500])) as teacher:
        first = await distil(options_for(teacher.base_url, str(tiny_server.model), budget=Budget(requests=6)))
        assert teacher.requests == 6
        assert first.manifest.removed["not asked"] == 3
        more = options_for(teacher.base_url, str(tiny_server.model), output=tmp_path / "more", width=1)
        second = await distil(more)
        assert teacher.requests == 9
    assert set(asked(teacher.whole).values()) == {2}
    assert "not asked" not in second.manifest.removed


async def test_tokens_are_never_spent_beyond_the_budget(options_for: OptionsFor) -> None:
    """The most a question can cost is set aside before it is asked; what it did cost makes room for others."""
    with serve(FaultyTeacher(lambda _: said("```python\nx\n```", prompt_tokens=200, completion_tokens=90))) as teacher:
        options = options_for(teacher.base_url, budget=Budget(tokens=1300), width=4)
        with pytest.raises(DataError, match="Nothing is left to train on"):
            await distil(options)
    spent = [sum(row["tokens"].values()) for row in lines(options.answers, "answered")]
    assert len(spent) == len(teacher.whole) == 3
    assert sum(spent) <= 1300


async def test_a_teacher_that_is_broken_ends_the_run_and_costs_nothing(options_for: OptionsFor) -> None:
    """A wrong key is the same for every question: five are enough to know, and the answers there are stay."""
    broken = FaultyTeacher(lambda _: said("no"), [401] * 99)
    with serve(broken) as teacher, pytest.raises(ServerError, match="the same command goes on"):
        await distil(options_for(teacher.base_url, width=1))
    assert teacher.requests == 5


@pytest.mark.parametrize("spelt", [lambda: "1", lambda: format_datetime(datetime.now(UTC) + timedelta(seconds=2))])
async def test_a_busy_teacher_is_given_the_time_it_asks_for(spelt: Callable[[], str], options_for: OptionsFor) -> None:
    """Retry-After is kept, be it a number of seconds or a date, and a question that was put off is not lost."""
    busy = FaultyTeacher(lambda _: said("x = 1"), [429], retry_after=spelt)
    with serve(busy) as teacher, pytest.raises(DataError, match="Nothing is left"):
        await distil(options_for(teacher.base_url, width=1, samples=1))
    assert teacher.times[1] - teacher.times[0] > 0.9
    assert len(teacher.whole) == 4


def command(teacher: FaultyTeacher, model: Path, task_file: Path, output: Path) -> subprocess.Popen[bytes]:
    options = ["--teacher", teacher.base_url, "--model", str(model), "--tasks", str(task_file), "--samples", "2"]
    words = [
        sys.executable,
        "-m",
        "punie",
        "dataset",
        "distil",
        *options,
        "--output",
        str(output),
        "--max-tokens",
        "96",
    ]
    with (output.parent / "stderr").open("wb") as errors:
        more = ["--concurrency", "2", "--json"]
        return subprocess.Popen([*words, *more], stdout=subprocess.PIPE, stderr=errors)


def test_a_killed_command_goes_on_and_pays_twice_only_for_what_was_under_way(
    tiny_server: ManagedServer, tiny_model: Path, task_file: Path, tmp_path: Path
) -> None:
    """After kill -9 the answers that came are not asked for again; the two under way are, and it says so."""
    output, answers = tmp_path / "rows", tmp_path / "rows.answers.jsonl"
    with serve(real(tiny_server, [0.0, 0.0, 0.0, fake.HELD, fake.HELD])) as teacher:
        first = command(teacher, tiny_model, task_file, output)
        limit = time.monotonic() + 120
        while teacher.requests < 5 or not answers.exists() or len(lines_so_far(answers)) < 3:
            assert first.poll() is None, (tmp_path / "stderr").read_text()
            assert time.monotonic() < limit
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGKILL)
        first.communicate()
        came = lines_so_far(answers)
        assert not output.exists()
        teacher.release.set()
        second = command(teacher, tiny_model, task_file, output)
        printed, _ = second.communicate(timeout=120)
        assert second.returncode == 0, (tmp_path / "stderr").read_text()
        assert teacher.requests == 8 + 2
    assert json.loads(printed)["unsettled"] == 2
    assert lines(answers, "answered")[:3] == came
    keys = [row["answered"] for row in lines(answers, "answered")]
    assert len(keys) == len(set(keys)) == 8


def lines_so_far(path: Path) -> list[dict[str, Any]]:
    """The answers in whole lines of a file that grows."""
    whole = path.read_bytes().rpartition(b"\n")[0].splitlines()
    return [row for row in map(json.loads, whole) if "answered" in row]
