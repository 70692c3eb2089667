"""`punie train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from punie.cli.options import Json
from punie.cli.push import going_to, push_trained
from punie.errors import UsageError
from punie.workspace import EMBEDDED_MODEL

if TYPE_CHECKING:
    from punie.training.plan import TrainingPlan


def train(
    data: Annotated[str | None, typer.Argument(help="A dataset folder with train.jsonl.")] = None,
    adapter_path: Annotated[
        str | None,
        typer.Option("--output", "--adapter-path", help="The adapter folder to make: adapters/mine."),
    ] = None,
    output_repo: Annotated[
        str | None,
        typer.Option(help="Push the adapter to this private repository when it is done: USER/NAME."),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="As for eval; tiny if the plan names none.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="A plan in YAML; options given here win.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the interrupted run in --output.")] = False,
    resume_from: Annotated[
        str | None, typer.Option(help="Begin with the weights of this adapter: its folder, or a hub repository.")
    ] = None,
    curriculum: Annotated[
        str | None,
        typer.Option("--curriculum", help="A curriculum in YAML: phases and a schedule of their rows; or strandset."),
    ] = None,
    curriculum_phase: Annotated[
        str | None,
        typer.Option(help="One phase of --curriculum alone; of strandset understanding, annotation or generation."),
    ] = None,
    engine: Annotated[str | None, typer.Option(help="punie, or mlx-lm: the reference.")] = None,
    iters: Annotated[int | None, typer.Option(help="Batches to learn from.")] = None,
    epochs: Annotated[float | None, typer.Option(help="The same, in passes over the rows.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows per batch.")] = None,
    batch_tokens: Annotated[int | None, typer.Option(help="Tokens per batch with padding, instead of rows.")] = None,
    packing: Annotated[bool | None, typer.Option(help="Several rows in one, none seeing another.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    schedule: Annotated[str | None, typer.Option(help="constant, cosine or linear.")] = None,
    warmup: Annotated[int | None, typer.Option(help="Updates over which the rate rises from 0.")] = None,
    final_learning_rate: Annotated[float | None, typer.Option(help="Rate of the last update.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="adam, adamw, sgd or muon.")] = None,
    weight_decay: Annotated[float | None, typer.Option(help="For adamw, muon and sgd.")] = None,
    fine_tune_type: Annotated[str | None, typer.Option(help="lora, dora or full.")] = None,
    num_layers: Annotated[int | None, typer.Option(help="How many of the last layers learn; -1 for all.")] = None,
    rank: Annotated[int | None, typer.Option(help="Rank of the LoRA matrices.")] = None,
    scale: Annotated[float | None, typer.Option(help="Factor of the LoRA update: alpha / rank elsewhere.")] = None,
    alpha: Annotated[float | None, typer.Option(help="The same, as other trainers give it.")] = None,
    dropout: Annotated[float | None, typer.Option(help="LoRA dropout.")] = None,
    keys: Annotated[
        str | None, typer.Option(help="Modules that get LoRA matrices: q_proj,v_proj; every linear one if left out.")
    ] = None,
    max_seq_length: Annotated[int | None, typer.Option(help="Tokens of a row.")] = None,
    overlong: Annotated[
        str | None, typer.Option(help="Longer rows: cut, keep-answer (cut at their beginning) or drop.")
    ] = None,
    mask: Annotated[
        str | None, typer.Option(help="Not learned: none, prompt, all but assistant turns, all but the last message.")
    ] = None,
    mask_prompt: Annotated[bool | None, typer.Option(help="mlx-lm's word for --mask last.")] = None,
    grad_checkpoint: Annotated[bool | None, typer.Option(help="Less memory for more time.")] = None,
    grad_accumulation_steps: Annotated[int | None, typer.Option(help="Batches per optimizer update.")] = None,
    steps_per_report: Annotated[int | None, typer.Option(help="Iterations between two reports.")] = None,
    steps_per_eval: Annotated[int | None, typer.Option(help="Iterations between two validations.")] = None,
    val_batches: Annotated[int | None, typer.Option(help="Validation batches; -1 for all.")] = None,
    save_every: Annotated[int | None, typer.Option(help="Iterations between two checkpoints.")] = None,
    keep_checkpoints: Annotated[
        int | None, typer.Option(help="How many of the newest stay, besides the best; -1 for all.")
    ] = None,
    select: Annotated[
        str | None, typer.Option(help="The checkpoint that becomes the adapter: best (loss), score or last.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(help="Validations (or scorings) without improvement that end the run."),
    ] = None,
    min_delta: Annotated[
        float | None, typer.Option(help="What counts as an improvement: nats, or share right.")
    ] = None,
    score_suite: Annotated[
        str | None, typer.Option(help="Ask checkpoints the dev half of this suite: a built-in one's name, or a file.")
    ] = None,
    score_every: Annotated[int | None, typer.Option(help="Iterations between two scorings.")] = None,
    score_cases: Annotated[int | None, typer.Option(help="Cases to ask at most, of all categories alike.")] = None,
    memory_limit: Annotated[
        float | None, typer.Option(help="GB that MLX may use; 85 % of what there is if not given.")
    ] = None,
    matrix_rows: Annotated[
        int | None, typer.Option(help="Rows of each category to measure every stage's checkpoint on; 0 for none.")
    ] = None,
    probes: Annotated[bool | None, typer.Option(help="Probe the model before the first step and at the end.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights and order.")] = None,
    hosts: Annotated[
        Path | None,
        typer.Option(help="Train on several machines: mlx's file of them. This one is the first in it."),
    ] = None,
    report_to: Annotated[
        list[str] | None,
        typer.Option(help="Also report to wandb, swanlab, trackio or mlflow, if installed; may be given again."),
    ] = None,
    events: Annotated[
        bool, typer.Option("--events", help="Print each event as a line of JSON; the last line is the outcome.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other key of a plan, in YAML: betas=[0.9,0.95]."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a LoRA adapter. Every option is read back from the child that used it.

    Defaults are mlx-lm's; for the embedded model they are its measured settings.
    """
    given = {key: value for key, value in locals().items() if value is not None}
    for key in ("config", "resume", "settings", "hosts", "report_to", "output_repo", "events", "as_json"):
        given.pop(key, None)
    if keys is not None:
        given["keys"] = keys.split(",")
    if events and as_json:
        raise UsageError("--events and --json both want standard output.", hint="Give one of them.")
    from punie.cli.trained import train_and_tell

    told = {"resume": resume, "hosts": hosts, "report_to": report_to or [], "events": events, "as_json": as_json}
    if output_repo is None:
        train_and_tell(requested(given, settings or [], config, "mine"), **told)
        return
    _require_pushable(output_repo)
    plan = requested(given, settings or [], config, output_repo.rpartition("/")[2])
    with going_to(output_repo):
        train_and_tell(plan, **told)
    push_trained(Path(plan.adapter_path), output_repo)


def _require_pushable(repo: str) -> None:
    """Before hours of work, not after."""
    from punie.sharing.push import require_ready

    require_ready(repo)


def requested(
    given: dict[str, Any], settings: list[str], config: Path | None, name: str, data: str | None = None
) -> TrainingPlan:
    """The plan, after what was converted on the way to it has been said.

    `name`: of the adapter, and `data`, where they are not given.
    """
    from punie.cli import console
    from punie.training.presets import model_preset
    from punie.training.request import Layer, parse_setting, read_values, requested_plan
    from punie.workspace import is_embedded, local_folder

    first = {"model": EMBEDDED_MODEL, "adapter_path": f"adapters/{name}"}
    layers = [Layer(first if data is None else {**first, "data": data}, "")]
    if config is not None:
        layers.append(Layer(read_values(config), str(config)))
    layers.append(Layer(given, "options"))
    layers += [Layer(parse_setting(setting), f"--set {setting}") for setting in settings]
    request = requested_plan(*layers, defaults=model_preset)
    for converted in request.notes:
        console.note(converted)
    if is_embedded(local_folder(request.plan.model)):
        console.note("Embedded model: options that are not given take its measured settings.")
    return request.plan
