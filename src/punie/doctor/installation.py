"""What was put on the machine and what it reaches: disks, folders, packages, jail, hub, servers. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from punie.doctor.finding import Finding, ok, problem, warning
from punie.doctor.machine import Machine
from punie.doctor.packages import Package
from punie.report import numbers
from punie.training.disk import LORA_BYTES

SHOWN = ("mlx", "mlx-lm", "transformers")
"""Packages with a line of their own."""
_ROOMY_DISK = 10e9
"""Bytes: the weights of 7 billion parameters are 4 GB at 4 bits, and 14 GB once they are fused at 16."""


def disk(machine: Machine) -> Finding:
    scarcest = min(machine.places, key=lambda place: place.free)
    message = f"{numbers.size(scarcest.free)} free at {scarcest.folder}"
    if scarcest.free < LORA_BYTES:
        return problem(f"{message}: no run begins with so little", "Make room.")
    if scarcest.free < _ROOMY_DISK:
        return warning(f"{message}: models have several GB", "Make room, or set HF_HOME to a folder on another disk.")
    return ok(message)


def folders(machine: Machine) -> Finding:
    refused = [place for place in machine.places if place.refusal]
    if refused:
        told = "; ".join(f"{place.folder} ({place.refusal})" for place in refused)
        return problem(
            f"Nothing can be written to {told}",
            "Work in a folder of your own; PUNIE_CACHE and HF_HOME name the others.",
        )
    return ok("working folder and caches can be written to")


def python(machine: Machine) -> Finding:
    found = machine.python
    named = f"Python {found.version} ({found.executable})"
    if not found.fits:
        return problem(
            f"{named}; supported is {found.supported}", "Make the environment again with a supported Python."
        )
    if found.tested and not found.is_tested:
        return warning(f"{named} is not tested", f"Tested are {', '.join(found.tested)}.")
    return ok(named)


def package(name: str, machine: Machine) -> Finding:
    found = next((one for one in machine.packages if one.name == name), Package(name, None, ""))
    return ok(found.told) if found.fits else _unfit([found])


def other_packages(machine: Machine) -> Finding:
    others = [one for one in machine.packages if one.name not in SHOWN]
    unfit = [one for one in others if not one.fits]
    return _unfit(unfit) if unfit else ok(f"{len(others)} others, each in its supported range")


def _unfit(packages: Sequence[Package]) -> Finding:
    wanted = " ".join(f"'{one.name}{one.supported}'" for one in packages)
    told = ", ".join(f"{one.name} {one.told}" for one in packages)
    return problem(told, f"python -m pip install {wanted}; in a checkout: make clean ready")


def sandbox(machine: Machine) -> Finding:
    if machine.jail:
        return problem(
            f"Code of others cannot be run safely: {machine.jail}",
            "Suites that run code refuse to, unless --unsafe-no-sandbox accepts the risk. See docs/sandbox.md.",
        )
    return ok("hostile code was run in it, and could not get out")


def hub(machine: Machine) -> Finding:
    found = machine.hub
    if found.switched_off:
        return ok("switched off by HF_HUB_OFFLINE; what is on this machine can be used")
    if found.failure:
        return warning(
            f"{found.endpoint} cannot be used: {found.failure}",
            "Check connection, proxy and HF_ENDPOINT. What is on this machine can be used.",
        )
    return ok(f"{found.endpoint} answered in {numbers.duration(found.seconds)}")


def servers(machine: Machine) -> Finding:
    if not machine.orphans:
        return ok("no model server was left behind")
    told = ", ".join(f"process {orphan.pid} ({orphan.log})" for orphan in machine.orphans)
    groups = " ".join(f"-{orphan.pid}" for orphan in machine.orphans)
    return warning(
        f"Left behind, with its weights in memory: {told}",
        f"kill -KILL -- {groups}, or let the next evaluation end it.",
    )
