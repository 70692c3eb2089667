"""Prepare this checkout: uv in .punie, Python and every package in .venv, OpenBLAS on Linux.

Runs under any Python from 3.9 on with the standard library alone. A finished environment carries a stamp: the hash of
what it was made from. The stamp is written last, so an interrupted set-up is made again by the next call.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRIVATE = ROOT / ".punie"
UV_HOME = PRIVATE / "uv"
UV = UV_HOME / "bin" / "uv"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "punie-ready"
MADE_FROM = ("pyproject.toml", "requirements.lock", "tools/bootstrap.py")

UV_VERSION = "uv>=0.9,<1"
PYTHON_VERSION = ">=3.11,<3.14"
OPENBLAS = "libopenblas0-pthread"


class StepFailed(Exception):
    """One sentence: which step failed, and what to do."""


def main() -> int:
    PRIVATE.mkdir(exist_ok=True)
    with open(PRIVATE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_ready():
            return 0
        try:
            install_uv()
            make_environment()
        except StepFailed as failure:
            say(str(failure))
            return 1
        see_to_openblas()
        STAMP.write_text(fingerprint())
    return 0


def is_ready() -> bool:
    return VENV_PYTHON.exists() and STAMP.is_file() and STAMP.read_text() == fingerprint()


def fingerprint() -> str:
    """Changes with the files the environment is made from, and with the folder, since scripts in .venv name it."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in MADE_FROM:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def install_uv() -> None:
    if succeeds([UV, "--version"]):
        return
    say("installing uv into .punie")
    if uv_in_venv() or uv_by_pip() or (apt_install("python3-venv") and uv_in_venv()):
        return
    raise StepFailed(
        f"uv could not be installed: {sys.executable} needs its venv or pip module and a way to PyPI. "
        "Debian, Ubuntu: sudo apt-get install python3-venv"
    )


def uv_in_venv() -> bool:
    made = succeeds([sys.executable, "-m", "venv", "--clear", UV_HOME])
    return made and succeeds([UV_HOME / "bin" / "python", "-m", "pip", "install", "--quiet", UV_VERSION])


def uv_by_pip() -> bool:
    """Debian's python3 may have pip but no venv."""
    shutil.rmtree(UV_HOME, ignore_errors=True)
    return succeeds([sys.executable, "-m", "pip", "install", "--quiet", "--target", UV_HOME, UV_VERSION])


def make_environment() -> None:
    say(f"making .venv with Python {PYTHON_VERSION}")
    if not shown([UV, "--quiet", "venv", "--clear", "--python", PYTHON_VERSION, VENV]):
        raise StepFailed(f"Python {PYTHON_VERSION} is not on this machine and could not be fetched: install it first.")
    say("installing packages (about 300 MB on disk)")
    # uv's progress bar is for people; a log gets errors only.
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    chosen = ["--python", VENV_PYTHON, "--constraints", "requirements.lock", "--editable", ".[dev]"]
    if not shown([UV, *quiet, "pip", "install", *chosen]):
        raise StepFailed("The packages could not be installed; the lines above say why. The same command tries again.")


def see_to_openblas() -> None:
    """MLX on Linux computes about 30 times faster with it, and correctly without it: never a reason to stop."""
    if sys.platform != "linux" or has_openblas():
        return
    if not apt_install(OPENBLAS):
        say(f"OpenBLAS is missing, so training is slow. Debian, Ubuntu: sudo apt-get install {OPENBLAS}")


def has_openblas() -> bool:
    check = "import sys; from punie.process import find_openblas; sys.exit(find_openblas() is None)"
    return succeeds([VENV_PYTHON, "-c", check])


def apt_install(package: str) -> bool:
    """Install a Debian package as root; the package list is fetched only when the one that is there does not do."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    say(f"installing {package} with apt-get")
    install = ["apt-get", "install", "--yes", "--no-install-recommends", package]
    return succeeds(install) or (succeeds(["apt-get", "update"]) and succeeds(install))


def succeeds(command: list) -> bool:
    """Run without a word: the caller has something else to try, or says what failed."""
    try:
        return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
    except OSError:
        return False


def shown(command: list) -> bool:
    """Run with everything the command says on standard error."""
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode == 0


def say(line: str) -> None:
    print(f"punie: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("stopped; the same command goes on")
        sys.exit(130)
