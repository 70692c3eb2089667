"""`punie dataset filter`, `merge` and `build`: rows chosen, joined, and made again from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from punie.cli.dataset.group import app
from punie.cli.options import Json, Seed

if TYPE_CHECKING:
    from punie.data.choose.curate import Selection

Source = Annotated[Path, typer.Argument(help="A dataset folder, or one .jsonl file.", show_default=False)]
Output = Annotated[Path, typer.Option("--output", help="The dataset folder to make.", show_default=False)]
Name = Annotated[str | None, typer.Option("--name", help="What the result is called; the output's name by default.")]


@app.command("filter")
def filter_(
    source: Source,
    output: Output,
    name: Name = None,
    min_messages: Annotated[int | None, typer.Option("--min-messages", min=1, help="Messages a row has.")] = None,
    last_role: Annotated[str | None, typer.Option("--last-role", help="Who speaks last: assistant, tool ...")] = None,
    min_chars: Annotated[int | None, typer.Option("--min-chars", min=1, help="Characters of all contents.")] = None,
    category: Annotated[list[str] | None, typer.Option("--category", help="One of these; may be repeated.")] = None,
    difficulty: Annotated[list[str] | None, typer.Option("--difficulty", help="One of these; may be repeated.")] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", help="FIELD=VALUE, such as metadata.licence=mit; all must hold.")
    ] = None,
    script: Annotated[str | None, typer.Option("--script", help="latin: no text in another script. Very fast.")] = None,
    secrets: Annotated[bool, typer.Option("--secrets", help="Drop rows that hold a key or a token.")] = False,
    python: Annotated[int | None, typer.Option("--python", help="3: drop rows with Python 2 code.")] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="What people speak: en, de ... Code is code.")
    ] = None,
    require_code_parses: Annotated[
        bool, typer.Option("--require-code-parses", help="Drop rows with Python code that does not parse.")
    ] = False,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Tokens of what a row says, as stats counts them.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="The model whose tokens --max-tokens counts.")] = None,
    drop_invalid: Annotated[
        bool, typer.Option("--drop-invalid", help="Drop rows that cannot be taught from, instead of stopping there.")
    ] = False,
    processes: Annotated[int, typer.Option("--processes", min=1, max=64, help="Processes that read.")] = 1,
    as_json: Json = False,
) -> None:
    """Keep the rows that pass every rule, byte for byte; removed.jsonl names every other row with the reason."""
    from punie.cli.live import Live
    from punie.data.choose.curate import filter_
    from punie.data.choose.rules import make_rules
    from punie.errors import UsageError

    given = {
        "min_messages": min_messages,
        "last_role": last_role,
        "min_chars": min_chars,
        "category": category,
        "difficulty": difficulty,
        "where": _fields(where),
        "script": script,
        "secrets": secrets,
        "python": python,
        "language": language,
        "require_code_parses": require_code_parses,
        "max_tokens": _token_limit(max_tokens, model),
    }
    rules = make_rules([(rule, argument) for rule, argument in given.items() if argument])
    if not rules and not drop_invalid:
        raise UsageError("There is no rule to filter by.", hint="Give at least one, for example --min-messages 3.")
    with Live() as live:
        selection = filter_(
            source,
            output,
            rules,
            name=name,
            drop_invalid=drop_invalid,
            processes=processes,
            progress=live.step,
        )
    _show_selection(selection, output, as_json)


def _show_selection(selection: Selection, output: Path, as_json: bool) -> None:
    from punie.cli import console

    tallies = selection.tallies
    if as_json:
        splits = {
            split: {"rows": tally.rows, "kept": tally.kept, "removed": dict(tally.removed)}
            for split, tally in tallies.items()
        }
        console.print_json(
            {
                "output": str(output),
                "rows": selection.rows,
                "kept": selection.kept,
                "removed": selection.manifest.removed,
                "splits": splits,
                "fingerprint": selection.manifest.fingerprint,
            }
        )
        return
    rows = [("rows", [tally.rows for tally in tallies.values()])]
    rows += [(f"- {rule}", [tally.removed[rule] for tally in tallies.values()]) for rule in selection.manifest.removed]
    rows += [("kept", [tally.kept for tally in tallies.values()])]
    table = [
        (label, *map(str, counts), str(sum(counts)), _share(sum(counts), selection.rows)) for label, counts in rows
    ]
    console.print_table(["", *tallies, "all", "share"], table)
    if selection.rows > selection.kept:
        console.note(f"Why each row is gone: {output / 'removed.jsonl'}")


def _share(count: int, rows: int) -> str:
    return f"{100 * count / rows:.1f} %" if rows else "-"


def _fields(given: list[str] | None) -> dict[str, Any]:
    pairs = [text.partition("=") for text in given or []]
    for field, equals, _ in pairs:
        if not equals or not field:
            raise typer.BadParameter("needs FIELD=VALUE, for example metadata.licence=mit", param_hint="--where")
    return {field: value for field, _, value in pairs}


def _token_limit(limit: int | None, model: str | None) -> dict[str, Any] | None:
    if (limit is None) != (model is None):
        raise typer.BadParameter("--max-tokens and --model go together", param_hint="--max-tokens")
    return None if limit is None else {"limit": limit, "model": model}


@app.command()
def merge(
    sources: Annotated[list[Path], typer.Argument(help="Dataset folders or .jsonl files.", show_default=False)],
    output: Output,
    name: Name = None,
    weight: Annotated[
        list[str] | None, typer.Option("--weight", help="SOURCE=SHARE, such as a=0.5: that share of its rows.")
    ] = None,
    cap: Annotated[
        list[str] | None, typer.Option("--cap", help="SOURCE=ROWS, such as a=1000: at most so many.")
    ] = None,
    category_weight: Annotated[
        list[str] | None, typer.Option("--category-weight", help="CATEGORY=SHARE, over all sources.")
    ] = None,
    category_cap: Annotated[
        list[str] | None, typer.Option("--category-cap", help="CATEGORY=ROWS, over all sources.")
    ] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Join datasets split by split: every text once, nothing of a test split in train, each row's origin beside it."""
    from punie.cli import console
    from punie.cli.live import Live
    from punie.data.choose.merge import Mixture, merge

    mixture = Mixture(
        weights=_numbers(weight, "--weight", float),
        caps=_numbers(cap, "--cap", int),
        category_weights=_numbers(category_weight, "--category-weight", float),
        category_caps=_numbers(category_cap, "--category-cap", int),
        seed=seed,
    )
    with Live() as live:
        live.begin("reading")
        merging = merge(sources, output, name=name, mixture=mixture, progress=live.step)
    manifest = merging.manifest
    if as_json:
        rows = {label: {"rows": rows, "kept": merging.kept[label]} for label, rows in merging.rows.items()}
        facts = {"counts": manifest.counts, "removed": manifest.removed, "fingerprint": manifest.fingerprint}
        console.print_json({"output": str(output), "sources": rows, **facts})
        return
    rows = [(label, str(count), str(merging.kept[label])) for label, count in merging.rows.items()]
    console.print_table(["source", "rows", "kept"], rows)
    console.print_table(["split", "rows"], [(split, str(count)) for split, count in manifest.counts.items()])
    if manifest.removed:
        console.print_table(["removed by", "rows"], [(rule, str(count)) for rule, count in manifest.removed.items()])


