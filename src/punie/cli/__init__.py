"""The door: one Typer application, and the one place where errors become sentences and exit codes."""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from punie import __version__
from punie.cli import (
    benchmark,
    curriculum,
    dataset,
    doctor,
    evaluation,
    experiment,
    export,
    improvement,
    journal,
    model,
    pretraining,
    push,
    quickstart,
    shipping,
    suite,
    suite_generate,
    sweep,
    training,
)
from punie.errors import PunieError

_INTERRUPTED = 130

app = typer.Typer(
    name="punie",
    help="Fine-tune a local code model, and be told whether it got better.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"punie {__version__}")
        raise typer.Exit


@app.callback()
def punie(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks instead of one-sentence errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Fine-tune a local code model, and be told whether it got better."""


app.command()(quickstart.quickstart)
app.command()(doctor.doctor)
app.add_typer(dataset.app)
app.add_typer(curriculum.app)
app.command()(training.train)
app.command()(pretraining.pretrain)
app.command()(benchmark.benchmark)
app.command()(benchmark.estimate)
app.add_typer(experiment.app)
app.command()(improvement.improve)
app.command()(sweep.sweep)
app.add_typer(suite.app)
suite.app.add_typer(suite_generate.app)
app.command("eval")(evaluation.evaluate)
app.command()(evaluation.compare)
app.command()(evaluation.rescore)
app.command()(evaluation.report)
app.command()(evaluation.serve)
app.command()(journal.journal)
app.command()(journal.dashboard)
app.command()(push.push)
app.add_typer(model.app)
app.command()(shipping.fuse)
app.command()(shipping.quantize)
app.command()(export.export)


def main() -> None:
    """Run the command line and exit: 0, or the code of the error that ended it."""
    debug = "--debug" in sys.argv
    _heed_termination()
    try:
        app()
    except PunieError as error:
        if debug:
            raise
        _say(f"Error: {error.what}", error.where and f"  where: {error.where}", error.hint)
        raise SystemExit(error.exit_code) from error
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:  # All that Typer makes of Ctrl-C.
            _say("Interrupted.")
        raise
    except Exception as error:
        if debug:
            raise
        _say(
            f"Bug in punie: {type(error).__name__}: {error}",
            "Run the command again as `punie --debug ...` for details.",
        )
        raise SystemExit(1) from error


def _heed_termination() -> None:
    """To be asked to end is to be interrupted, and so is the end of a terminal, unless nohup says to ignore it.

    Drafts are removed, work is saved and children are stopped on the way out.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _say(*lines: str) -> None:
    for line in filter(None, lines):
        print(line, file=sys.stderr)
