"""The command line in this process: arguments in, exit code and both streams out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from punie.cli import main


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


Punie = Callable[..., Ended]


def command_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Punie:
    """Runs `punie ARGUMENTS` in the present folder."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr("sys.argv", ["punie", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        streams = capfd.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, streams.out, streams.err)

    return run
