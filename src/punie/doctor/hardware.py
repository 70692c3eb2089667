"""The machine itself: platform, chip, what MLX computes with, memory, power. Pure functions; None: not on this one."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from punie.doctor.compute import Compute, Silence
from punie.doctor.finding import Finding, ok, problem, warning
from punie.doctor.machine import WATCHDOG, Machine
from punie.report import numbers
from punie.training.needs import SHARE

_FIRST_MACOS = Version("14")
"""Of those MLX is built for (its installation page)."""
_TIGHT = 0.25
"""Of the memory: with less free, what a model gets depends on what else runs."""
_MEND_MLX = "Install MLX again (in a checkout: make clean ready); restart the machine where it hangs."


def platform(machine: Machine) -> Finding:
    match machine.system:
        case "darwin":
            return _mac(machine)
        case "linux":
            return ok(f"{machine.release}, {machine.architecture}: for tests and small models; larger ones need a Mac")
    return problem(f"{machine.system} is not supported", "Use a Mac with Apple silicon, or Linux.")


def _mac(machine: Machine) -> Finding:
    found = f"macOS {machine.release}, {machine.architecture}"
    if machine.architecture != "arm64":
        return problem(
            f"{found}: this Python is made for Intel", "Install a Python for arm64; MLX has no other on a Mac."
        )
    if _older(machine.release, _FIRST_MACOS):
        return problem(f"{found} is too old for MLX", f"Update to macOS {_FIRST_MACOS} or later.")
    return ok(found)


def _older(release: str, first: Version) -> bool:
    try:
        return Version(release) < first
    except InvalidVersion:
        return False


def chip(machine: Machine) -> Finding | None:
    if isinstance(machine.compute, Silence):
        return None
    return ok(f"{machine.compute.chip or machine.architecture}, {machine.cores} cores")


def compute(machine: Machine) -> Finding:
    match machine.compute:
        case Silence(why=why, last_line=said):
            told = f": {said}" if said else ""
            return problem(f"MLX gives no answer: {why}{told}", _MEND_MLX)
        case Compute(metal=True):
            return ok("MLX computes on the GPU, with Metal")
    if machine.system == "darwin":
        return problem("MLX finds no Metal GPU", "Run this on the Mac itself, not in a container or over Rosetta.")
    return ok("MLX computes on the CPU")


def blas(machine: Machine) -> Finding | None:
    if machine.system != "linux" or isinstance(machine.compute, Silence):
        return None
    speed = f"{machine.compute.gigaflops:.0f} GFLOP/s in float32 matrix products"
    if machine.compute.blas is not None:
        return ok(f"MLX children have OpenBLAS: {speed}")
    if machine.openblas is not None:
        return warning(f"OpenBLAS is there, but children do not load it: {speed}", f"Look at {machine.openblas}.")
    return warning(f"OpenBLAS is missing, so training is slow: {speed}", "sudo apt-get install libopenblas0-pthread")


def memory(machine: Machine) -> Finding:
    message = f"{numbers.size(machine.memory_available)} of {numbers.size(machine.memory)} available"
    if machine.memory_available < _TIGHT * machine.memory:
        return warning(message, "Close other programs before a large model is loaded.")
    return ok(message)


def working_set(machine: Machine) -> Finding | None:
    """What `punie train` may use without --memory-limit: see `training.memory`."""
    if isinstance(machine.compute, Silence):
        return None
    recommended = machine.compute.working_set
    if recommended is None:
        return ok(f"a run may use {numbers.size(SHARE * machine.memory_available)}, {SHARE:.0%} of what is available")
    return ok(
        f"{numbers.size(recommended)} recommended for the GPU; a run may use {SHARE:.0%}, "
        f"{numbers.size(SHARE * recommended)}"
    )


def power(machine: Machine) -> Finding | None:
    if machine.on_battery:
        return warning("this machine runs on its battery", "Plug it in before a long run.")
    if machine.power is None:
        return None
    if machine.power.low_power:
        return warning("Low Power Mode is on, and slows the GPU", "sudo pmset -a lowpowermode 0")
    return ok("on mains power")


def sleep(machine: Machine) -> Finding | None:
    if machine.power is None:
        return None
    if machine.power.sleep is None:
        return warning("pmset does not say when this Mac sleeps", "Look at `pmset -g`.")
    when = f"after {machine.power.sleep} minutes without a user" if machine.power.sleep else "never by itself"
    return ok(f"{when}; caffeinate keeps it awake while a child computes, unless the lid is closed")


def watchdog(machine: Machine) -> Finding | None:
    """The GPU's, which ends long work while the display is lit (mlx issue 3267)."""
    if machine.power is None:
        return None
    if machine.watchdog != "1":
        return warning(
            f"{WATCHDOG} is {machine.watchdog!r}, so macOS may end long training while the display is lit",
            f"unset {WATCHDOG}: children then get 1.",
        )
    if machine.power.display_sleep == 0:
        return warning(
            "relaxed for MLX children, but the display never sleeps, which did not help on every Mac",
            "sudo pmset -a displaysleep 10, or turn the display off during long training.",
        )
    return ok("relaxed for MLX children")
