"""The group that every dataset command joins."""

from __future__ import annotations

import typer

app = typer.Typer(name="dataset", help="Rows to teach from.", rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def dataset() -> None:
    """Rows to teach from: get them, check them, choose among them."""
