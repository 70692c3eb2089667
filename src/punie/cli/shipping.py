"""`punie fuse`, `punie quantize`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli.options import Json, Model

if TYPE_CHECKING:
    from punie.shipping.messages import Divergence
    from punie.shipping.proof import Proof, Score

Suites = Annotated[
    list[str] | None,
    typer.Option("--suite", help="Also score every model on this suite, a name or a file; may be given several times."),
]
_COLUMNS = ("", "size", "bits/weight", "tokens/s", "KL mean", "KL max", "same token")
_SCORES = ("right", "95% interval", "verdict")


def fuse(
    adapter: Annotated[Path, typer.Option("--adapter", "--adapter-path", help="The adapter folder to put in.")],
    output: Annotated[Path, typer.Option("--output", help="The model folder to make.")],
    model: Annotated[
        str | None, typer.Option("--model", help="The adapter's model, where it is not at its old place.")
    ] = None,
    requantize: Annotated[
        bool,
        typer.Option("--requantize", help="Quantize again as the model was; without it the weights become floats."),
    ] = False,
    min_kept: Annotated[
        float, typer.Option(min=0, max=1, help="Exit code 7, and no output, where less of the adapter is left.")
    ] = 0.5,
    suite: Suites = None,
    as_json: Json = False,
) -> None:
    """Put an adapter into its model, and prove that it survived.

    What lies on disk is read back: its weights must be those of the model plus scale * B * A, and its answers nearer
    to the adapter's than to the bare model's.
    """
    from punie.cli import console
    from punie.cli.live import Live
    from punie.shipping.fuse import fuse as run
    from punie.shipping.scores import Candidate, score
    from punie.training.adapter import read_adapter
    from punie.workspace import resolve_model

    with Live() as live:
        live.begin("fusing")
        proof = run(
            adapter,
            output,
            model=model,
            requantize=requantize,
            min_kept=min_kept,
            on_measured=lambda name: live.stage(f"{name} is measured"),
        )
        base = resolve_model(model or read_adapter(adapter).base_model)
        candidates = [
            Candidate("adapter", base, adapter.resolve()),
            Candidate("base", base),
            Candidate("fused", output.resolve()),
        ]
        if suite:
            proof = score(proof, output, candidates, suite, live.stage)
    if as_json:
        return console.print_json(proof.record())
    _show(proof)
    _tell_kept(proof)


def _tell_kept(proof: Proof) -> None:
    from punie.cli import console

    if proof.survival is not None:
        exact = "" if proof.survival.steps is None else f", at most {proof.survival.steps:.1f} rounding steps off"
        console.note(
            f"In the weights: {proof.survival.share:.1%} of the adapter, least {proof.survival.least:.1%} "
            f"in {proof.survival.least_module}{exact}."
        )
    if proof.kept is not None:
        console.note(f"In the answers: {proof.kept:.1%} of what the adapter changed is kept.")


def quantize(
    output: Annotated[Path, typer.Option("--output", help="The folder to make, with a model folder for each width.")],
    bits: Annotated[str, typer.Option("--bits", help="Widths: some of 2,3,4,5,6,8.")],
    model: Model = "tiny",
    suite: Suites = None,
    as_json: Json = False,
) -> None:
    """Make smaller models out of one, and show in one table what each width costs.

    Divergence is measured over answers that the model itself gave before. Speed is of this machine, one answer at a
    time.
    """
    from punie.cli import console
    from punie.cli.live import Live
    from punie.shipping.quantize import name_of
    from punie.shipping.quantize import quantize as run
    from punie.shipping.scores import Candidate, score
    from punie.workspace import resolve_model

    widths = _read_bits(bits)
    with Live() as live:
        live.begin("quantizing")
        proof = run(model, widths, output, lambda name: live.stage(f"{name} is measured"))
        made = [Candidate(name_of(width), (output / name_of(width)).resolve()) for width in widths]
        if suite:
            proof = score(proof, output, [Candidate("before", resolve_model(model)), *made], suite, live.stage)
    console.print_json(proof.record()) if as_json else _show(proof)


def _read_bits(given: str) -> list[int]:
    """Raises typer.BadParameter."""
    if not all(word.strip().isdecimal() for word in given.split(",")):
        raise typer.BadParameter(f"{given!r} is not numbers with commas between.", param_hint="--bits")
    return [int(word) for word in given.split(",")]


def _show(proof: Proof) -> None:
    from punie.cli import console
    from punie.report import numbers

    scores = {score.name: score for score in proof.scores}
    rows = []
    for measured in proof.models:
        figures = (numbers.size(measured.size), f"{measured.bits_per_weight:.1f}", f"{measured.tokens_per_second:,.3g}")
        row = (measured.name, *figures, *_divergence(measured.divergence))
        rows.append((*row, *_score(scores[measured.name])) if scores else row)
    console.print_table((*_COLUMNS, *_SCORES) if scores else _COLUMNS, rows)


def _divergence(found: Divergence | None) -> tuple[str, str, str]:
    """Nats per token; the reference has nothing to be compared with."""
    if found is None:
        return "", "", ""
    return f"{found.kl_mean:.2g}", f"{found.kl_max:.2g}", f"{found.agreement:.1%}"


def _score(score: Score) -> tuple[str, str, str]:
    from punie.evaluation.stats import Interval
    from punie.report import numbers

    interval = numbers.percent_interval(Interval(score.low, score.high))
    return f"{score.right} of {score.counted}", interval, score.verdict or ""
