"""The filter as an interpreter of BPF reads it, for both machines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from punie.sandbox import seccomp
from punie.sandbox.syscalls import ALWAYS, MACHINES, WITH_ARGUMENTS, numbers

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
OURS = 1234
ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000


def verdict(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What the filter of process 1234 returns for a call."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    words = {0: number, 4: seccomp._AUDIT_ARCHITECTURES[machine] if architecture is None else architecture}
    for index, argument in enumerate(padded):
        words |= {16 + 8 * index: argument & 0xFFFFFFFF, 20 + 8 * index: argument >> 32}
    program, step, accumulator = seccomp.instructions(machine, OURS), 0, 0
    while True:
        code, true, false, operand = program[step]
        match code:
            case 0x06:
                return operand
            case 0x20:
                accumulator, jump = words[operand], 0
            case _:
                holds = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: accumulator & operand}[code]
                jump = true if holds else false
        step += 1 + jump


RULES = [
    ("clone", (0x3D0F00,), ALLOW),
    ("clone", (0x1200011,), EPERM),
    ("clone3", (1,), ENOSYS),
    ("kill", (OURS, 9), ALLOW),
    ("kill", (0, 9), EPERM),
    ("tgkill", (OURS, 99, 6), ALLOW),
    ("tgkill", (1, 1, 6), EPERM),
    ("prctl", (15,), ALLOW),
    ("prctl", (1, 0), EPERM),
    ("fcntl", (0, 3), ALLOW),
    ("fcntl", (0, 8), EPERM),
    ("ioctl", (0, 0x5401), ALLOW),
    ("ioctl", (0, 0x5412), EPERM),
    ("prlimit64", (0, 7, 0, 1), ALLOW),
    ("prlimit64", (0, 7, 1), EPERM),
    ("prlimit64", (0, 7, 1 << 32), EPERM),
    ("socketpair", (1, 0o2000001, 0), ALLOW),
    ("socketpair", (1, 2, 0), EPERM),
    ("socketpair", (2, 1, 0), EPERM),
    ("sendto", (3, 1, 1, 0, 0), ALLOW),
    ("sendto", (3, 1, 1, 0, 1 << 40), EPERM),
]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("name", "arguments", "expected"), RULES)
def test_arguments_decide(machine: str, name: str, arguments: tuple[int, ...], expected: int) -> None:
    """Threads but no processes, signals to itself alone, limits that can be read but not set."""
    assert verdict(machine, numbers(WITH_ARGUMENTS, machine)[name], *arguments) == expected


@pytest.mark.parametrize("machine", MACHINES)
def test_only_what_is_listed_is_allowed(machine: str) -> None:
    """Every other number is refused, those of kernels to come included; another architecture ends the process."""
    listed = set(numbers(ALWAYS, machine).values())
    special = set(numbers(WITH_ARGUMENTS, machine).values())
    assert {number for number in range(1000) if verdict(machine, number) == ALLOW} - special == listed
    assert verdict(machine, 0x40000000) == EPERM
    assert verdict(machine, min(listed), architecture=0x40000003) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_the_dangerous_is_not_listed(machine: str) -> None:
    """Sockets, processes, programs, links, rights, mounts and the calls that reach around a filter."""
    names = numbers(ALWAYS, machine).keys() | numbers(WITH_ARGUMENTS, machine).keys()
    refused = "socket connect bind listen accept sendmsg fork vfork execve execveat ptrace link symlink chmod fchmod"
    reach_around = "chown setxattr mount bpf io_uring_setup keyctl memfd_create setrlimit unshare setns truncate mknod"
    assert not names & {*refused.split(), *reach_around.split()}


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_the_kernels(machine: str) -> None:
    """Each number is the one in the headers of Linux, where they are installed."""
    if not HEADERS[machine].is_file():
        pytest.skip(f"{HEADERS[machine]} is not installed")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())
    truth = {name: int(number) for name, number in found}
    # The generic header knows this one by its older name.
    truth.setdefault("newfstatat", truth.get("fstatat", 0))
    ours = numbers(ALWAYS, machine) | numbers(WITH_ARGUMENTS, machine)
    assert {name: number for name, number in ours.items() if truth.get(name) != number} == {}
