"""`punie journal`, `punie dashboard`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from punie.cli.options import Json

Folders = Annotated[
    list[Path] | None,
    typer.Argument(help="Where runs lie. Default: reports, adapters and models, as far as they are here."),
]


def journal(
    folders: Folders = None,
    output: Annotated[Path, typer.Option("--output", help="The page to write.")] = Path("reports/index.html"),
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write the tables into this file too, as Markdown.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List every evaluation, training and comparison: how scores went, what made a run, what changed between two.

    Everything is read from the folders. A file note.txt in a run's folder is shown beside it.
    """
    from punie.cli import console
    from punie.files import write_text
    from punie.report.journal import read_journal
    from punie.report.journal_page import journal_markdown, journal_record, links_from, render_journal
    from punie.workspace import run_folders

    found = read_journal(run_folders(folders))
    write_text(output, render_journal(found, links_from(output)))
    if markdown is not None:
        write_text(markdown, journal_markdown(found, links_from(markdown)))
    if as_json:
        console.print_json(journal_record(found))
    else:
        console.out.print(str(output))


def dashboard(
    folders: Folders = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the page; 0 takes a free one.")] = 8090,
) -> None:
    """Show the journal, every report, and runs that are under way, in this machine's browser until Ctrl-C.

    It only reads, and answers nobody but this machine.
    """
    from punie.cli import console
    from punie.dashboard.server import dashboard as run
    from punie.workspace import run_folders

    run(run_folders(folders), port, lambda address: console.note(f"Dashboard: {address} (Ctrl-C ends it)"))
