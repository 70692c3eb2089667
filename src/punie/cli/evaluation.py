"""`punie eval`, `compare`, `rescore`, `report`, `serve`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from punie.cli.options import AdapterOption, Json, Model, Port, UnsafeNoSandbox, read_concurrency


class Half(StrEnum):
    DEV = "dev"
    TEST = "test"
    ALL = "all"


RunFolder = Annotated[Path, typer.Argument(help="An evaluation folder, as punie eval leaves it.")]


def evaluate(
    output: Annotated[Path, typer.Option("--output", help="The evaluation folder to make.")],
    model: Model = "tiny",
    adapter: AdapterOption = None,
    suite: Annotated[
        list[str] | None,
        typer.Option("--suite", help="A built-in suite by name, or a file; may be given several times. Default: tiny."),
    ] = None,
    half: Annotated[Half, typer.Option(help="Which cases: dev for choosing, test for reporting, or all.")] = Half.TEST,
    samples: Annotated[int, typer.Option(min=1, max=1000, help="Answers to each case, above temperature 0.")] = 1,
    concurrency: Annotated[
        str, typer.Option(metavar="N|auto", help="Questions under way at once; auto measures once per model.")
    ] = "16",
    temperature: Annotated[float, typer.Option(min=0, help="Sampling temperature; 0 is greedy.")] = 0.0,
    top_p: Annotated[float, typer.Option(min=0.0, max=1.0, help="Nucleus sampling, above temperature 0.")] = 1.0,
    top_k: Annotated[int, typer.Option(min=0, help="Draw among so many tokens; 0 for all of them.")] = 0,
    min_p: Annotated[
        float, typer.Option(min=0, max=1, help="Least probability of a token, as a share of the likeliest one's.")
    ] = 0.0,
    repetition_penalty: Annotated[
        float, typer.Option(min=0, help="Above 1: tokens of late are made less likely, also at temperature 0.")
    ] = 0.0,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Take greedy answers that were given before from the cache.")
    ] = True,
    max_unscored: Annotated[
        float, typer.Option(min=0, max=1, help="Exit code 7 where a larger share of answers could not be judged.")
    ] = 0.05,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Longest answer; the suite's by default.")] = None,
    unsafe_no_sandbox: UnsafeNoSandbox = False,
    allow_noop_adapter: Annotated[
        bool, typer.Option("--allow-noop-adapter", help="Go on when the adapter changes nothing.")
    ] = False,
    port: Port = 0,
    base_url: Annotated[
        list[str] | None,
        typer.Option(
            "--base-url",
            help="A running OpenAI-compatible server; --model is its name there. Several share the cases.",
        ),
    ] = None,
    api_key_env: Annotated[
        str, typer.Option("--api-key-env", help="Environment variable with the key for --base-url.")
    ] = "OPENAI_API_KEY",
    judge_model: Annotated[
        str | None, typer.Option("--judge-model", help="The model that judges cases with a rubric; they are weak.")
    ] = None,
    judge_base_url: Annotated[
        str, typer.Option("--judge-base-url", help="The OpenAI-compatible server of the judge.")
    ] = "https://api.openai.com/v1",
    judge_key_env: Annotated[
        str, typer.Option("--judge-key-env", help="Environment variable with the judge's key.")
    ] = "OPENAI_API_KEY",
    as_json: Json = False,
) -> None:
    """Ask a suite of a model, with or without an adapter, and judge every answer.

    The model server is started, proven to be what was asked for, and stopped. The same command goes on where an
    interrupted one stopped. With --base-url nothing is started, and the report says that nothing is proven.
    """
    import asyncio
    import os

    from punie.cli import console
    from punie.cli.live import Live
    from punie.evaluation.budget import require_judged
    from punie.evaluation.options import EvaluationOptions
    from punie.evaluation.runner import evaluate as run
    from punie.report.pages import write_run_page
    from punie.report.record import summary_record
    from punie.report.summary import summarize
    from punie.serving.endpoint import Endpoint
    from punie.workspace import resolve_model

    endpoints = tuple(Endpoint(url, model, os.environ.get(api_key_env, "")) for url in base_url or ())
    judge = Endpoint(judge_base_url, judge_model, os.environ.get(judge_key_env, "")) if judge_model else None
    options = EvaluationOptions(
        model=None if endpoints else resolve_model(model),
        endpoints=endpoints,
        judge=judge,
        label=model,
        suites=tuple(suite or ["tiny"]),
        output=output,
        adapter=adapter,
        half=half.value,
        samples=samples,
        use_cache=cache,
        concurrency=read_concurrency(concurrency),
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        min_p=min_p,
        repetition_penalty=repetition_penalty,
        max_tokens=max_tokens,
        unsafe_no_sandbox=unsafe_no_sandbox,
        allow_noop_adapter=allow_noop_adapter,
        port=port,
    )
    with Live() as live:
        finished = asyncio.run(run(options, on_trial=live.trial, on_stage=live.stage))
    page = write_run_page(finished, output)
    if as_json:
        console.print_json(summary_record(summarize(finished)))
    else:
        console.show_summary(summarize(finished))
        console.note(f"Page: {page}")
    require_judged(finished, max_unscored)


def compare(
    base: Annotated[Path, typer.Argument(help="The evaluation folder to compare against.")],
    others: Annotated[list[Path], typer.Argument(help="Evaluation folders that may be better.")],
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder of the page or, for several runs, of their pages.")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option("--category", help="Compare only this category; may be given several times.")
    ] = None,
    gate: Annotated[bool, typer.Option("--gate", help="Exit code 7 unless a larger drop is ruled out.")] = False,
    max_drop: Annotated[
        float, typer.Option(min=0, max=100, help="Points of change that do not matter, for the gate and the verdict.")
    ] = 5.0,
    noise: Annotated[
        Path | None, typer.Option("--noise", help="The base evaluated once more, to see how much it changes by itself.")
    ] = None,
    allow_unlike_sampling: Annotated[
        bool, typer.Option("--allow-unlike-sampling", help="Go on where answers were drawn otherwise.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare evaluations with the first one, case by case: intervals, an exact paired test, and a verdict."""
    from punie.cli import console
    from punie.evaluation.runs import read_run
    from punie.report.compare import Terms, compare_all, with_teaching
    from punie.report.gate import require_gate
    from punie.report.pages import write_comparison_pages
    from punie.report.record import comparisons_record

    terms = Terms(max_drop / 100, tuple(category or ()), allow_unlike_sampling)
    runs = [read_run(folder) for folder in others]
    first = read_run(base)
    found = compare_all(first, runs, terms, None if noise is None else read_run(noise))
    comparisons = [with_teaching(comparison, first, run) for comparison, run in zip(found, runs, strict=True)]
    pages = write_comparison_pages(comparisons, output, others[0].parent)
    if as_json:
        console.print_json(comparisons_record(comparisons))
    else:
        console.show_comparisons(comparisons)
        console.note("\n".join(f"Page: {page}" for page in pages))
    if gate:
        require_gate(comparisons)


