"""`punie dataset dedup`, `split` and `decontaminate`: no row twice, none on both sides, none of the exam's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from punie.cli.dataset.group import app
from punie.cli.options import Json, Seed

if TYPE_CHECKING:
    from punie.data.compare.contamination import Decontamination, Hits
    from punie.data.compare.dedup import Deduplication
    from punie.data.compare.items import Benchmark
    from punie.data.compare.split import Fit, Splitting

Source = Annotated[Path, typer.Argument(help="A dataset folder, or one .jsonl file.", show_default=False)]
Output = Annotated[Path, typer.Option("--output", help="The dataset folder to make.", show_default=False)]


@app.command()
def dedup(
    source: Source,
    output: Output,
    exact_only: Annotated[bool, typer.Option("--exact-only", help="Look for equal texts alone.")] = False,
    threshold: Annotated[
        float, typer.Option("--threshold", min=0.1, max=1, help="Jaccard similarity that makes a near duplicate.")
    ] = 0.8,
    allow_share: Annotated[
        float, typer.Option("--allow-share", min=0, max=100, help="Percent of one source that may be removed.")
    ] = 20.0,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Keep one of each: equal texts, and near duplicates whose similarity was measured. What is in test stays there."""
    from punie.cli.live import Live
    from punie.data.compare.dedup import dedup

    with Live() as live:
        live.begin("comparing")
        result = dedup(
            source,
            output,
            exact_only=exact_only,
            threshold=threshold,
            seed=seed,
            allow_share=allow_share,
            progress=live.step,
        )
    _show_dedup(result, as_json)


def _show_dedup(result: Deduplication, as_json: bool) -> None:
    from punie.cli import console

    if as_json:
        shares = {source: {"rows": share.rows, "removed": share.removed} for source, share in result.shares.items()}
        console.print_json({"dataset": result.manifest.model_dump(), "sources": shares})
        return
    _show_counts(result.manifest.counts, result.manifest.removed)
    rows = [
        (name, str(share.rows), str(share.removed), f"{share.percent:.1f} %") for name, share in result.shares.items()
    ]
    console.print_table(["source", "rows", "removed", "share"], rows)


