"""Everything the checks look at, read once. Nothing else in this package asks the machine."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from punie.doctor.compute import Compute, Silence, ask_compute
from punie.doctor.hub import Hub, begin_asking
from punie.doctor.packages import Package, Python, read_packages, read_python
from punie.doctor.power import Power, read_power
from punie.process import find_openblas, mlx_environment
from punie.sandbox.jail import probe
from punie.serving.orphans import find_orphans
from punie.training.disk import existing_part, free_bytes
from punie.workspace import cache_folder

WATCHDOG = "AGX_RELAX_CDM_CTXSTORE_TIMEOUT"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that is written to, the free bytes of its disk, and why it cannot be written to, "" where it can."""

    purpose: str
    folder: str
    free: int
    refusal: str


@dataclass(frozen=True, slots=True)
class Orphan:
    pid: int
    log: str


@dataclass(frozen=True, slots=True)
class Machine:
    """Sizes in bytes."""

    system: str
    """As sys.platform has it."""
    release: str
    """Of macOS its number; of Linux the name of the distribution."""
    architecture: str
    cores: int
    memory: int
    memory_available: int
    python: Python
    packages: tuple[Package, ...]
    compute: Compute | Silence
    openblas: str | None
    """The library that children are given, on Linux."""
    jail: str
    """Why there is none, "" where there is one."""
    places: tuple[Place, ...]
    hub: Hub
    orphans: tuple[Orphan, ...]
    on_battery: bool
    power: Power | None
    """On macOS."""
    watchdog: str
    """What children are told about the GPU's watchdog; "1" relaxes it. Only macOS has one."""


def read_machine() -> Machine:
    """Takes about a second, and at most those that the questions to MLX and to the hub are bound to."""
    hub = begin_asking()
    on_mac = sys.platform == "darwin"
    memory, battery, openblas = psutil.virtual_memory(), psutil.sensors_battery(), find_openblas()
    return Machine(
        system=sys.platform,
        release=platform.mac_ver()[0] if on_mac else _distribution(),
        architecture=platform.machine(),
        cores=os.cpu_count() or 1,
        memory=memory.total,
        memory_available=memory.available,
        python=read_python(sys.executable),
        packages=read_packages(),
        compute=ask_compute(),
        openblas=None if on_mac or openblas is None else str(openblas),
        jail=probe(),
        places=_places(),
        orphans=tuple(Orphan(note.pid, note.log) for note in find_orphans()),
        on_battery=battery is not None and battery.power_plugged is False,
        power=read_power() if on_mac else None,
        watchdog=mlx_environment().get(WATCHDOG, ""),
        hub=hub(),
    )


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.release()


def _places() -> tuple[Place, ...]:
    from huggingface_hub import constants

    folders = {"work": Path.cwd(), "cache": cache_folder(), "models": Path(constants.HF_HUB_CACHE)}
    return tuple(
        Place(name, str(folder), free_bytes(folder), _refusal(existing_part(folder)))
        for name, folder in folders.items()
    )


def _refusal(folder: Path) -> str:
    """Found out by writing: permissions alone do not tell of a disk that is read-only or full."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"punie")
    except OSError as error:
        return error.strerror or str(error)
    return ""
