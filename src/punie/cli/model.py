"""`punie model list`, `info`, `download`: the models and adapters on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from punie.cli.options import Json

app = typer.Typer(name="model", help="List, describe and download models and adapters.", no_args_is_help=True)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List models and adapters by the time that is recorded of them, the newest first."""
    from punie.cli import console
    from punie.report import numbers
    from punie.sharing.shelf import shelf

    found = shelf()
    if as_json:
        rows = [
            {"kind": one.kind, "name": one.name, "state": one.state, "bytes": one.size}
            | {"recorded": one.recorded.isoformat()}
            for one in found
        ]
        console.print_json({"models": rows})
        return
    table = [(o.name, o.kind, f"{o.recorded:%Y-%m-%d %H:%M}", numbers.size(o.size), o.state) for o in found]
    console.print_table(["name", "kind", "recorded (UTC)", "size", "state"], table)


@app.command()
def info(
    name: Annotated[str, typer.Argument(help="An adapter folder, a model folder, a hub name, or tiny.")],
    as_json: Json = False,
) -> None:
    """Show a model's shape, parameters and quantisation, or the record of an adapter's training."""
    from punie.cli import console
    from punie.sharing.about import about_model
    from punie.training.adapter import AdapterFolder
    from punie.training.outcome import read_outcome
    from punie.workspace import resolve_model

    folder = Path(name)
    facts = (
        read_outcome(folder).model_dump() if AdapterFolder(folder).run.is_dir() else about_model(resolve_model(name))
    )
    if as_json:
        console.print_json(facts)
    else:
        console.print_facts({key: f"{value:,}" if type(value) is int else value for key, value in facts.items()})


@app.command()
def download(
    repository: Annotated[str, typer.Argument(help="A repository of the hub: org/name.")],
    revision: Annotated[str | None, typer.Option(help="A commit, tag or branch; main by default.")] = None,
    as_json: Json = False,
) -> None:
    """Fetch a model or an adapter at one commit, if the disk has room; the same command goes on after a break."""
    from punie.cli import console
    from punie.sharing.download import download as run

    done = run(repository, revision)
    facts = {"repository": done.repository, "commit": done.commit, "folder": str(done.folder)}
    if as_json:
        console.print_json(facts)
    else:
        console.print_facts(facts)
