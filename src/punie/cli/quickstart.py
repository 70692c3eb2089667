"""`punie quickstart`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from punie.cli.options import Model, Seed, UnsafeNoSandbox

_INTRODUCTION = """\
Does fine-tuning make the model better? The whole loop, on this machine.
The embedded model has about 1 M parameters and is a weak assistant on purpose:
fine-tuning teaches it the form of an answer, not new skills. It demonstrates
the loop and says nothing about larger models.
"""

_NEXT = """
Next, with your own data and a real model:
  punie dataset validate my-data
  punie train my-data --model mlx-community/Qwen2.5-Coder-1.5B-Instruct-4bit --output adapters/mine
  punie eval --model mlx-community/Qwen2.5-Coder-1.5B-Instruct-4bit --adapter adapters/mine --output reports/mine"""


def quickstart(
    model: Model = "tiny",
    examples: Annotated[int, typer.Option(min=20, help="How many sample chats to train and validate on.")] = 1000,
    seed: Seed = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Delete what an earlier quickstart made, and start over.")
    ] = False,
    unsafe_no_sandbox: UnsafeNoSandbox = False,
) -> None:
    """Sample data, baseline, training, evaluation, comparison: the whole loop in about a minute.

    After an interruption the same command goes on; when all is done it shows the result again.
    """
    from punie.cli import console
    from punie.cli.steps import Steps
    from punie.quickstart import QuickstartOptions
    from punie.quickstart import quickstart as run
    from punie.workspace import EMBEDDED_MODEL

    if model == EMBEDDED_MODEL:
        console.note(_INTRODUCTION)
    watch = console.Stopwatch()
    options = QuickstartOptions(model, Path(), examples, seed, fresh, unsafe_no_sandbox)
    with Steps(width=16) as steps:
        result = run(options, steps)
    console.out.print()
    console.show_comparison(result.comparison)
    console.out.print()
    console.print_facts(
        {
            "page": str(result.page),
            "adapter": str(result.folder.adapter),
            "proof": f"punie rescore {result.folder.evaluation('adapter')}",
            "time": f"{watch.seconds:.0f} s" + (" (some steps were done before)" if steps.earlier else ""),
        }
    )
    console.note(_NEXT)
