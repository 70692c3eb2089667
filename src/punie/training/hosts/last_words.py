"""Which of several processes broke off, and what it said last: from the log that all of them write into."""

from __future__ import annotations

import os
import re
import signal
import sys
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType

from punie.training.hosts.hostfile import Hosts
from punie.training.hosts.launcher import BEGINNING, FELL

_SAID = re.compile(r"^\[rank (\d+)\] (.+)$", re.MULTILINE)
_LOST = "connection to a peer was lost"
"""What mlx raises in those that another one left."""
_ENDED = {-signal.SIGTERM, 128 + signal.SIGTERM}
"""How those leave that mlx.launch ends."""


@dataclass(frozen=True, slots=True)
class Fallen:
    """The process that broke off first, with the code it left and its own last words, which may be none."""

    rank: int
    code: int
    words: str

    def explained(self, hosts: Hosts) -> str:
        said = f"it said: {self.words}" if self.words else "it said nothing"
        return f"{hosts.name(self.rank)} broke off ({_how(self.code)}); {said}. All the others were ended, too."


def sign_last_words() -> None:
    """Have an error that ends this process carry its rank, where it is one of several."""
    if (rank := os.environ.get("MLX_RANK")) is not None:
        sys.excepthook = partial(_speak, rank)


def first_fallen(log: Path) -> Fallen | None:
    """Of the last start in this log; None where none broke off, or mlx.launch did not say so."""
    text = log.read_text(errors="replace").rpartition(BEGINNING)[2] if log.is_file() else ""
    said = {int(rank): words for rank, words in _SAID.findall(text)}
    fallen = [Fallen(int(rank), int(code), said.get(int(rank), "")) for rank, code in FELL.findall(text)]
    by_themselves = [one for one in fallen if one.code not in _ENDED and _LOST not in one.words]
    return next(iter(by_themselves or fallen), None)


def _speak(rank: str, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.__excepthook__(kind, error, trace)
    words = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    print(f"[rank {rank}] {words}", file=sys.stderr, flush=True)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    killed = ", often for want of memory" if -code == signal.SIGKILL else ""
    return f"signal {signal.Signals(-code).name}{killed}"
