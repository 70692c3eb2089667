"""`punie dataset download`, `import` and `verify`: rows from elsewhere, and whether their solutions are right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli.dataset.group import app
from punie.cli.options import Json, UnsafeNoSandbox

if TYPE_CHECKING:
    from punie.data.dataset import Manifest
    from punie.data.fetch.download import Asked

Output = Annotated[Path, typer.Option("--output", help="The dataset folder to make.", show_default=False)]


@app.command()
def download(
    name: Annotated[
        str, typer.Argument(help="sample or tiny (embedded), a shortcut such as humaneval, or a hub dataset: org/name.")
    ],
    output: Annotated[Path | None, typer.Option("--output", help="The folder to make; data/NAME by default.")] = None,
    maximum: Annotated[int, typer.Option("--max", min=1, help="How many examples, over all splits.")] = 1000,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Seed of an embedded dataset; 0 by default.")
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="A split of the hub dataset, or CONFIGURATION/SPLIT; becomes train.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="Which hub columns to use: prompt=instruction,completion=output.")
    ] = None,
    revision: Annotated[
        str | None, typer.Option("--revision", help="Branch, tag or commit of the hub dataset.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write an embedded dataset, or rows of one on the hub, as a dataset folder."""
    from punie.data.fetch.download import Asked
    from punie.data.fetch.importers.columns import parse_columns
    from punie.errors import UsageError
    from punie.generate.sample import EMBEDDED

    folder = output or Path("data") / name.rpartition("/")[2]
    if name in EMBEDDED:
        if split or columns or revision:
            raise UsageError(f"--split, --columns and --revision are for hub datasets; {name} is embedded.")
        manifest = EMBEDDED[name](folder, maximum, seed or 0)
    else:
        if seed is not None:
            raise UsageError("--seed is for embedded datasets; rows of a hub dataset come in their own order.")
        chosen = parse_columns(columns) if columns else {}
        manifest = _downloaded(Asked(name, maximum, split, chosen, revision), folder)
    _show(manifest, folder, as_json)


@app.command("import")
def import_(
    format: Annotated[
        str,
        typer.Argument(help="alpaca, bfcl, glaive, humaneval, kodcode, mbpp, openai, sharegpt or strandset."),
    ],
    file: Annotated[Path, typer.Argument(help="JSON lines, a JSON list, either gzipped, or Parquet.")],
    output: Output,
    as_json: Json = False,
) -> None:
    """Turn a file of another format into a dataset; removed.jsonl names each row that cannot be."""
    from punie.cli.live import Live
    from punie.data.fetch.importers.formats import import_

    with Live() as live:
        live.begin("importing")
        manifest = import_(format, file, output, progress=live.step)
    _show(manifest, output, as_json)


@app.command()
def verify(
    source: Annotated[Path, typer.Argument(help="A dataset folder, or one .jsonl file.")],
    output: Output,
    unsafe_no_sandbox: UnsafeNoSandbox = False,
    as_json: Json = False,
) -> None:
    """Run each row's solution against its tests; keep the rows that pass, and name the failing assert of the others."""
    from punie.cli import console
    from punie.cli.live import Live
    from punie.data.fetch.verify import verify

    with Live() as live:
        live.begin("verifying")
        verification = verify(source, output, unsafe_no_sandbox=unsafe_no_sandbox, progress=live.step)
    checks = {"outside": verification.outside, "in_process": verification.in_process}
    if as_json:
        console.print_json({**verification.manifest.model_dump(), "checks": checks})
        return
    _show(verification.manifest, output, as_json)
    console.note(
        f"Checks decided outside the code's own process: {verification.outside}, in it: {checks['in_process']}"
    )


def _downloaded(asked: Asked, folder: Path) -> Manifest:
    from punie.cli.live import Live
    from punie.data.fetch.download import download

    with Live() as live:
        live.begin("downloading")
        return download(asked, folder, live.step)


def _show(manifest: Manifest, folder: Path, as_json: bool) -> None:
    from punie.cli import console

    if as_json:
        console.print_json(manifest.model_dump())
        return
    console.print_table(["split", "rows"], [(split, str(count)) for split, count in manifest.counts.items()])
    if manifest.removed:
        console.print_table(["removed", "rows"], [(rule, str(count)) for rule, count in manifest.removed.items()])
        console.note(f"Why each row is gone: {folder / 'removed.jsonl'}")
    console.note(f"Next: punie dataset validate {folder}")
