"""Options that several commands share, spelt once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output, and nothing else.")]
Model = Annotated[
    str, typer.Option("--model", help="A model folder, a hub name like org/model, or tiny for the embedded model.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything that is drawn.")]
AdapterOption = Annotated[
    Path | None, typer.Option("--adapter", "--adapter-path", help="An adapter folder, as training leaves it.")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the model server; 0 takes a free one.")]
UnsafeNoSandbox = Annotated[
    bool,
    typer.Option(
        "--unsafe-no-sandbox",
        help="Run code that nobody trusts in a child process with limits but without a jail, and mark the result.",
    ),
]


def read_concurrency(given: str) -> int | None:
    """A number, or None for auto. Raises typer.BadParameter."""
    if given == "auto":
        return None
    if not given.isdecimal() or int(given) < 1:
        raise typer.BadParameter(f"{given!r} is neither auto nor a number from 1 on.", param_hint="--concurrency")
    return int(given)
