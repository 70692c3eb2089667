"""The table of checks: what is looked at, in the order in which it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from punie.doctor import hardware, installation
from punie.doctor.finding import Finding
from punie.doctor.machine import Machine

Check = Callable[[Machine], Finding | None]

CHECKS: Mapping[str, Check] = {
    "platform": hardware.platform,
    "chip": hardware.chip,
    "compute": hardware.compute,
    "blas": hardware.blas,
    "memory": hardware.memory,
    "working set": hardware.working_set,
    "disk": installation.disk,
    "folders": installation.folders,
    "python": installation.python,
    **{name: partial(installation.package, name) for name in installation.SHOWN},
    "packages": installation.other_packages,
    "sandbox": installation.sandbox,
    "hub": installation.hub,
    "servers": installation.servers,
    "power": hardware.power,
    "sleep": hardware.sleep,
    "watchdog": hardware.watchdog,
}


def examine(machine: Machine) -> dict[str, Finding]:
    """By the name of the check, in the order of the table; those that do not apply here are left out."""
    found = {name: check(machine) for name, check in CHECKS.items()}
    return {name: finding for name, finding in found.items() if finding is not None}
