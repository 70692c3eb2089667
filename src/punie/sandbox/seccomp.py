"""Seccomp: which system calls this process may make, for itself and for good.

A classic BPF program over `struct seccomp_data` (number at 0, architecture at 4, six 64-bit arguments from 16 on), as
`include/uapi/linux/seccomp.h` has it. A call that is not in `punie.sandbox.syscalls` fails with EPERM; a call of
another architecture ends the process, since its numbers mean other things.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Sequence

from punie.sandbox.syscalls import ALWAYS, WITH_ARGUMENTS, numbers

_AUDIT_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_CALLS = 0x40000000

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_REFUSE, _NO_SUCH_CALL = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
_NUMBER, _ARCHITECTURE = 0, 4

_CLONE_THREAD = 0x10000
_NAMES_OF_THREADS = (15, 16)
"""prctl: PR_SET_NAME and PR_GET_NAME. PR_SET_PDEATHSIG, for one, would let a candidate outlive its parent."""
_FILE_CONTROLS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)
"""fcntl: duplicates, flags and locks. F_SETOWN and F_SETSIG would send signals to others."""
_DEVICE_CONTROLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""ioctl: is it a terminal, its size, bytes waiting, blocking or not, close on exec."""
_UNIX, _STREAM, _SOCKET_FLAGS = 1, 1, 0o2004000

_SET_SECCOMP, _FILTER = 22, 2
_libc = ctypes.CDLL(None, use_errno=True)

Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def restrict(machine: str) -> None:
    """Let this process make no other calls. Needs `no_new_privs`. Raises OSError where the kernel refuses."""
    code = assemble(instructions(machine, os.getpid()))
    program = _Program(len(code) // 8, code)
    if _libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")


def assemble(program: Sequence[Instruction]) -> bytes:
    """`struct sock_filter` for each: code, jump if true, jump if false, operand."""
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def instructions(machine: str, process: int) -> list[Instruction]:
    """The filter of the process with this id. Raises ValueError for a machine whose calls are not known."""
    special = numbers(WITH_ARGUMENTS, machine)
    program = [
        *((_LOAD, 0, 0, _ARCHITECTURE), (_JUMP_EQUAL, 1, 0, _AUDIT_ARCHITECTURES[machine])),
        *((_RETURN, 0, 0, _KILL_PROCESS), (_LOAD, 0, 0, _NUMBER)),
        *((_JUMP_AT_LEAST, 0, 1, _X32_CALLS), (_RETURN, 0, 0, _REFUSE)),
    ]
    for number in numbers(ALWAYS, machine).values():
        program += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    for name, rule in _rules(process).items():
        program += [(_JUMP_EQUAL, 0, len(rule), special[name]), *rule]
    return [*program, (_RETURN, 0, 0, _REFUSE)]


def _rules(process: int) -> dict[str, list[Instruction]]:
    """What is looked at where the arguments decide. No rule is longer than the 255 steps of a jump."""
    return {
        "clone": [_low(0), (_JUMP_BITS, 0, 1, _CLONE_THREAD), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)],
        # Its flags lie in memory, where a filter cannot look; the C library falls back to clone.
        "clone3": [(_RETURN, 0, 0, _NO_SUCH_CALL)],
        "kill": _one_of(0, (process,)),
        "tgkill": _one_of(0, (process,)),
        "prctl": _one_of(0, _NAMES_OF_THREADS),
        "fcntl": _one_of(1, _FILE_CONTROLS),
        "ioctl": _one_of(1, _DEVICE_CONTROLS),
        # Limits may be read. A null pointer has 64 bits.
        "prlimit64": _null(2),
        # What asyncio wakes itself with. Only a stream cannot be turned to another address.
        "socketpair": [_low(0), (_JUMP_EQUAL, 1, 0, _UNIX), (_RETURN, 0, 0, _REFUSE), *_stream(1)],
        "sendto": _null(4),
    }


def _one_of(argument: int, values: Sequence[int]) -> list[Instruction]:
    allowed = [part for value in values for part in ((_JUMP_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW))]
    return [_low(argument), *allowed, (_RETURN, 0, 0, _REFUSE)]


def _null(argument: int) -> list[Instruction]:
    return [
        *(_low(argument), (_JUMP_EQUAL, 1, 0, 0), (_RETURN, 0, 0, _REFUSE)),
        *(_high(argument), (_JUMP_EQUAL, 1, 0, 0), (_RETURN, 0, 0, _REFUSE)),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _stream(argument: int) -> list[Instruction]:
    return _one_of(argument, [_STREAM | flags for flags in (0, 0o4000, 0o2000000, _SOCKET_FLAGS)])


def _low(argument: int) -> Instruction:
    return (_LOAD, 0, 0, 16 + 8 * argument)


def _high(argument: int) -> Instruction:
    return (_LOAD, 0, 0, 20 + 8 * argument)