@app.command()
def split(
    source: Source,
    output: Output,
    test: Annotated[float, typer.Option("--test", min=0, max=99, help="Percent for test.")] = 10.0,
    valid: Annotated[float, typer.Option("--valid", min=0, max=99, help="Percent for valid.")] = 10.0,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Divide rows so that what belongs together stays together, and more rows later move no old one."""
    from punie.cli.live import Live
    from punie.data.compare.split import split

    with Live() as live:
        live.begin("comparing")
        result = split(source, output, test=test, valid=valid, seed=seed, progress=live.step)
    _show_split(result, as_json)


def _show_split(result: Splitting, as_json: bool) -> None:
    from dataclasses import asdict

    from punie.cli import console
    from punie.data.compare.split import LEAK

    strata = [(_stratum(stratum), counts) for stratum, counts in result.strata.items()]
    fits = [{side: result.fit(stratum, side) for side in ("valid", "test")} for stratum in result.strata]
    leakage = result.leakage
    if as_json:
        clusters = {"count": result.clusters, "largest": result.largest_cluster}
        shown = {"largest": leakage.largest, "pair": leakage.pair, "pairs_above": leakage.pairs_above, "limit": LEAK}
        value = {"dataset": result.manifest.model_dump(), "clusters": clusters, "strata": dict(strata)}
        value["fit"] = {
            name: {side: asdict(fit) for side, fit in both.items()}
            for (name, _), both in zip(strata, fits, strict=True)
        }
        console.print_json({**value, "train_to_test": shown})
        return
    _show_counts(result.manifest.counts, {})
    splits = ("train", "valid", "test")
    rows = [
        (name, *(str(counts.get(side, 0)) for side in splits), *map(_spell_fit, both.values()))
        for (name, counts), both in zip(strata, fits, strict=True)
    ]
    console.print_table(["clusters of", *splits, "% valid (asked)", "% test (asked)"], rows)
    facts = {
        "clusters": f"{result.clusters}, the largest of {result.largest_cluster} rows",
        "most alike": f"{leakage.largest:.2f}" + (f"  {leakage.pair[0]} and {leakage.pair[1]}" if leakage.pair else ""),
        f"pairs at {LEAK} or more": f"{leakage.pairs_above} between train and test",
    }
    console.print_facts(facts)


def _spell_fit(fit: Fit) -> str:
    return f"{fit.share:.1f} ({fit.asked:g} ± {fit.deviation:.1f})"


def _stratum(stratum: tuple[str | None, str | None]) -> str:
    return ", ".join(filter(None, stratum)) or "all"


@app.command()
def decontaminate(
    source: Source,
    output: Output,
    against: Annotated[
        list[str],
        typer.Option(
            "--against",
            help="A benchmark's .jsonl or .jsonl.gz, a dataset folder, a suite's .yaml, or a built-in suite's name; "
            "may be repeated.",
            show_default=False,
        ),
    ],
    as_json: Json = False,
) -> None:
    """Remove rows of train and valid that hold a task of a benchmark, each with the evidence in removed.jsonl."""
    from punie.cli.live import Live
    from punie.data.compare.contamination import decontaminate

    benchmarks = [named_benchmark(name) for name in against]
    with Live() as live:
        live.begin("looking for tasks")
        result = decontaminate(source, output, against=benchmarks, progress=live.step)
    _show_decontamination(result, output, as_json)


def named_benchmark(name: str) -> Benchmark:
    """Cases that a suite draws are known to the suite alone, so suites are loaded as suites."""
    from punie.data.compare.items import Benchmark, read_benchmark
    from punie.evaluation.suite import load_suite

    path = Path(name)
    if path.exists() and path.suffix not in {".yaml", ".yml"}:
        return read_benchmark(path)
    suite = load_suite(name)
    return Benchmark.of(suite.name, [case.model_dump(mode="json") for case in suite.cases])


def _show_decontamination(result: Decontamination, output: Path, as_json: bool) -> None:
    from dataclasses import asdict

    from punie.cli import console
    from punie.data.ledger import SUSPECTS

    testable = {name: asdict(facts) for name, facts in result.testable.items()}
    if as_json:
        removed, suspect = _hits(result.removed), _hits(result.suspect)
        value = {"dataset": result.manifest.model_dump(), "removed": removed, "suspect": suspect}
        console.print_json({**value, "benchmarks": testable})
        return
    _show_counts(result.manifest.counts, result.manifest.removed)
    hits = [("removed", hit) for hit in _hits(result.removed)] + [("suspect", hit) for hit in _hits(result.suspect)]
    rows = [(hit["source"], hit["benchmark"], hit["rule"], verdict, str(hit["rows"])) for verdict, hit in hits]
    console.print_table(["source", "benchmark", "rule", "verdict", "rows"], rows)
    columns = ["benchmark", "tasks", "short prompts", "short solutions", "untestable"]
    console.print_table(columns, [(name, *map(str, facts.values())) for name, facts in testable.items()])
    if result.suspect:
        console.note(f"Rows to look at: {output / SUSPECTS}")


def _hits(hits: Hits) -> list[dict[str, Any]]:
    keys = ("source", "benchmark", "rule", "rows")
    return [dict(zip(keys, (*hit, rows), strict=True)) for hit, rows in sorted(hits.items())]


def _show_counts(counts: Mapping[str, int], removed: Mapping[str, int]) -> None:
    from punie.cli import console

    rows = [(f"kept in {split}", str(count)) for split, count in counts.items()]
    console.print_table(["", "rows"], [*rows, *((f"removed: {rule}", str(count)) for rule, count in removed.items())])
