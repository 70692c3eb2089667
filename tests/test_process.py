"""Children: stopped for certain, with all they started, and never outliving their parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from punie.process import Child, Fork, find_openblas, may_fork, mlx_environment

FAKES = Path(__file__).parent / "fakes"
PATIENCE = 30.0


@pytest.fixture
def family_environment() -> dict[str, str]:
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return dict(os.environ) | {"PYTHONPATH": os.pathsep.join(filter(None, [str(FAKES), *inherited]))}


@pytest.fixture
def cradle() -> Iterator[socket.socket]:
    """Where a family reports its birth; the connection ends when the last of its members has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        yield listener


def born(cradle: socket.socket) -> socket.socket:
    link, _ = cradle.accept()
    link.settimeout(PATIENCE)
    assert link.recv(4) == b"born"
    return link


def died_out(link: socket.socket) -> bool:
    with link:
        return link.recv(1) == b""


def port_of(cradle: socket.socket) -> str:
    return str(cradle.getsockname()[1])


@pytest.mark.parametrize("manner", ["obedient", "stubborn", "leaving"])
def test_stop_ends_the_whole_family(
    manner: str, cradle: socket.socket, family_environment: dict[str, str], tmp_path: Path
) -> None:
    """Grandchildren go too, whether the child obeys, ignores SIGTERM, or has left already."""
    child = Child("family", port_of(cradle), manner, log=tmp_path / "log", environment=family_environment)
    link = born(cradle)
    code = child.stop(grace=0.5)
    assert died_out(link)
    assert child.stop() == code == child.poll()


def test_children_die_with_a_parent_that_is_killed(
    cradle: socket.socket, family_environment: dict[str, str], tmp_path: Path
) -> None:
    """SIGKILL gives the parent no chance to clean up, and still nothing stays behind."""
    program = (
        "import signal, sys; from pathlib import Path; from punie.process import Child; "
        "child = Child('family', sys.argv[1], log=Path(sys.argv[2])); signal.pause()"
    )
    command = [sys.executable, "-c", program, port_of(cradle), str(tmp_path / "log")]
    parent = subprocess.Popen(command, env=family_environment)
    try:
        link = born(cradle)
    finally:
        parent.kill()
    assert parent.wait(PATIENCE) == -signal.SIGKILL
    assert died_out(link)


def test_leaving_the_block_stops_the_child(
    cradle: socket.socket, family_environment: dict[str, str], tmp_path: Path
) -> None:
    """A child is over when its block is, by error too."""
    with (
        pytest.raises(KeyboardInterrupt),
        Child("family", port_of(cradle), log=tmp_path / "log", environment=family_environment),
    ):
        link = born(cradle)
        raise KeyboardInterrupt
    assert died_out(link)


def test_the_log_holds_everything_the_child_said(
    cradle: socket.socket, family_environment: dict[str, str], tmp_path: Path
) -> None:
    """Both streams go to the log, after what was there before, in a folder made for it."""
    log = tmp_path / "new" / "child.log"
    for _ in range(2):
        with Child("family", port_of(cradle), "leaving", log=log, environment=family_environment) as child:
            died = born(cradle)
            assert child.wait(PATIENCE) == 0
        assert died_out(died)
    assert sorted(log.read_text().splitlines()) == ["said on stderr"] * 2 + ["said on stdout"] * 2
    assert child.last_lines(1) in {"said on stderr", "said on stdout"}


def test_a_child_that_breaks_leaves_its_reason(tmp_path: Path) -> None:
    """The exit code and the last lines tell what happened."""
    with Child("no_such_module", log=tmp_path / "log") as child:
        assert child.wait(PATIENCE) == 1
    assert "No module named no_such_module" in child.last_lines()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems bring a fast BLAS")
def test_openblas_is_preloaded_once_and_beside_what_was_there() -> None:
    """The library joins LD_PRELOAD without pushing anything out, however often the environment is built."""
    library = find_openblas()
    if library is None:
        pytest.skip("OpenBLAS is not installed")
    once = mlx_environment({"LD_PRELOAD": "/lib/other.so"})
    assert once["LD_PRELOAD"].split() == ["/lib/other.so", str(library)]
    assert mlx_environment(once) == once


@pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux alone")
def test_a_copy_dies_with_a_parent_that_is_killed(cradle: socket.socket, tmp_path: Path) -> None:
    """As other children do."""
    program = """
import signal, socket, sys
from pathlib import Path
from punie.process import Fork, may_fork

def work():
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as link:
        link.sendall(b"born")
        signal.pause()

assert may_fork()
copy = Fork(work, log=Path(sys.argv[2]))
signal.pause()
"""
    parent = subprocess.Popen([sys.executable, "-c", program, port_of(cradle), str(tmp_path / "log")])
    try:
        link = born(cradle)
    finally:
        parent.kill()
    assert parent.wait(PATIENCE) == -signal.SIGKILL
    assert died_out(link)


@pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux alone")
def test_a_copy_that_breaks_leaves_its_reason_and_goes_no_further(tmp_path: Path) -> None:
    """What it raises stands in its log and reaches nobody above it; stopping what has ended does nothing."""

    def work() -> None:
        raise ValueError("no such luck")

    copy = Fork(work, log=tmp_path / "log")
    copy.wait()
    copy.stop()
    assert copy.last_lines().endswith("ValueError: no such luck")


def test_a_process_with_threads_is_not_copied() -> None:
    """A lock that another thread holds would stay locked in the copy for ever."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait, args=(PATIENCE,))
    thread.start()
    try:
        assert not may_fork()
    finally:
        done.set()
        thread.join()
