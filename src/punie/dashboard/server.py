"""The dashboard on a port of this machine, until Ctrl-C."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from punie.dashboard.app import HOST, Dashboard
from punie.errors import UsageError

_MOST_CONNECTIONS = 64
_PATIENCE_SECONDS = 1
"""For what is being answered when somebody ends it."""


def dashboard(folders: list[Path], port: int, on_ready: Callable[[str], None]) -> None:
    """Serve these folders; `port` 0 takes a free one. Raises UsageError where the port is taken, KeyboardInterrupt."""
    with _listening(port) as listener:
        pages = Dashboard(folders, lambda: server.should_exit)
        config = uvicorn.Config(
            pages.app(),
            lifespan="off",
            ws="none",
            log_level="error",
            access_log=False,
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_PATIENCE_SECONDS,
        )
        server = uvicorn.Server(config)
        on_ready(f"http://{HOST}:{listener.getsockname()[1]}/")
        server.run(sockets=[listener])


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        raise UsageError(f"Port {port} {why}.", hint="Give another one with --port; 0 takes a free one.") from error
    return listener
