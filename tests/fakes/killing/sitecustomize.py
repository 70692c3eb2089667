"""Sends a signal at a chosen moment. Python loads it at start when this folder is on PYTHONPATH.

HIT_IN names the process that watches by a piece of its command line. HIT_AT says when: "EVENT PIECE COUNT" is the
COUNT-th audit event EVENT one of whose arguments contains PIECE; audit events come before the operating system is
asked. HIT_WITH names the signal, HIT_WHOM who gets it: the watcher itself, its parent, or the groups of both.
"""

from __future__ import annotations

import os
import signal
import sys


def hit() -> None:
    number = getattr(signal, os.environ["HIT_WITH"])
    match os.environ["HIT_WHOM"]:
        case "self":
            os.kill(os.getpid(), number)
        case "parent":
            os.kill(os.getppid(), number)
        case "groups":
            os.killpg(os.getpgid(os.getppid()), number)
            os.killpg(os.getpgrp(), number)


def arm(event: str, piece: str, count: int) -> None:
    seen = 0

    def watch(name: str, arguments: tuple) -> None:
        nonlocal seen
        if name == event and any(piece in str(argument) for argument in arguments):
            seen += 1
            if seen == count:
                hit()

    sys.addaudithook(watch)


if "HIT_IN" in os.environ and os.environ["HIT_IN"] in " ".join(sys.orig_argv):
    event, piece, count = os.environ["HIT_AT"].split()
    arm(event, piece, int(count))
