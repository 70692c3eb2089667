"""Every error Punie raises on purpose, named by the boundary that failed.

    PunieError                      1
    ├── UsageError                  2   a command, a plan or a path the user can correct
    ├── DataError                   3   rows that cannot be taught from
    ├── CapacityError               4   memory or disk that is not there
    │   └── SandboxError            4   a jail for untrusted code that is not there
    ├── TrainingError               1   the training child broke
    │   ├── PlanMismatchError       1   a knob did not reach the child
    │   └── DivergedError           5   the loss is not a number any more
    ├── ServerError                 6   the model server broke
    │   └── IdentityError           6   something answers, but not what was asked for
    ├── GateError                   7   a limit the user set was not met
    └── InterruptedRun            130   stopped on request; says how to go on

The number is the exit code of the command line.
"""

from __future__ import annotations


class PunieError(Exception):
    """What is wrong, where, and what to do next: three short strings, the last two optional."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        advice = f"\n{self.hint}" if self.hint else ""
        return f"{self.what}{place}{advice}"


class UsageError(PunieError):
    exit_code = 2


class DataError(PunieError):
    exit_code = 3


class CapacityError(PunieError):
    exit_code = 4


class SandboxError(CapacityError):
    pass


class TrainingError(PunieError):
    pass


class PlanMismatchError(TrainingError):
    pass


class DivergedError(TrainingError):
    exit_code = 5


class ServerError(PunieError):
    exit_code = 6


class IdentityError(ServerError):
    pass


class GateError(PunieError):
    exit_code = 7


class InterruptedRun(PunieError):
    exit_code = 130
