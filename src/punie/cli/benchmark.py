"""`punie benchmark`, `punie estimate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from punie.cli.options import Json

_NO_DATA = "none"
"""In the place of a plan's data, where there are no rows yet."""

if TYPE_CHECKING:
    from punie.benchmark.benchmark import BenchmarkResult
    from punie.benchmark.cells import Found, Measured
    from punie.benchmark.estimate import Estimate
    from punie.benchmark.forecast import Duration, Peak
    from punie.benchmark.grid import Cell
    from punie.training.plan import TrainingPlan

Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="A model folder, a hub name, or tiny; may be repeated. As the plan says if left out."),
]
Config = Annotated[Path | None, typer.Option("--config", "-c", help="A plan in YAML; options given here win.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="A dataset folder; without it every row fills --max-seq-length.")
]
Iters = Annotated[int | None, typer.Option(min=1, help="Batches that the run learns from.")]
BatchSize = Annotated[int | None, typer.Option(min=1, help="Rows per batch.")]
MaxSeqLength = Annotated[int | None, typer.Option(min=2, help="Tokens of a row.")]
NumLayers = Annotated[int | None, typer.Option(min=-1, help="How many of the last layers learn; -1 for all.")]
GradCheckpoint = Annotated[bool | None, typer.Option(help="Less memory for more time.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other key of a plan, in YAML.")
]
MemoryLimit = Annotated[float | None, typer.Option(help="GB that a run may use; 85 % of what there is if not given.")]


def benchmark(
    model: Models = None,
    data: Data = None,
    config: Config = None,
    iters: Iters = None,
    batch_size: BatchSize = None,
    max_seq_length: MaxSeqLength = None,
    num_layers: NumLayers = None,
    grad_checkpoint: GradCheckpoint = None,
    memory_limit: MemoryLimit = None,
    settings: Settings = None,
    steps: Annotated[int, typer.Option(min=2, help="Steps to time of each kind, besides a first one.")] = 4,
    minutes: Annotated[float, typer.Option(min=0, help="After so long no further kind of step is begun.")] = 15.0,
    as_json: Json = False,
) -> None:
    """Measure a few kinds of training steps, foretell the whole run, and say whether this model is worth a night.

    The plan is that of `punie train` with the same options.
    """
    from punie.benchmark.benchmark import benchmark as run
    from punie.cli import console
    from punie.cli.live import Live

    options = {"iters": iters, "batch_size": batch_size, "max_seq_length": max_seq_length, "num_layers": num_layers}
    given = {**options, "grad_checkpoint": grad_checkpoint, "memory_limit": memory_limit}
    results = []
    with Live() as live:
        for plan in _plans(model, data, given, settings or [], config):
            live.begin(f"measuring {plan.model}")
            own_rows = plan.data != _NO_DATA
            results.append(run(plan, own_rows=own_rows, steps=steps, minutes=minutes, on_found=_tell))
    if as_json:
        console.print_json({"models": [_json(result) for result in results]})
    else:
        _show(results)


def _plans(
    models: list[str] | None, data: Path | None, given: dict[str, Any], settings: list[str], config: Path | None
) -> list[TrainingPlan]:
    from punie.cli.training import requested

    own = {key: value for key, value in {**given, "data": data and str(data)}.items() if value is not None}
    asked = [{**own, "model": name} for name in models] if models else [own]
    return [requested(one, settings, config, "benchmark", data=_NO_DATA) for one in asked]


def _tell(found: Found) -> None:
    from punie.benchmark.cells import Measured
    from punie.cli import console

    if isinstance(found, Measured):
        console.note(f"{_step(found.cell)}: {found.seconds:.2f} s, peak {found.peak_memory / 1e9:.2f} GB")


def _step(cell: Cell) -> str:
    """ "4 x 512 tokens, 16 layers"."""
    longest = max(cell.lengths)
    rows = f"{len(cell.lengths)} x {longest}" if len({*cell.lengths}) == 1 else f"{len(cell.lengths)} up to {longest}"
    return f"{rows} tokens, {cell.num_layers} layers{', checkpointed' if cell.grad_checkpoint else ''}"


def _show(results: list[BenchmarkResult]) -> None:
    """What was measured, what follows for the run, and the decision as the last line."""
    from punie.cli import console

    columns = ["model", "step", "s/iteration", "tokens/s", "peak GB", "estimated"]
    rows = [row for result in results for row in _rows(result)]
    console.print_table(columns, rows)
    for result in results:
        console.print_facts(_facts(result))
    for result in results:
        name = f"{Path(result.plan.model).name}: " if len(results) > 1 else ""
        console.out.print(f"{name}{result.decision}")


def _rows(result: BenchmarkResult) -> list[tuple[str, ...]]:
    name = Path(result.plan.model).name
    measured = [(name, _step(one.cell), *_figures(one)) for one in result.measured]
    rest = [(name, _step(one.cell), "too large", "", "", f"{one.needs.total / 1e9:.2f}") for one in result.too_large]
    return [*measured, *rest, *((name, _step(cell), "no time left", "", "", "") for cell in result.not_tried)]


def _figures(one: Measured) -> tuple[str, ...]:
    span = f"{one.seconds:.3f} ({one.fastest:.3f} to {one.slowest:.3f})"
    return span, f"{one.tokens_per_second:,.0f}", f"{one.peak_memory / 1e9:.2f}", f"{one.needs.total / 1e9:.2f}"


def _facts(result: BenchmarkResult) -> dict[str, object]:
    first = sum(one.first_seconds for one in result.measured)
    validation = sum(one.validation_seconds for one in result.measured)
    rows = "rows that fill max_seq_length" if result.plan.data == _NO_DATA else result.plan.data
    return {
        "model": result.plan.model,
        "not counted": f"loading {result.load_seconds:.1f} s, first steps {first:.1f} s, validation {validation:.1f} s",
        "the run": f"{result.plan.iters:,} iterations on {rows}",
        "it": foretold(result.time, result.peak),
    }


def foretold(time: Duration, peak: Peak) -> str:
    """ "will take 41 min 10 s +- 4 min 07 s, peak 19.3 GB, fits"."""
    from punie.report import numbers

    took = numbers.duration_within(time.seconds, time.plus_minus)
    fits = "fits" if peak.fits else f"does not fit into {numbers.size(peak.room)}"
    return f"will take {took}, peak {numbers.size(peak.memory)}, {fits}"


def _json(result: BenchmarkResult) -> dict[str, Any]:
    from msgspec import to_builtins

    names = ("measured", "too_large", "not_tried", "time", "peak")
    found = {name: to_builtins(getattr(result, name)) for name in names}
    spent = {"load_seconds": result.load_seconds, "total_seconds": result.total_seconds}
    seconds = {"seconds_per_iteration": result.seconds_per_iteration, "decision": result.decision}
    return {"plan": result.plan.model_dump(mode="json"), **found, **spent, **seconds}


def estimate(
    model: Models = None,
    config: Config = None,
    batch_size: BatchSize = None,
    max_seq_length: MaxSeqLength = None,
    num_layers: NumLayers = None,
    grad_checkpoint: GradCheckpoint = None,
    memory_limit: MemoryLimit = None,
    iters: Iters = None,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """Say from a model's config alone what it weighs and what training it would need. Nothing else is downloaded."""
    from punie.benchmark.estimate import estimate as run
    from punie.cli import console

    options = {"iters": iters, "batch_size": batch_size, "max_seq_length": max_seq_length, "num_layers": num_layers}
    given = {**options, "grad_checkpoint": grad_checkpoint, "memory_limit": memory_limit}
    results = [run(plan) for plan in _plans(model, None, given, settings or [], config)]
    if as_json:
        console.print_json({"models": [_estimated_json(result) for result in results]})
        return
    for result in results:
        console.print_facts(_estimated(result))


def _estimated_json(result: Estimate) -> dict[str, Any]:
    from msgspec import to_builtins

    names = ("model", "anatomy", "time", "peak", "largest_batch", "largest_length")
    found = {name: to_builtins(getattr(result, name), str_keys=True) for name in names}
    return {**found, "plan": result.plan.model_dump(mode="json")}


def _estimated(result: Estimate) -> dict[str, object]:
    from punie.report import numbers

    anatomy, peak, plan = result.anatomy, result.peak, result.plan
    sizes = ", ".join(f"{numbers.size(size)} at {bits} bits" for bits, size in anatomy.weights_at.items())
    basis = "from a benchmark of this machine" if result.time else "counted from the layers"
    fits = "fits" if peak.fits else "does not fit"
    return {
        "model": result.model,
        "parameters": f"{anatomy.parameters:,} in {anatomy.layers} layers",
        "weights": f"{sizes}; as stored {numbers.size(anatomy.weights - anatomy.trainable_bytes)}",
        "trained": f"{anatomy.trainable:,} parameters, optimizer {numbers.size(anatomy.optimizer)}",
        "step": f"{plan.batch_size} rows of {plan.max_seq_length:,} tokens",
        "peak memory": f"{numbers.size(peak.memory)}, {basis}: {fits} into {numbers.size(peak.room)}",
        "largest that fits": f"{result.largest_batch:,} rows of so many tokens, or {plan.batch_size} of "
        f"{result.largest_length:,}",
        "time": foretold(result.time, peak) if result.time else "not measured: run punie benchmark",
    }
