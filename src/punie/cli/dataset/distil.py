"""`punie dataset distil`: rows from a teacher's verified answers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli.dataset.clean import named_benchmark
from punie.cli.dataset.group import app
from punie.cli.options import AdapterOption, Json, UnsafeNoSandbox

if TYPE_CHECKING:
    from punie.distil.distil import Distillation
    from punie.distil.teacher import Teacher

_SELF = "self"


class Keep(StrEnum):
    SHORTEST = "shortest"
    MAJORITY = "majority"
    ALL = "all"


@app.command()
def distil(
    teacher: Annotated[
        str,
        typer.Option(
            "--teacher",
            help="Base URL of an OpenAI-compatible server, or self: the student, served by Punie.",
            show_default=False,
        ),
    ],
    tasks: Annotated[
        Path,
        typer.Option(
            "--tasks", help="A suite, a .jsonl with prompts and tests, or a folder of them.", show_default=False
        ),
    ],
    output: Annotated[Path, typer.Option("--output", help="The dataset folder to make.", show_default=False)],
    model: Annotated[
        str, typer.Option("--model", help="The teacher's name at its server; with self, the student's.")
    ] = "tiny",
    adapter: AdapterOption = None,
    answers: Annotated[
        Path | None,
        typer.Option("--answers", help="The file that keeps every answer; OUTPUT.answers.jsonl by default."),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", min=1, max=1000, help="Answers asked for, for each task.")] = 4,
    keep: Annotated[
        Keep,
        typer.Option(
            "--keep",
            help="Of the right answers: the shortest, the shortest of those most agree on, or all that differ.",
        ),
    ] = Keep.SHORTEST,
    temperature: Annotated[float, typer.Option(min=0, help="Sampling temperature; 0 is greedy.")] = 0.7,
    top_p: Annotated[float, typer.Option(min=0.0, max=1.0, help="Nucleus sampling, above temperature 0.")] = 1.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer.")] = 1024,
    concurrency: Annotated[int, typer.Option(min=1, help="Questions under way at once.")] = 8,
    teacher_system: Annotated[
        str, typer.Option("--teacher-system", help="System text for the teacher alone; no row has it.")
    ] = "",
    against: Annotated[
        list[str] | None,
        typer.Option("--against", help="A suite or benchmark whose tasks must not be taught; may be repeated."),
    ] = None,
    max_requests: Annotated[
        int | None, typer.Option(min=1, help="Requests the file of answers may cost in all, repeated ones included.")
    ] = None,
    max_spent_tokens: Annotated[
        int | None, typer.Option(min=1, help="Tokens of questions and answers it may cost in all.")
    ] = None,
    max_money: Annotated[float | None, typer.Option(min=0, help="Money it may cost in all; needs the prices.")] = None,
    price_prompt: Annotated[float, typer.Option(min=0, help="Money for a million tokens of questions.")] = 0.0,
    price_answer: Annotated[float, typer.Option(min=0, help="Money for a million tokens of answers.")] = 0.0,
    api_key_env: Annotated[
        str, typer.Option("--api-key-env", help="Environment variable with the teacher's key.")
    ] = "OPENAI_API_KEY",
    unsafe_no_sandbox: UnsafeNoSandbox = False,
    as_json: Json = False,
) -> None:
    """Ask a teacher to solve tasks, run its answers against their tests, and keep right ones as rows to train on.

    Every answer is kept in a file as it comes: the same command goes on where an interrupted one stopped, and nothing
    that is there is asked for again. A spent budget ends the asking; what came is written.
    """
    import asyncio

    from punie.cli.live import Live
    from punie.distil.budget import Budget
    from punie.distil.distil import Options
    from punie.distil.distil import distil as run
    from punie.distil.tasks import read_tasks
    from punie.serving.completion import Sampling

    options = Options(
        teacher=_teacher(teacher, model, adapter, api_key_env),
        label=model,
        tasks=read_tasks(tasks),
        output=output,
        answers=answers or output.with_name(f"{output.name}.answers.jsonl"),
        samples=samples,
        keep=keep.value,
        sampling=Sampling(temperature, top_p, max_tokens),
        width=concurrency,
        budget=Budget(max_requests, max_spent_tokens, max_money, price_prompt, price_answer),
        teacher_system=teacher_system,
        against=tuple(map(named_benchmark, against or ())),
        unsafe_no_sandbox=unsafe_no_sandbox,
    )
    with Live() as live:
        done = asyncio.run(run(options, on_answer=live.advance, on_stage=live.stage))
    _show(done, options.answers, as_json)


def _teacher(teacher: str, model: str, adapter: Path | None, key: str) -> Teacher:
    import os

    from punie.serving.arms import LocalModel
    from punie.serving.endpoint import Endpoint
    from punie.workspace import resolve_model

    if teacher == _SELF:
        return LocalModel(resolve_model(model), adapter.resolve() if adapter else None)
    if adapter is not None:
        raise typer.BadParameter("an adapter belongs to --teacher self", param_hint="--adapter")
    return Endpoint(teacher, model, os.environ.get(key, ""))


def _show(done: Distillation, answers: Path, as_json: bool) -> None:
    from dataclasses import asdict

    from punie.cli import console

    if as_json:
        rest = {name: value for name, value in asdict(done).items() if name != "manifest"}
        console.print_json({"dataset": done.manifest.model_dump(), **rest})
        return
    manifest, recipe = done.manifest, done.manifest.recipe
    rows = [
        ("kept", f"{manifest.counts['train']:,}"),
        *((rule, f"{many:,}") for rule, many in manifest.removed.items()),
    ]
    console.print_table(["answers", "number"], rows)
    spent = recipe["spent"]
    tokens = f"{spent['prompt']:,} of questions, {spent['answer']:,} of answers"
    facts = {
        "tasks solved": f"{done.solved:,} of {recipe['tasks']['count']:,}",
        "requests": f"{spent['requests']:,}",
        "tokens": tokens,
    }
    console.print_facts({**facts, **({"money": f"{spent['money']:.4f}"} if spent["money"] else {}), "answers": answers})
    for reason, many in done.missing.items():
        console.note(f"{many} questions have no answer: {reason}")
    if done.unsettled:
        console.note(
            f"{done.unsettled} questions were under way when an earlier command was killed; they count as paid."
        )
    if not recipe["against"]:
        console.note("Compared with no suite: name those you will report with --against.")
