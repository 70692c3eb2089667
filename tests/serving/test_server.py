"""The managed server: ready when it has answered, loud when it cannot, gone when it should be."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from punie.errors import ServerError
from punie.serving.client import Client
from punie.serving.completion import Sampling
from punie.serving.decoder import TokenDecoder
from punie.serving.server import HOST, ManagedServer


def ask(cue: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": cue}]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def hung_up(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


async def test_a_ready_server_is_well(scripted_server: ManagedServer) -> None:
    """Once started, nothing is lost, the child behind the port is ours, and its prompt cache has a limit."""
    assert await scripted_server.lost() is None
    command = psutil.Process(scripted_server.pid).cmdline()
    assert int(command[command.index("--prompt-cache-bytes") + 1]) == 2 << 30
    assert is_running(scripted_server.pid)


async def test_a_taken_port_is_refused_before_anything_starts(scripted_model: Path, tmp_path: Path) -> None:
    """The error names the port, and no child has been made."""
    with socket.create_server((HOST, 0)) as owner:
        port = owner.getsockname()[1]
        server = ManagedServer(scripted_model, log=tmp_path / "log", port=port)
        with pytest.raises(ServerError, match=f"Port {port} cannot be used") as refused:
            await server.start()
    assert refused.value.exit_code == 6
    assert not (tmp_path / "log").exists()


async def test_a_port_taken_meanwhile_by_a_silent_program_is_noticed(scripted_model: Path, tmp_path: Path) -> None:
    """mlx_lm would hang for ever, its weights loaded, behind a port that is not its own."""
    server = ManagedServer(scripted_model, log=tmp_path / "log")
    starting = asyncio.create_task(server.start())
    await asyncio.sleep(0)
    with socket.create_server((HOST, server.port)), pytest.raises(ServerError, match="was taken by another program"):
        await starting
    assert not is_running(server.pid)


async def test_a_port_taken_meanwhile_by_another_server_is_noticed(scripted_model: Path, tmp_path: Path) -> None:
    """An answer is no proof: it must be our child that gives it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = ManagedServer(scripted_model, log=tmp_path / "log")
    starting = asyncio.create_task(server.start())
    await asyncio.sleep(0)
    async with await asyncio.start_server(answer, HOST, server.port):
        with pytest.raises(ServerError, match=f"Another program answers on port {server.port}"):
            await starting
    assert not is_running(server.pid)


async def test_a_missing_model_says_what_the_child_said(tmp_path: Path) -> None:
    """mlx_lm stays up for ever with a model it could not load; we end it and pass its reason on."""
    server = ManagedServer(tmp_path / "nowhere", log=tmp_path / "log")
    with pytest.raises(ServerError, match="nowhere") as failed:
        await server.start()
    assert "Its last lines" in failed.value.hint
    assert not is_running(server.pid)


async def test_a_start_that_takes_too_long_is_ended(scripted_model: Path, tmp_path: Path) -> None:
    """The limit is the caller's, and the child does not outlive it."""
    server = ManagedServer(scripted_model, log=tmp_path / "log", ready_within=0.1)
    with pytest.raises(ServerError, match=r"not ready within 0\.1 seconds"):
        await server.start()
    assert not is_running(server.pid)


async def test_a_cancelled_start_leaves_no_child(scripted_model: Path, tmp_path: Path) -> None:
    """Ctrl-C while the weights load."""
    server = ManagedServer(scripted_model, log=tmp_path / "log")
    starting = asyncio.create_task(server.start())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not is_running(server.pid)


async def test_a_server_killed_in_the_middle_of_an_answer_is_lost(scripted_model: Path, tmp_path: Path) -> None:
    """The question fails as the server's fault, and `lost` gives the reason with the end of the log."""
    async with (
        ManagedServer(scripted_model, log=tmp_path / "log") as server,
        Client(
            server.base_url,
            scripted_model,
            decode=TokenDecoder(scripted_model),
        ) as client,
    ):
        endless = asyncio.create_task(client.complete(ask("@endless"), (), Sampling(max_tokens=100_000)))
        await client.complete(ask("@plain"), (), Sampling())
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(ServerError, match="does not answer"):
            await endless
        lost = await server.lost()
    assert lost is not None
    assert "ended with code -9" in lost.what
    assert "Prompt processing" in lost.hint
    server.stop()


def test_a_killed_parent_takes_its_server_along(scripted_model: Path, tmp_path: Path) -> None:
    """No model stays in memory behind a parent that got SIGKILL: a connection to the server ends."""
    program = """
import asyncio, sys
from pathlib import Path
from punie.serving.server import ManagedServer

async def main():
    async with ManagedServer(Path(sys.argv[1]), log=Path(sys.argv[2])) as server:
        print(server.port, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
    command = [sys.executable, "-c", program, str(scripted_model), str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout is not None
            port = int(parent.stdout.readline())
            connection = socket.create_connection((HOST, port), timeout=30)
        finally:
            parent.kill()
    with connection:
        assert hung_up(connection)
