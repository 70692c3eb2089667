"""Before several machines train together: do they find each other, do they have the same, how fast is the way between.

Everything is found out in a minute or two, or refused: with different rows or versions a run of hours would be none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from punie.errors import UsageError
from punie.files import read_json, write_json
from punie.process import Child
from punie.training.hosts.facts import Facts, Inputs, require_alike
from punie.training.hosts.hostfile import Hosts, free_port
from punie.training.hosts.last_words import first_fallen
from punie.training.hosts.sharing import require_shareable
from punie.training.plan import TrainingPlan

PATIENCE = 120.0
"""Seconds for all of it."""

_SLOW = 60e6
"""Bytes per second: about half of what Gigabit Ethernet carries."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Machines that were found ready to train one plan together. `latency`: seconds to sum a single number over all."""

    hosts: Hosts
    facts: tuple[Facts, ...]
    latency: float
    bytes_per_second: float

    def __str__(self) -> str:
        names = ", ".join(self.hosts.name(rank) for rank in range(self.hosts.size))
        slow = " That is slow: do the addresses belong to a cable?" if self.bytes_per_second < _SLOW else ""
        return (
            f"{self.hosts.size} processes have the same versions, model and data: {names}. Each sends "
            f"{self.bytes_per_second / 1e6:,.0f} MB/s while numbers are summed; a sum takes "
            f"{self.latency * 1e3:.2f} ms at least.{slow}"
        )


def meet(plan: TrainingPlan, hosts: Hosts, *, patience: float = PATIENCE) -> Meeting:
    """Have all hosts tell what they have, and compare it. `plan` is resolved.

    Raises UsageError: where the plan cannot be shared out, a host breaks off, they do not find each other within
    `patience` seconds, or one has another version or other files than the first.
    """
    require_shareable(plan, hosts.size)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        reply = _reply(plan, hosts, folder, patience)
    found = msgspec.convert(reply["facts"], tuple[Facts, ...])
    require_alike(hosts, found)
    return Meeting(hosts, found, reply["latency"], reply["bytes_per_second"])


def launch(hosts: Hosts, file: Path, module: str, *arguments: str, log: Path) -> Child:
    """The same module on every host, kept by one child of this process. `file` is made to tell mlx.launch the hosts."""
    write_json(file, hosts.for_launch())
    port = str(free_port(sum(len(host.ips) for host in hosts.hosts)))
    return Child("punie.training.hosts.launcher", str(file), port, module, *arguments, log=log)


def _reply(plan: TrainingPlan, hosts: Hosts, folder: Path, patience: float) -> dict[str, Any]:
    reply, log = folder / "reply.json", folder / "log"
    inputs = msgspec.json.encode(Inputs.of(plan)).decode()
    arguments = ("punie.training.hosts.preflight_worker", inputs, str(hosts.size), str(reply))
    with launch(hosts, folder / "hosts.json", *arguments, log=log) as child:
        try:
            child.wait(patience)
        except TimeoutExpired as error:
            raise UsageError(
                f"The hosts did not find each other and compare what they have within {patience:g} seconds.",
                where=", ".join(hosts.name(rank) for rank in range(hosts.size)),
                hint=f"Is a firewall between them, or an address wrong?\n{child.last_lines()}".strip(),
            ) from error
    if not reply.is_file():
        fallen = first_fallen(log)
        what = fallen.explained(hosts) if fallen else "The hosts could not be started."
        raise UsageError(what, hint=child.last_lines())
    return read_json(reply)
