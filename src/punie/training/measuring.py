"""Measuring the checkpoints of a finished run on fixed rows, in a child of its own, and keeping the matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from punie.errors import InterruptedRun, PlanMismatchError, TrainingError
from punie.files import hash_file, write_json, write_text
from punie.process import Child
from punie.training.adapter import AdapterFolder
from punie.training.fixed_rows import FixedRows, choose_rows, rows_file, rows_per_category, selected_categories
from punie.training.matrix import DECODER, START, Basis, Cell, Checkpoint, Matrix, Measured, read_matrix
from punie.training.metrics import Doing, Failed, Metric, TrainLoss, follow, read_metrics
from punie.training.outcome import read_outcome
from punie.training.plan import TrainingPlan
from punie.training.rows import read_split

ADAPTER = "adapter"


@dataclass(frozen=True, slots=True)
class Point:
    """A checkpoint that is to be measured; without weights it is the model as training found it."""

    name: str
    weights: Path | None
    stage: str | None = None
    selects: tuple[str, ...] = ()

    @property
    def hash(self) -> str | None:
        return None if self.weights is None else _hash(self.weights)


def measure(plan: TrainingPlan, on_metric: Callable[[Metric], None] | None = None) -> None:
    """Write `run/matrix.json` beside a finished adapter, where the plan wants one and it is not there yet.

    Raises TrainingError when the child breaks, and InterruptedRun on Ctrl-C; the adapter is whole either way.
    """
    folder, file = AdapterFolder.of(plan), rows_file(Path(plan.data))
    if not rows_per_category(plan) or file is None or folder.matrix.is_file():
        return
    fixed = choose_rows(read_split(file).rows, plan)
    basis = _basis(plan, fixed)
    carried, notes = _carried(plan, basis)
    points = list(_points(plan, folder, fixed, carried))
    try:
        own = _measured(plan, folder, fixed, points, on_metric or (lambda _: None))
    except KeyboardInterrupt:
        raise InterruptedRun(
            "The adapter is whole; measuring its checkpoints was interrupted.",
            where=str(folder.root),
            hint=f"Go on with: {folder.resume_command}",
        ) from None
    checkpoints = (*_renamed(carried, points), *own)
    adapter = next(point.name for point in reversed(checkpoints) if point.weights_hash == _hash(folder.weights))
    matrix = Matrix(
        basis=basis,
        rows_file=file.name,
        field=fixed.field,
        per_category=fixed.per_category,
        checkpoints=checkpoints,
        adapter=adapter,
        notes=notes,
    )
    write_json(folder.matrix, matrix.model_dump())


def _basis(plan: TrainingPlan, fixed: FixedRows) -> Basis:
    return Basis(
        model_hash=read_outcome(Path(plan.adapter_path)).model_hash,
        rows_hash=fixed.hash,
        mask=plan.mask,
        max_seq_length=plan.max_seq_length,
        overlong=plan.overlong,
    )


def _carried(plan: TrainingPlan, basis: Basis) -> tuple[tuple[Checkpoint, ...], tuple[str, ...]]:
    """The checkpoints of the run that this one began from, if they were measured alike; if not, a note."""
    earlier = None if plan.resume_from is None else read_matrix(Path(plan.resume_from))
    if earlier is None:
        return (), ()
    differ = [key for key, value in basis if getattr(earlier.basis, key) != value]
    if not differ:
        return earlier.checkpoints, ()
    run = Path(earlier.checkpoints[-1].run).name
    return (), (f"The checkpoints of {run} are left out: they were measured with another {' and '.join(differ)}.",)


def _points(
    plan: TrainingPlan, folder: AdapterFolder, fixed: FixedRows, carried: Sequence[Checkpoint]
) -> Iterator[Point]:
    """What training found, what each stage left, and the adapter; none that was measured before."""
    known = {point.weights_hash for point in carried}
    begun = None if plan.resume_from is None else AdapterFolder(Path(plan.resume_from)).weights
    stages = [
        Point(stage.name, folder.kept_stage(stage.name) / folder.weights.name, stage.name, selects)
        for stage in plan.stages
        for selects in (selected_categories(stage, fixed.field),)
    ]
    for point in (Point(START, begun), *stages, Point(ADAPTER, folder.weights)):
        if point.weights is None or point.weights.is_file():
            if point.hash not in known:
                yield point
            known.add(point.hash)


def _measured(
    plan: TrainingPlan,
    folder: AdapterFolder,
    fixed: FixedRows,
    points: Sequence[Point],
    on_metric: Callable[[Metric], None],
) -> list[Checkpoint]:
    """Each of the points, in their order."""
    events, log = folder.run / "measured.jsonl", folder.run / "measure.log"
    write_text(folder.plan, plan.to_yaml())  # matrix_rows may be another than when it was trained.
    write_text(events, "")
    found: dict[str, Measured] = {}
    arguments = [f"{point.name}={point.weights or ''}" for point in points]
    with Child("punie.training.matrix_worker", str(folder.plan), str(events), *arguments, log=log) as child:
        for event in follow(events, lambda: child.poll() is None, DECODER):
            match event:
                case Measured():
                    found[event.name] = _require_asked(event, fixed)
                case Doing():
                    on_metric(event)
                case Failed():
                    raise event.to_error()
    if len(found) < len(points):
        raise TrainingError(
            f"The adapter is whole, but measuring its checkpoints broke (exit code {child.poll()}).",
            where=str(log),
            hint=f"{child.last_lines()}\nTry again with: {folder.resume_command}".strip(),
        )
    for file in (events, log):
        file.unlink()
    return [_checkpoint(plan, point, found[point.name]) for point in points]


def _require_asked(event: Measured, fixed: FixedRows) -> Measured:
    for field, asked in (("per_category", fixed.per_category), ("rows_hash", fixed.hash)):
        if (used := getattr(event, field)) != asked:
            raise PlanMismatchError(f"The measuring child has {field} {used}, not {asked}.", where="field matrix_rows")
    return event


def _renamed(carried: Sequence[Checkpoint], points: Sequence[Point]) -> Iterator[Checkpoint]:
    """Checkpoints of earlier runs, with the run's name where one of this run is called alike."""
    taken = {point.name for point in points}
    for point in carried:
        name = f"{Path(point.run).name}/{point.name}" if point.name in taken else point.name
        yield point.model_copy(update={"name": name})


