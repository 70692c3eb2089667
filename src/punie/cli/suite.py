"""`punie suite list`, `show`, `check`, `import`: what is asked, and whether the graders are sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from punie.cli.options import Json, UnsafeNoSandbox

if TYPE_CHECKING:
    from punie.evaluation.imports import Imported
    from punie.evaluation.suite import Case, Suite

app = typer.Typer(name="suite", help="List, read, check and import suites.", no_args_is_help=True)

SuiteName = Annotated[
    str,
    typer.Argument(help="A built-in suite by name, or a .yaml or .jsonl file.", show_default=False),
]
_REASONS_SHOWN = 10


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Name the built-in suites, and say how many cases they have."""
    from punie.cli import console
    from punie.evaluation.suite import built_in, load_suite, outline

    if as_json:
        console.print_json({"suites": [suite_facts(load_suite(name)) for name in built_in()]})
        return
    suites = [outline(name) for name in built_in()]
    counts = [(sum(suite.halves.values()), suite.halves["dev"], suite.halves["test"]) for suite in suites]
    rows = [(suite.name, *map(str, count)) for suite, count in zip(suites, counts, strict=True)]
    console.print_table(["suite", "cases", "dev", "test"], rows)
    for suite in suites:
        console.print_section(suite.name, suite.description)


@app.command()
def show(
    suite: SuiteName,
    case: Annotated[str | None, typer.Argument(help="The id of a case; the first one by default.")] = None,
    as_json: Json = False,
) -> None:
    """Print one case: what will be asked, and what would be right."""
    from punie.cli import console
    from punie.evaluation.suite import case_row, find_case, load_suite

    loaded = load_suite(suite)
    chosen = find_case(loaded, case)
    if as_json:
        console.print_json(case_row(chosen))
        return
    console.print_section(f"{loaded.name}: {chosen.id}", f"{chosen.category}, {chosen.half} half")
    _show_case(chosen)


@app.command()
def check(suite: SuiteName, unsafe_no_sandbox: UnsafeNoSandbox = False, as_json: Json = False) -> None:
    """Judge every reference answer, which must score 1, and every known-bad answer, which must score 0.

    `punie eval` does the same before it asks a model.
    """
    from punie.cli import console
    from punie.cli.live import Live
    from punie.evaluation.scorers import choose_code_execution
    from punie.evaluation.selfcheck import check_suite
    from punie.evaluation.suite import load_suite

    loaded = load_suite(suite)
    execution = choose_code_execution(loaded.cases, unsafe=unsafe_no_sandbox)
    with Live() as live:
        live.begin("checking")
        checked = check_suite(loaded, execution)
    if as_json:
        console.print_json({**suite_facts(loaded), **checked.model_dump(), "code_execution": execution})
        return
    show_categories(loaded)
    console.print_facts({"reference answers right": checked.references, "known-bad answers wrong": checked.known_bad})


@app.command("import")
def import_(
    format: Annotated[str, typer.Argument(help="humaneval, mbpp, bfcl or chat.", show_default=False)],
    files: Annotated[
        list[Path],
        typer.Argument(help="JSON lines, a JSON list, either gzipped, or Parquet.", show_default=False),
    ],
    output: Annotated[Path, typer.Option("--output", help="The .yaml or .jsonl to write.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Turn a public benchmark, or chats, into a suite, and say what is left out and what cannot be told.

    Of a chat the last answer is the reference.
    """
    from punie.cli import console
    from punie.evaluation.imports import import_suite, weaknesses
    from punie.evaluation.suite_writer import write_suite

    imported = import_suite(format, files, output.stem)
    write_suite(imported.suite, output)
    if as_json:
        left_out = [{"where": gone.where, "reason": gone.reason} for gone in imported.left_out]
        notes = list(weaknesses(imported.suite))
        console.print_json({**suite_facts(imported.suite), "left_out": left_out, "notes": notes})
    else:
        _show_import(imported, output)


def suite_facts(suite: Suite) -> dict[str, Any]:
    """What `--json` says of a suite."""
    from collections import Counter

    return {
        "name": suite.name,
        "description": suite.description,
        "cases": len(suite.cases),
        "dev": _half(suite, "dev"),
        "test": _half(suite, "test"),
        "categories": dict(Counter(case.category for case in suite.cases)),
        "kinds": dict(Counter(case.expect.kind for case in suite.cases)),
        "hash": suite.hash,
    }


def _half(suite: Suite, half: str) -> int:
    return sum(case.half == half for case in suite.cases)


def _show_case(case: Case) -> None:
    import json

    from punie.cli import console
    from punie.data.look.display import row_parts
    from punie.evaluation.suite import case_row, reference_answer

    asked = {"messages": list(case.messages), **({"tools": list(case.tools)} if case.tools else {})}
    for part in row_parts(asked):
        console.print_section(part.label, part.text)
    for turn in case_row(case).get("turns", ()):
        console.print_section("[then]", json.dumps(turn, ensure_ascii=False))
    expect = {key: value for key, value in case_row(case)["expect"].items() if key != "solution"}
    console.print_section("[right]", json.dumps(expect, indent=2, ensure_ascii=False))
    console.print_section("[reference]", reference_answer(case))
    for text in case.known_bad:
        console.print_section("[known bad]", text)
    if case.source or case.licence:
        console.print_section("[from]", ", ".join(filter(None, (case.source, case.licence))))


def show_categories(suite: Suite) -> None:
    from collections import Counter

    from punie.cli import console

    counts = Counter(case.category for case in suite.cases)
    rows = [*counts.items(), ("All", len(suite.cases))]
    console.print_table(["category", "cases"], [(name, str(count)) for name, count in rows])


def _show_import(imported: Imported, output: Path) -> None:
    from punie.cli import console
    from punie.evaluation.imports import weaknesses

    show_categories(imported.suite)
    for gone in imported.left_out[:_REASONS_SHOWN]:
        console.print_line(f"left out: {gone.where}: {gone.reason}")
    if len(imported.left_out) > _REASONS_SHOWN:
        console.print_line(f"left out: {len(imported.left_out) - _REASONS_SHOWN} more")
    for sentence in weaknesses(imported.suite):
        console.note(f"Note: {sentence}")
    console.note(f"Next: punie suite check {output}")
