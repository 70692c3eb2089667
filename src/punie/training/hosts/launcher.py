"""The child that keeps `mlx.launch`: `python -m punie.child punie.training.hosts.launcher HOSTS PORT MODULE [ARG ...]`.

SIGTERM is ignored here and in all that is started from here, until a trainer takes it for itself: those of this machine
hear it, and all of them stop together after the same step. `mlx.launch` ends the others when one breaks off, but waits
for ever where such a one does not end; so this process does not wait for it, and its owner ends the whole group.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer

from punie.process import mlx_environment

BEGINNING = "mlx.launch starts the processes."
"""The line of the log behind which the words of this start stand."""

FELL = re.compile(r"Node with rank (\d+) exited with code (-?\d+)")
"""As mlx.launch says it."""

_GRACE_SECONDS = 10.0
"""For the others to end by themselves, and for their last words."""


def main() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hosts, port, *command = sys.argv[1:]
    print(BEGINNING, flush=True)
    launch = [str(Path(sys.executable).parent / "mlx.launch"), "--hostfile", hosts, "--starting-port", port]
    # Everything else of the environment stays on this machine; these are what a computing process needs anywhere.
    needed = [word for name in mlx_environment({}) for word in ("--env", f"{name}={os.environ[name]}")]
    worker = [*launch, *needed, "--", sys.executable, "-m", *command]
    with subprocess.Popen(
        worker, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None, "it is a pipe"
        for line in process.stdout:
            print(line, end="", flush=True)
            if FELL.search(line):
                _leave_in(_GRACE_SECONDS)


def _leave_in(seconds: float) -> None:
    timer = Timer(seconds, os._exit, [1])
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    main()
