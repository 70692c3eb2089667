"""Entry of every child process: run a module, and die when the parent does.

    python -m punie.child MODULE [ARGUMENT ...]

The parent holds the other end of standard input and never writes to it. When the parent goes away, however it goes,
the pipe closes and the child ends its whole process group: no model stays in memory behind a dead parent.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def hold_lifeline() -> None:
    """End this process group as soon as standard input closes."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def main() -> None:
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    hold_lifeline()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
