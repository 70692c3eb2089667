"""Landlock: which files this process may reach, for itself and for good.

The numbers and structures are those of Linux's `include/uapi/linux/landlock.h`; its ABI 1 came with Linux 5.13. What
later versions add (TCP, signals, abstract sockets) is taken where it is there; `punie.sandbox.seccomp` forbids the same
everywhere.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from contextlib import suppress

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1

(_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE, _MAKE_CHAR, _MAKE_DIR, _MAKE_REG) = (
    1 << bit for bit in range(9)
)
_TRUNCATE = 1 << 14
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _TRUNCATE
"""No links, no sockets, no devices; and nothing anywhere may be executed."""
_ON_A_FILE = _READ_FILE | _WRITE_FILE | _TRUNCATE

_KNOWN_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Rights over files that each ABI handles; 4 and those above 5 add none."""
_BOTH_TCP_RIGHTS, _BOTH_SCOPES = 3, 3

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def version() -> int:
    """The kernel's Landlock ABI; 0 where it is missing or turned off."""
    return max(0, _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION))


def restrict(readable: Iterable[str], writable: Iterable[str]) -> None:
    """Let this process reach nothing but these files and folders. Paths that are not there are passed over.

    Needs `no_new_privs`. Raises OSError where the kernel refuses.
    """
    abi = version()
    files = _KNOWN_RIGHTS[max(known for known in _KNOWN_RIGHTS if known <= max(abi, 1))]
    ruleset = _Ruleset(files, _BOTH_TCP_RIGHTS if abi >= 4 else 0, _BOTH_SCOPES if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    descriptor = _call(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), 0)
    for paths, rights in ((readable, _READ), (writable, _WRITE)):
        for path in paths:
            with suppress(FileNotFoundError, NotADirectoryError):
                _allow(descriptor, path, rights & files)
    _call(_RESTRICT_SELF, descriptor, 0)
    os.close(descriptor)


def _allow(ruleset: int, path: str, rights: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(parent).st_mode):
            rights &= _ON_A_FILE
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(_Beneath(rights, parent)), 0)
    finally:
        os.close(parent)


def _call(number: int, *arguments: object) -> int:
    result = _libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return result