def _checkpoint(plan: TrainingPlan, point: Point, measured: Measured) -> Checkpoint:
    iterations, seconds = (0, 0.0) if point.name == START else _pace(plan, point.stage)
    return Checkpoint(
        name=point.name,
        run=plan.adapter_path,
        stage=point.stage,
        selects=point.selects,
        weights_hash=point.hash,
        iterations=iterations,
        updates=iterations // plan.grad_accumulation_steps,
        seconds=seconds,
        cells={name: _cell(rows) for name, rows in measured.sets.items()},
    )


def _cell(rows: Sequence[tuple[float, int, int]]) -> Cell:
    losses, right, tokens = zip(*rows, strict=True)
    learned = sum(tokens)
    return Cell(loss=sum(losses) / learned, right=sum(right) / learned, row_losses=losses, row_tokens=tokens)


def _pace(plan: TrainingPlan, stage: str | None) -> tuple[int, float]:
    """Iterations, and the seconds that its steps took: of a stage, or of a whole run that has none."""
    at, iterations, seconds = 0, 0, 0.0
    for report in read_metrics(AdapterFolder.of(plan).metrics):
        if isinstance(report, TrainLoss):
            if report.stage == stage:
                iterations += report.iteration - at
                seconds += (report.iteration - at) / report.iterations_per_second
            at = report.iteration
    return iterations, seconds


def _hash(weights: Path) -> str:
    return f"sha256:{hash_file(weights)}"