def _numbers(given: list[str] | None, option: str, kind: type[float] | type[int]) -> dict[str, Any]:
    numbers = {}
    for text in given or []:
        label, _, number = text.rpartition("=")
        try:
            numbers[label] = kind(number)
        except ValueError as error:
            raise typer.BadParameter(f"needs NAME=NUMBER, not {text!r}", param_hint=option) from error
        if not label:
            raise typer.BadParameter(f"needs NAME=NUMBER, not {text!r}", param_hint=option)
    return numbers


@app.command()
def build(
    recipe: Annotated[Path, typer.Argument(help="A YAML file: sources, rules, dedup, split ...", show_default=False)],
    output: Output,
    as_json: Json = False,
) -> None:
    """Make a dataset from a recipe; recipe.lock.json beside it says what was used. Same inputs, same bytes."""
    from punie.cli import console
    from punie.cli.live import Live
    from punie.data.choose.build import build
    from punie.data.choose.recipe import read_recipe

    with Live() as live:
        live.begin("reading")
        made = build(read_recipe(recipe), output, live.step)
    manifest = made.manifest
    if as_json:
        facts = {"counts": manifest.counts, "removed": manifest.removed, "fingerprint": manifest.fingerprint}
        console.print_json({"output": str(output), "stages": dict(made.stages), **facts})
        return
    console.print_table(["stage", "rows left"], [(name, str(rows)) for name, rows in made.stages.items()])
    console.print_table(["split", "rows"], [(split, str(count)) for split, count in manifest.counts.items()])
    if manifest.removed:
        console.print_table(["removed by", "rows"], [(rule, str(count)) for rule, count in manifest.removed.items()])
