"""`punie dataset stats`, `diff` and `show`: look at rows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli.dataset.group import app
from punie.cli.options import Json

if TYPE_CHECKING:
    from punie.data.look.difference import Difference, Share
    from punie.data.look.stats import Stats
    from punie.data.look.trainer_view import TrainerView
    from punie.data.source import SourceRow

Source = Annotated[Path, typer.Argument(help="A dataset folder, or one .jsonl file.", show_default=False)]
_NAMES_SHOWN = 8


@app.command("stats")
def stats_(
    source: Source,
    model: Annotated[
        str | None, typer.Option("--model", help="Also count tokens, as this model's tokenizer does.")
    ] = None,
    max_seq_length: Annotated[
        int, typer.Option("--max-seq-length", min=2, help="With --model: tokens beyond which training cuts a row.")
    ] = 2048,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="With --model: rows of a training batch.")] = 4,
    html: Annotated[Path | None, typer.Option("--html", help="Also write a page with charts: one file.")] = None,
    as_json: Json = False,
) -> None:
    """Count what a dataset holds: splits, categories, languages, tools, lengths, padding, repeats."""
    from punie.cli import console
    from punie.cli.live import Live
    from punie.data.look.stats import TokenSettings, stats
    from punie.files import write_text
    from punie.report.dataset import dataset_record, render_dataset
    from punie.workspace import resolve_model

    settings = TokenSettings(resolve_model(model), batch_size, max_seq_length) if model else None
    with Live() as live:
        live.begin("counting")
        found = stats(source, settings, live.step)
    if html:
        write_text(html, render_dataset(found))
    if as_json:
        console.print_json(dataset_record(found))
    else:
        _show_stats(found)
        console.note(f"Page: {html}" if html else "A page with charts: --html FILE")


@app.command("diff")
def diff_(
    before: Annotated[Path, typer.Argument(help="A dataset folder, or one .jsonl file.")],
    after: Annotated[Path, typer.Argument(help="Another one.")],
    as_json: Json = False,
) -> None:
    """Say which rows were added, removed or changed, by id and else by content, and how the shares moved."""
    from punie.cli import console
    from punie.cli.live import Live
    from punie.data.look.difference import diff

    with Live() as live:
        live.begin("comparing")
        found = diff(before, after, progress=live.step)
    if as_json:
        console.print_json(asdict(found))
    else:
        _show_difference(found)


@app.command()
def show(
    source: Source,
    index: Annotated[int | None, typer.Option("--index", min=1, help="The row's line, counted from 1.")] = None,
    identity: Annotated[str | None, typer.Option("--id", help="The row's id.")] = None,
    split: Annotated[str, typer.Option("--split", help="train, valid or test.")] = "train",
    model: Annotated[str | None, typer.Option("--model", help="Show it as this model's trainer will see it.")] = None,
    mask_prompt: Annotated[
        bool, typer.Option("--mask-prompt", help="With --model: as when only the last answer is learned.")
    ] = False,
    max_seq_length: Annotated[
        int, typer.Option("--max-seq-length", min=2, help="With --model: tokens beyond which training cuts a row.")
    ] = 2048,
    as_json: Json = False,
) -> None:
    """Print one row: who says what, which tools are declared and called, and every other field."""
    from msgspec import to_builtins

    from punie.cli import console
    from punie.data.ledger import row_hash
    from punie.data.look.display import row_parts, show

    if index is not None and identity is not None:
        raise typer.BadParameter("give a line or an id, not both", param_hint="--id")
    row = show(source, split, index, identity)
    view = _view(row, model, mask_prompt, max_seq_length) if model else None
    if as_json:
        pieces = {"pieces": to_builtins(view.pieces)} if view else {}
        console.print_json(
            {"where": row.where, "split": row.split, "hash": row_hash(row.raw), "row": row.row, **pieces}
        )
        return
    if view:
        _show_view(view, row.where)
        return
    console.print_section(row.where, "")
    for part in row_parts(row.row):
        console.print_section(part.label, part.text)


def _view(row: SourceRow, model: str, mask_prompt: bool, max_seq_length: int) -> TrainerView:
    from punie.data.look.trainer_view import view_row
    from punie.data.schema import row_problem
    from punie.errors import DataError
    from punie.workspace import resolve_model

    if (problem := row_problem(row.row)) is not None:
        raise DataError(f"This row cannot be taught from: {problem}.", where=row.where)
    return view_row(row, resolve_model(model), mask_prompt=mask_prompt, max_seq_length=max_seq_length)


def _show_view(view: TrainerView, where: str) -> None:
    from punie.cli import console

    console.print_section(where, "")
    for piece in view.pieces:
        console.print_section(f"[{piece.fate}: {piece.tokens:,} token{'' if piece.tokens == 1 else 's'}]", piece.text)
    facts = {fate: f"{view.tokens(fate):,} tokens" for fate in ("learned", "masked", "cut") if view.tokens(fate)}
    console.print_facts(facts)


def _show_stats(stats: Stats) -> None:
    from punie.cli import console
    from punie.report import numbers
    from punie.report.dataset import QUANTILES, cautions, facets
    from punie.report.html import visible

    console.print_table(["split", "rows"], [(split, f"{rows:,}") for split, rows in stats.splits.items()])
    for facet in facets(stats):
        rows = [(visible(row.name), f"{row.rows:,}", numbers.percent(row.share)) for row in facet.rows[:_NAMES_SHOWN]]
        more = facet.others + len(facet.rows) - len(rows)
        console.print_table(
            [facet.title, "rows", "share"], [*rows, *([(f"... {more:,} more", "", "")] if more else [])]
        )
    lengths = {"characters": stats.characters, **({"tokens": stats.tokens.lengths} if stats.tokens else {})}
    columns = ["length in", "mean", *QUANTILES, "longest", "in all"]
    console.print_table(
        columns,
        [
            (
                unit,
                f"{h.mean:,.0f}",
                *(f"{h.quantile(share):,}" for share in QUANTILES.values()),
                f"{h.longest:,}",
                f"{h.total:,}",
            )
            for unit, h in lengths.items()
        ],
    )
    if stats.tokens:
        shares = asdict(stats.tokens.padding)
        batch = shares.pop("batch_size")
        rows = [(name.replace("_", " "), numbers.percent(share)) for name, share in shares.items()]
        console.print_table([f"padding in batches of {batch}", "share"], rows)
    for caution in cautions(stats):
        console.note(f"Note: {caution}")


def _show_difference(found: Difference) -> None:
    from punie.cli import console

    kinds = {
        "changed": found.changed,
        "added": found.added,
        "removed": found.removed,
        "moved to another split": found.moved,
    }
    counts = {"before": found.rows_before, "after": found.rows_after, "same": found.same}
    rows = [*counts.items(), *((kind, rows.count) for kind, rows in kinds.items())]
    console.print_table(["rows", ""], [(kind, f"{count:,}") for kind, count in rows])
    for title, shares in (("split", found.splits), ("category", found.categories)):
        console.print_table([title, "before", "after", "share before", "share after"], map(_share_row, shares))
    for kind, rows in kinds.items():
        for place in rows.places:
            console.print_line(f"{kind}: {place}")
        if rows.count > len(rows.places):
            console.print_line(f"{kind}: ... {rows.count - len(rows.places):,} more")


def _share_row(share: Share) -> tuple[str, ...]:
    from punie.report import numbers
    from punie.report.html import visible

    shares = map(numbers.percent, (share.share_before, share.share_after))
    return (visible(share.name), f"{share.before:,}", f"{share.after:,}", *shares)
