"""The machines that train together: mlx's own file of them, read, checked, and written for `mlx.launch`."""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from punie.errors import UsageError
from punie.files import open_input

_HERE = "127.0.0.1"
"""To mlx.launch, and to it alone, this name means: without ssh."""

_PORTS = range(20_000, 32_000)
"""Below those that systems give to outgoing connections."""


class Host(BaseModel):
    """A machine by the name that ssh knows, and the addresses by which the others reach it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    ssh: str = Field(min_length=1)
    ips: tuple[str, ...] = Field(min_length=1)


class Hosts(BaseModel):
    """In the order of their ranks; the first is this machine."""

    model_config = ConfigDict(frozen=True, extra="allow")

    hosts: tuple[Host, ...] = Field(min_length=2)
    backend: Literal["", "ring", "jaccl", "jaccl-ring"] = ""
    envs: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return len(self.hosts)

    def name(self, rank: int) -> str:
        """For people: several processes on one machine have one name."""
        return f"{self.hosts[rank].ssh} (rank {rank})"

    def for_launch(self) -> dict[str, Any]:
        """As mlx.launch reads it. The first is not called by ssh: a Mac seldom lets itself in."""
        first, *others = self.hosts
        hosts = (first.model_copy(update={"ssh": _HERE}), *others)
        return self.model_copy(update={"hosts": hosts, "backend": self.backend or "ring"}).model_dump(mode="json")


def read_hosts(path: Path) -> Hosts:
    """Raises UsageError for a file that is not mlx's, for one machine alone, and where the first is another than this.

    mlx's file is an object with `hosts`, or the list of hosts alone.
    """
    with open_input(path) as file:
        text = file.read()
    try:
        found = from_json(text)
        hosts = Hosts.model_validate({"hosts": found} if isinstance(found, list) else found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _unreadable(path, ".".join(map(str, first["loc"])), first["msg"]) from error
    except ValueError as error:
        raise _unreadable(path, "", str(error)) from error
    if not _is_here(hosts.hosts[0].ips):
        raise UsageError(
            f"The first host, {hosts.hosts[0].ssh}, is not this machine: it has none of these addresses: "
            f"{', '.join(hosts.hosts[0].ips)}.",
            where=str(path),
            hint="Checkpoints are written by the first one. Put this machine first, or start there.",
        )
    return hosts


def free_port(count: int) -> int:
    """The first of `count` ports in a row that nothing of this machine listens on."""
    draw = random.SystemRandom()
    while True:
        first = draw.choice(_PORTS)
        if _are_free(range(first, first + count)):
            return first


def _are_free(ports: Sequence[int]) -> bool:
    with ExitStack() as stack:
        try:
            for port in ports:
                stack.enter_context(socket.create_server(("", port)))
        except OSError:
            return False
        return True


def _is_here(addresses: Sequence[str]) -> bool:
    """Whether this machine has all of them: only its own can be bound."""
    try:
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.bind((address, 0))
    except OSError:
        return False
    return True


def _unreadable(path: Path, key: str, why: str) -> UsageError:
    return UsageError(
        f"These are not two or more hosts as mlx writes them: {why}.",
        where=f"{path}, key {key or '(top)'}",
        hint='A host is {"ssh": "NAME", "ips": ["ADDRESS"]}; `mlx.distributed_config` writes the file.',
    )
