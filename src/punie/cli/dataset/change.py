"""`punie dataset map`: rows changed by a named transform."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from punie.cli.dataset.group import app
from punie.cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from punie.data.choose.transforms import Preview


@app.command("map")
def map_(
    source: Annotated[Path, typer.Argument(help="A dataset folder, or one .jsonl file.", show_default=False)],
    transform: Annotated[
        str,
        typer.Argument(help="rename-role, strip-preamble, tool-format, add-system or drop-field.", show_default=False),
    ],
    argument: Annotated[
        str,
        typer.Argument(
            help="FROM=TO, nothing, a family (json, xml, mistral, pythonic, llama), TEXT or NAME.", show_default=False
        ),
    ] = "",
    output: Annotated[Path | None, typer.Option("--output", help="The dataset folder to make.")] = None,
    dry_run: Annotated[
        int | None, typer.Option("--dry-run", min=0, help="Show this many rows before and after; write nothing.")
    ] = None,
    expect: Annotated[int | None, typer.Option("--expect", min=0, help="Refuse unless so many rows change.")] = None,
    as_json: Json = False,
) -> None:
    """Change rows by a named transform; rows it does not change keep their bytes."""
    from punie.cli import console
    from punie.cli.live import Live
    from punie.data.choose.transforms import find_transform, map_, preview, require_expected

    chosen = find_transform(transform, argument)
    if (output is None) == (dry_run is None):
        raise typer.BadParameter("give either --output or --dry-run", param_hint="--output")
    if output is None:
        with Live() as live:
            live.begin("looking")
            found = preview(source, chosen, dry_run or 0, live.step)
        _show_preview(found, as_json)
        if expect is not None:
            require_expected(found.changed, expect)
        return
    with Live() as live:
        live.begin("changing")
        manifest = map_(source, output, chosen, expect, live.step)
    if as_json:
        console.print_json(manifest.model_dump())
    else:
        rows = sum(manifest.counts.values())
        console.print_facts({"rows": f"{rows:,}", "changed": f"{manifest.recipe['changed']:,}", "output": output})


def _show_preview(found: Preview, as_json: bool) -> None:
    from punie.cli import console

    if as_json:
        console.print_json(
            {"rows": found.rows, "changed": found.changed, "examples": list(map(asdict, found.examples))}
        )
        return
    for example in found.examples:
        console.print_section(example.where, "\n".join(_changes(example.before, example.after)))
    console.print_facts({"rows": f"{found.rows:,}", "would change": f"{found.changed:,}"})


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Removed and added lines of the two rows as indented JSON, with a line around each."""
    old, new = (json.dumps(row, indent=2, ensure_ascii=False).splitlines() for row in (before, after))
    return (line for line in list(difflib.unified_diff(old, new, n=1, lineterm=""))[2:] if not line.startswith("@@"))
