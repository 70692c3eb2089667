"""`punie push`, and what `punie train --output-repo` does when the run is done."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli.options import Json
from punie.errors import InterruptedRun, PunieError, UsageError

if TYPE_CHECKING:
    from punie.sharing.package import Asked, Packed


def push(
    folder: Annotated[Path, typer.Argument(help="An adapter folder, or the folder of a fused model.")],
    repo: Annotated[str, typer.Option("--repo", help="The repository of the hub: USER/NAME.")],
    evaluation: Annotated[
        list[Path] | None,
        typer.Option(help="An evaluation folder for the card; may be given again. Otherwise those in reports/."),
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--license", help="What you license it under, as the hub writes it: apache-2.0.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Make the repository public; it is private otherwise.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would leave, and upload nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Upload an adapter or a model, with a card made from its own records.

    Paths of this machine are replaced; a file with a secret in it stops the upload. The token is that of
    `hf auth login`, or HF_TOKEN.
    """
    from dataclasses import asdict

    from punie.cli import console
    from punie.sharing.package import Asked, packed
    from punie.sharing.push import push as run

    asked = Asked(folder, repo, evaluation or (), licence)
    if dry_run:
        with packed(asked) as package:
            _show(package, as_json)
        return
    pushed = run(asked, public=public)
    if as_json:
        console.print_json(asdict(pushed))
    else:
        console.print_facts({"repository": pushed.url, "commit": pushed.commit, "private": _yes(pushed.private)})


def _show(package: Packed, as_json: bool) -> None:
    from punie.cli import console
    from punie.report import numbers

    card = (package.root / "README.md").read_text(encoding="utf-8")
    if as_json:
        console.print_json({"kind": package.kind, "files": package.sizes, "card": card})
        return
    console.print_section("README.md", card)
    rows = [(name, numbers.size(size)) for name, size in package.sizes.items()]
    console.print_table(["file", "size"], [*rows, ("all", numbers.size(sum(package.sizes.values())))])


def push_trained(folder: Path, repo: str) -> None:
    """Upload a finished run. Raises UsageError with the command that does it again; the run is kept."""
    from punie.cli import console
    from punie.sharing.package import Asked
    from punie.sharing.push import push as run
    from punie.sharing.push import push_command

    asked = Asked(folder, repo)
    try:
        pushed = run(asked)
    except PunieError as error:
        raise _not_pushed(asked, error, push_command(asked)) from error
    console.note(f"Pushed to {pushed.url}, which is private, as commit {pushed.commit}.")


@contextmanager
def going_to(repo: str) -> Generator[None]:
    """An interrupted run is pushed when it is done, if it goes on as it is told."""
    try:
        yield
    except InterruptedRun as error:
        raise InterruptedRun(error.what, where=error.where, hint=f"{error.hint} --output-repo {repo}") from error


def _not_pushed(asked: Asked, error: PunieError, again: str) -> UsageError:
    return UsageError(
        f"The run is done and kept, and was not pushed: {error.what}",
        where=str(asked.folder),
        hint="\n".join(filter(None, (error.hint, f"Push it with: {again}"))),
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"
