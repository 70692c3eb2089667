"""Tasks whose content the embedded model is taught, and the model itself as a server to learn from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from punie.distil.budget import Budget
from punie.distil.distil import Options
from punie.distil.tasks import Task, read_tasks
from punie.generate.functions import PLAIN, draw_function
from punie.serving.completion import Sampling
from punie.serving.endpoint import Endpoint
from punie.serving.server import ManagedServer

OptionsFor = Callable[..., Options]


def task_rows(count: int) -> list[dict[str, Any]]:
    rng = Random("tasks")
    functions = [draw_function(rng, False) for _ in range(count)]
    return [
        {
            "id": f"task-{number}",
            "prompt": function.request(PLAIN[0]),
            "solution": function.source,
            "tests": [f"assert {function.name}({given!r}) == {value!r}" for given, value in function.tests(rng, 6)],
        }
        for number, function in enumerate(functions)
    ]


@pytest.fixture
def task_file(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in task_rows(4)))
    return path


@pytest.fixture
def tasks(task_file: Path) -> Sequence[Task]:
    return read_tasks(task_file)


@pytest.fixture(scope="session")
def tiny_server(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedServer]:
    server = ManagedServer(tiny_model, log=tmp_path_factory.mktemp("teacher") / "server.log")
    asyncio.run(server.start())
    yield server
    server.stop()


@pytest.fixture
def options_for(tasks: Sequence[Task], tmp_path: Path) -> OptionsFor:
    """Options of a distillation into the test's folder, two samples of each task unless said otherwise."""

    def make(base_url: str, model: str = "toy", key: str = "", **given: Any) -> Options:
        usual = {
            "tasks": tuple(tasks),
            "output": tmp_path / "rows",
            "answers": tmp_path / "answers.jsonl",
            "sampling": Sampling(0.7, 1.0, 96),
            "samples": 2,
            "keep": "shortest",
            "width": 2,
            "budget": Budget(),
        }
        return Options(teacher=Endpoint(base_url, model, key), label=model, **{**usual, **given})

    return make
