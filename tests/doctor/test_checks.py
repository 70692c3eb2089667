"""The table of checks, over recorded machines: this project's Linux test bench, and a Mac.

No Mac was at hand: what MLX says of its M3 Max is what mlx-c pull request 93 recorded, the rest is from documentation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from punie.doctor.checks import CHECKS, examine
from punie.doctor.compute import Compute, Silence
from punie.doctor.hub import Hub
from punie.doctor.machine import Machine, Orphan, Place
from punie.doctor.packages import Package, Python
from punie.doctor.power import Power

OPENBLAS = "/usr/lib/x86_64-linux-gnu/libopenblas.so.0"
PACKAGES = (
    Package("mlx", "0.32.4", ">=0.32.2"),
    Package("mlx-lm", "0.32.2", ">=0.32.2,<0.33"),
    Package("transformers", "5.23.0", ">=5.7.0"),
    Package("httpx", "0.28.1", ">=0.28,<1"),
)
LINUX = Machine(
    system="linux",
    release="Debian GNU/Linux 12 (bookworm)",
    architecture="x86_64",
    cores=2,
    memory=25_276_502_016,
    memory_available=21_917_044_736,
    python=Python("3.11.7", ">=3.11", ("3.11", "3.12", "3.13"), ".venv/bin/python"),
    packages=PACKAGES,
    compute=Compute(metal=False, chip="Intel(R) Xeon(R) Processor", working_set=None, gigaflops=97.0, blas=OPENBLAS),
    openblas=OPENBLAS,
    jail="",
    places=(Place("work", "/home/me/punie", 69_845_213_184, ""), Place("models", "/home/me/.cache", 71e9, "")),
    hub=Hub("https://huggingface.co", seconds=0.2),
    orphans=(),
    on_battery=False,
    power=None,
    watchdog="",
)
MAC = replace(
    LINUX,
    system="darwin",
    release="15.5",
    architecture="arm64",
    cores=16,
    memory=137_438_953_472,
    memory_available=96_000_000_000,
    compute=Compute(metal=True, chip="Apple M3 Max", working_set=103_079_215_104, gigaflops=9000.0, blas=None),
    openblas=None,
    power=Power(sleep=1, display_sleep=10, low_power=False),
    watchdog="1",
)
ON_MACS_ALONE = {"power", "sleep", "watchdog"}
SICK_MLX = Silence("it ended with code -6", "libc++abi: terminating")

CASES: list[tuple[str, Machine, dict[str, Any], str, str]] = [
    ("platform", LINUX, {"system": "win32"}, "problem", "not supported"),
    ("platform", MAC, {"architecture": "x86_64"}, "problem", "made for Intel"),
    ("platform", MAC, {"release": "13.6.1"}, "problem", "too old"),
    ("platform", MAC, {"release": "26.5.2"}, "ok", "macOS 26.5.2, arm64"),
    ("platform", MAC, {"release": ""}, "ok", "arm64"),
    ("chip", MAC, {}, "ok", "Apple M3 Max, 16 cores"),
    ("compute", MAC, {}, "ok", "Metal"),
    ("compute", LINUX, {}, "ok", "CPU"),
    ("compute", MAC, {"compute": LINUX.compute}, "problem", "no Metal"),
    ("compute", LINUX, {"compute": SICK_MLX}, "problem", "code -6: libc++abi"),
    ("blas", LINUX, {}, "ok", "97 GFLOP/s"),
    ("blas", LINUX, {"compute": msgspec.structs.replace(LINUX.compute, blas=None)}, "warning", "do not load it"),
    ("blas", LINUX, {"compute": msgspec.structs.replace(LINUX.compute, blas=None), "openblas": None}, "warning", "apt"),
    ("memory", LINUX, {}, "ok", "21.9 GB of 25.3 GB"),
    ("memory", LINUX, {"memory_available": 4_000_000_000}, "warning", "Close other programs"),
    ("working set", LINUX, {}, "ok", "18.6 GB, 85%"),
    ("working set", MAC, {}, "ok", "103.1 GB recommended for the GPU; a run may use 85%, 87.6 GB"),
    ("disk", LINUX, {}, "ok", "69.8 GB free at /home/me/punie"),
    ("disk", LINUX, {"places": (LINUX.places[0], Place("models", "/x", 2_000_000_000, ""))}, "warning", "HF_HOME"),
    ("disk", LINUX, {"places": (LINUX.places[0], Place("models", "/x", 150_000_000, ""))}, "problem", "150.0 MB"),
    ("folders", LINUX, {"places": (Place("cache", "/x", 71e9, "Read-only file system"),)}, "problem", "/x (Read-only"),
    ("python", LINUX, {"python": replace(LINUX.python, version="3.10.2")}, "problem", "supported is >=3.11"),
    ("python", LINUX, {"python": replace(LINUX.python, version="3.14.0")}, "warning", "3.11, 3.12, 3.13"),
    ("python", LINUX, {"python": Python("3.14.0", "", (), "python3")}, "ok", "3.14.0"),
    ("mlx-lm", LINUX, {"packages": (Package("mlx-lm", "0.33.0", "<0.33"),)}, "problem", "pip install 'mlx-lm<0.33'"),
    ("mlx", LINUX, {"packages": ()}, "problem", "not installed"),
    ("transformers", LINUX, {}, "ok", "5.23.0; supported is >=5.7.0"),
    ("packages", LINUX, {"packages": (Package("httpx", "1.0", "<1"),)}, "problem", "httpx 1.0; supported is <1"),
    ("sandbox", LINUX, {"jail": "this system lacks Landlock"}, "problem", "lacks Landlock"),
    ("hub", LINUX, {}, "ok", "answered in 0.20 s"),
    ("hub", LINUX, {"hub": Hub("https://huggingface.co", switched_off=True)}, "ok", "HF_HUB_OFFLINE"),
    (
        "hub",
        LINUX,
        {"hub": Hub("http://mirror", failure="refused")},
        "warning",
        "http://mirror cannot be used: refused",
    ),
    ("servers", LINUX, {"orphans": (Orphan(71, "a/log"), Orphan(72, "b/log"))}, "warning", "kill -KILL -- -71 -72"),
    ("power", LINUX, {"on_battery": True}, "warning", "battery"),
    ("power", MAC, {}, "ok", "mains"),
    ("power", MAC, {"power": Power(1, 10, low_power=True)}, "warning", "lowpowermode 0"),
    ("sleep", MAC, {}, "ok", "after 1 minutes"),
    ("sleep", MAC, {"power": Power(0, 10, low_power=False)}, "ok", "never by itself"),
    ("sleep", MAC, {"power": Power(None, None, low_power=False)}, "warning", "does not say"),
    ("watchdog", MAC, {}, "ok", "relaxed"),
    ("watchdog", MAC, {"watchdog": "0"}, "warning", "unset AGX_RELAX"),
    ("watchdog", MAC, {"power": Power(1, 0, low_power=False)}, "warning", "displaysleep 10"),
]


@pytest.mark.parametrize(
    ("name", "machine", "change", "level", "says"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)]
)
def test_a_machine_is_judged(name: str, machine: Machine, change: dict[str, Any], level: str, says: str) -> None:
    """Each line has its level, says what was found, and has a cure where it is not ok."""
    finding = examine(replace(machine, **change))[name]
    assert finding.level == level
    assert says in f"{finding.message} {finding.cure}"
    assert bool(finding.cure) == (level != "ok")


@pytest.mark.parametrize(("machine", "absent"), [(LINUX, ON_MACS_ALONE), (MAC, {"blas"})], ids=["Linux", "Mac"])
def test_a_healthy_machine_has_every_line_that_applies(machine: Machine, absent: set[str]) -> None:
    """Nothing is wrong, and nothing is judged that the machine does not have."""
    findings = examine(machine)
    assert {finding.level for finding in findings.values()} == {"ok"}
    assert set(CHECKS) - set(findings) == absent


def test_a_silent_mlx_costs_only_its_own_lines() -> None:
    """The other checks still have their say."""
    findings = examine(replace(MAC, compute=SICK_MLX))
    assert [name for name, finding in findings.items() if finding.level == "problem"] == ["compute"]
    assert set(examine(MAC)) - set(findings) == {"chip", "working set"}
