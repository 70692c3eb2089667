"""What lies where in the folder of an experiment, and which process works on what."""

from __future__ import annotations

import fcntl
import os
import platform
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from punie import moments
from punie.errors import InterruptedRun, UsageError
from punie.files import make_folder


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One arm with one seed."""

    root: Path

    @property
    def training(self) -> Path:
        return self.root / "training"

    @property
    def measured(self) -> Path:
        """A line for each held-out program; there when the run is done."""
        return self.root / "measured.jsonl"

    @property
    def log(self) -> Path:
        return self.root / "measuring.log"


@dataclass(frozen=True, slots=True)
class ExperimentFolder:
    root: Path

    @property
    def recipe(self) -> Path:
        return self.root / "recipe.yaml"

    @property
    def programs(self) -> Path:
        """As generated."""
        return self.root / "programs"

    @property
    def data(self) -> Path:
        """The same with their difficulty."""
        return self.root / "data"

    @property
    def report(self) -> Path:
        return self.root / "report.md"

    @property
    def page(self) -> Path:
        return self.root / "report.html"

    @property
    def figures(self) -> Path:
        return self.root / "figures.json"

    @property
    def heldout(self) -> Path:
        return self.data / "test.jsonl"

    def start(self, seed: int) -> Path:
        """The model before training."""
        return self.root / "starts" / f"seed-{seed}"

    def start_recipe(self, seed: int) -> Path:
        return self.root / "starts" / f"seed-{seed}.yaml"

    def run(self, arm: str, seed: int) -> RunFolder:
        return RunFolder(self.root / "runs" / f"{arm}-{seed}")


@contextmanager
def waiting_for(folder: Path) -> Generator[None]:
    """Work on it alone; wait where another process does."""
    lock = os.open(make_folder(folder), os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@contextmanager
def taking(folder: Path) -> Generator[bool]:
    """Whether it is ours; another process may have it. It is given back at the end, however that comes."""
    lock = os.open(make_folder(folder), os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)


@contextmanager
def held(folder: Path) -> Generator[None]:
    """Keep the folder to this process, however it ends. Raises UsageError that says who has it."""
    with (make_folder(folder) / ".held").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise UsageError(
                "Another process works on this experiment.",
                where=str(folder),
                hint=f"{file.read()} Wait for its end, or give another --output.".strip(),
            ) from error
        file.truncate(0)
        now = moments.now()
        print(f"It is process {os.getpid()} on {platform.node()}, since {now}.", file=file, flush=True)
        yield


@contextmanager
def interruptible(folder: Path, command: str) -> Generator[None]:
    """Whatever interrupts the work, `command` is what goes on with it. Raises InterruptedRun."""
    try:
        yield
    except (InterruptedRun, KeyboardInterrupt) as error:
        what = "The experiment was interrupted; what is done is kept."
        raise InterruptedRun(what, where=str(folder), hint=f"Go on with: {command}") from error
