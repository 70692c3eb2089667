"""Servers left behind: found by number, start time and command together, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from punie.serving.orphans import end_orphans, find_orphans
from punie.serving.server import ManagedServer
from punie.workspace import cache_folder

OWNER = """
import asyncio, sys
from pathlib import Path
from punie.serving.server import ManagedServer

async def main():
    async with ManagedServer(Path(sys.argv[1]), log=Path(sys.argv[2])) as server:
        print(server.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _own_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUNIE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def orphan(scripted_model: Path, tmp_path: Path) -> Iterator[psutil.Process]:
    """A server that was stopped while its owner was killed, so that it could not see its owner go."""
    command = [sys.executable, "-c", OWNER, str(scripted_model), str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        server = psutil.Process(int(owner.stdout.readline()))
        server.suspend()
        # Until every thread has stopped, the one that watches the owner would still end the server.
        deadline = time.monotonic() + 10
        while not stopped(server):
            assert time.monotonic() < deadline
        owner.kill()
    yield server
    if server.is_running():
        os.killpg(server.pid, signal.SIGKILL)


def stopped(server: psutil.Process) -> bool:
    # Linux numbers threads like processes; macOS tells only of the process.
    numbers = [thread.id for thread in server.threads()] if sys.platform == "linux" else [server.pid]
    return all(psutil.Process(number).status() == psutil.STATUS_STOPPED for number in numbers)


def test_an_orphan_is_found_and_ended(orphan: psutil.Process) -> None:
    """It holds its memory until somebody looks; then it is gone, and its note with it."""
    assert [note.pid for note in find_orphans()] == [orphan.pid]
    assert [note.pid for note in end_orphans()] == [orphan.pid]
    gone, _ = psutil.wait_procs([orphan], timeout=10)
    assert gone
    assert end_orphans() == find_orphans() == ()
    assert not list((cache_folder() / "servers").iterdir())


@pytest.mark.parametrize("field", ["started", "command"])
def test_another_process_of_the_same_number_is_left_alone(field: str, orphan: psutil.Process) -> None:
    """Numbers are used again: the start time and the command must be those that were noted."""
    (path,) = (cache_folder() / "servers").iterdir()
    text = path.read_text()
    noted = {"started": f"{orphan.create_time()}", "command": '"punie.serving.worker"'}[field]
    other = {"started": f"{orphan.create_time() - 60}", "command": '"bench"'}[field]
    assert noted in text
    path.write_text(text.replace(noted, other))
    assert end_orphans() == ()
    assert orphan.status() == psutil.STATUS_STOPPED


async def test_a_server_with_an_owner_is_left_alone(scripted_model: Path, tmp_path: Path) -> None:
    """Two evaluations at once do not end each other's servers; a server that is stopped leaves no note."""
    async with ManagedServer(scripted_model, log=tmp_path / "log") as server:
        assert len(list((cache_folder() / "servers").iterdir())) == 1
        assert end_orphans() == find_orphans() == ()
        assert await server.lost() is None
    assert not list((cache_folder() / "servers").iterdir())
