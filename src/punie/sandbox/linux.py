"""The jail on Linux: Landlock for files, seccomp for everything else, nothing but the kernel needed.

User and process namespaces are not used: many systems refuse them, and they cost 4 to 8 ms a start.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
from pathlib import Path

from punie.sandbox import landlock, seccomp
from punie.sandbox.syscalls import MACHINES

_SET_DEATH_SIGNAL, _SET_NO_NEW_PRIVILEGES, _SET_SUBREAPER = 1, 38, 36
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")
_DATA = ("/usr/share/zoneinfo", "/etc/localtime", "/dev/urandom", "/dev/random", "/dev/zero")
_SINK = "/dev/null"
_libc = ctypes.CDLL(None, use_errno=True)


def missing() -> str:
    """What this kernel or machine lacks for a jail, in words; "" where nothing is lacking."""
    lacks = []
    if platform.machine() not in MACHINES:
        lacks.append(f"a table of the system calls of {platform.machine()}")
    if landlock.version() == 0:
        lacks.append("Landlock (Linux 5.13, among the kernel's security modules)")
    if not Path("/proc/sys/kernel/seccomp/actions_avail").exists():
        lacks.append("seccomp filters")
    return " and ".join(lacks)


def enter(folder: str) -> None:
    """Shut this process in: it reads its interpreter and writes `folder`. Raises OSError where the kernel refuses."""
    _control(_SET_NO_NEW_PRIVILEGES, 1)
    landlock.restrict((*sys.path, *_LIBRARIES, *_DATA), (folder, _SINK))
    seccomp.restrict(platform.machine())


def die_with_parent(parent: int) -> None:
    """Whoever kills the worker kills its candidate."""
    _control(_SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def adopt_orphans() -> None:
    """Processes that slip away from their parent become ours, where we find them."""
    _control(_SET_SUBREAPER, 1)


def children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def _control(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}: {os.strerror(ctypes.get_errno())}")
