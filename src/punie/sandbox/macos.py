"""The jail on macOS: a Seatbelt profile through `sandbox-exec`, and a watch over memory.

`sandbox-exec` is marked deprecated and has no replacement for a process of the command line; Bazel, Homebrew and the
Swift package manager use it too. It cannot be nested: inside another sandbox it refuses, and so do we. The address
space cannot be limited (cpython issue 78783), so the worker looks at the footprint of the candidate instead.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

SANDBOX_EXEC = "/usr/bin/sandbox-exec"
_USAGE_VERSION = 2
_FOOTPRINT_WORD = 2 + 7
"""`ri_phys_footprint` of `struct rusage_info_v2`: after a UUID of two words and seven other words."""
_USAGE_WORDS = 2 + 18


def profile(interpreter: str, folders: Iterable[str], files: Iterable[str], work: str) -> str:
    """The rules; the last rule that fits an operation decides. Paths must be real: /tmp is a link on macOS."""
    reads = "".join(f"\n  (subpath {_quoted(path)})" for path in folders)
    reads += "".join(f"\n  (literal {_quoted(path)})" for path in files)
    return f"""(version 1)
(deny default)
(import "system.sb")
(deny network*)
(deny mach-lookup)
(deny process-fork)
(deny signal)
(allow signal (target self))
(deny file-read-data)
(deny file-write*)
(allow file-read-metadata)
(allow file-read*
  (literal "/")
  (literal "/dev/null")
  (literal "/dev/random")
  (literal "/dev/urandom")
  (literal "/dev/zero")
  (subpath "/System/Library")
  (subpath "/System/Volumes/Preboot/Cryptexes")
  (subpath "/usr/lib")
  (subpath "/usr/share/zoneinfo")
  (subpath "/private/var/db/dyld")
  (subpath "/private/var/db/timezone"){reads}
  (subpath {_quoted(work)}))
(allow file-map-executable)
(allow file-write* (subpath {_quoted(work)}) (literal "/dev/null"))
(deny process-exec*)
(allow process-exec* (literal {_quoted(interpreter)}))
"""


def command(arguments: Sequence[str], work: str) -> list[str]:
    """The command line that runs this interpreter with these arguments in the jail.

    To import this package Python must list the folders above it; it may read nothing else in them.
    """
    interpreter, package = Path(sys.executable).resolve(), Path(__file__).resolve().parent
    folders = map(str, (Path(sys.base_prefix).resolve(), package))
    files = map(str, (package.parent, package.parent / "__init__.py", package.parent.parent))
    rules = profile(str(interpreter), folders, files, str(Path(work).resolve()))
    return [SANDBOX_EXEC, "-p", rules, str(interpreter), *arguments]


def missing() -> str:
    return "" if os.access(SANDBOX_EXEC, os.X_OK) else SANDBOX_EXEC


def footprint(process: int) -> int:
    """Bytes of memory that count against a process, compressed ones included; 0 once it has ended."""
    usage = (ctypes.c_uint64 * _USAGE_WORDS)()
    failed = ctypes.CDLL(None).proc_pid_rusage(process, _USAGE_VERSION, ctypes.byref(usage))
    return 0 if failed else usage[_FOOTPRINT_WORD]


def _quoted(path: str) -> str:
    """A string of the profile language."""
    return json.dumps(path, ensure_ascii=False)