def rescore(folder: RunFolder, unsafe_no_sandbox: UnsafeNoSandbox = False, as_json: Json = False) -> None:
    """Judge every stored answer again, without a model. Exit code 7 if a judgement or a number comes out otherwise."""
    from dataclasses import asdict

    from punie.cli import console
    from punie.errors import GateError
    from punie.evaluation.runs import read_run
    from punie.evaluation.runs import rescore as again
    from punie.report.record import summary_record
    from punie.report.summary import summarize

    stored = read_run(folder)
    rescored = again(stored, unsafe_no_sandbox=unsafe_no_sandbox)
    summary = summarize(rescored.run)
    if as_json:
        differences = [asdict(difference) for difference in rescored.differences]
        console.print_json({**summary_record(summary), "differences": differences})
    else:
        console.show_summary(summary)
    if rescored.differences:
        lines = [f"{d.case}: {d.stored}, now {d.now}" for d in rescored.differences]
        raise GateError(
            f"{len(lines)} judgements differ from the stored ones.", where=str(folder), hint="\n".join(lines)
        )
    console.note(f"All {len(stored.trials)} judgements are the stored ones.")


def report(
    folder: Annotated[Path, typer.Argument(help="An evaluation folder, or the adapter folder of a training run.")],
    baseline: Annotated[
        Path | None, typer.Option(help="For a curriculum's results: the adapter of a run without it, measured alike.")
    ] = None,
) -> None:
    """Draw the page of an evaluation or of a training run again, from its folder alone."""
    from punie.cli import console
    from punie.report.pages import redraw

    console.out.print(str(redraw(folder, baseline)))


def serve(
    model: Model = "tiny",
    adapter: AdapterOption = None,
    port: Port = 8080,
    log: Annotated[Path, typer.Option("--log", help="Where the server's own output goes.")] = Path("reports/serve.log"),
) -> None:
    """Serve a model for other programs until Ctrl-C, after proving that it is the one asked for.

    Speaks the OpenAI protocol. Clients name the model default_model, or nothing.
    """
    import asyncio

    from punie.cli import console
    from punie.serving.foreground import serve as run
    from punie.workspace import resolve_model

    folder = resolve_model(model)
    asyncio.run(run(folder, adapter.resolve() if adapter else None, port=port, log=log, on_ready=console.note))
