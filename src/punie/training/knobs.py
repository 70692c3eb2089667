"""Every knob of a training run, in mlx-lm's words: its type, its default, what it means.

Names and defaults are those of `mlx_lm lora`; the parameters of LoRA and of the schedule, which exist there only in
nested blocks, are flat here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from punie.curriculum.curriculum import Curriculum
from punie.curriculum.pace import RATE_KEYS, Shape
from punie.training.optimizer import OPTION_NAMES, OPTIONS, OptimizerName
from punie.training.schedule import Rates, Schedule
from punie.training.stage import Stage

Positive = Annotated[int, Field(ge=1)]
CountOrAll = Annotated[int, Field(ge=-1)]
Mask = Literal["none", "prompt", "assistant", "last"]
Select = Literal["best", "last", "score"]
Overlong = Literal["cut", "keep-answer", "drop"]
Packing = bool | Literal["stream"]

Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Knobs(BaseModel):
    """What a plan says, and what its values come to; whether they fit each other is for `contradictions.py`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)]
    """A folder, a hub name, or the name of the embedded model."""
    data: Annotated[str, Field(min_length=1)]
    """A folder with train.jsonl and, if there is one, valid.jsonl."""
    adapter_path: Annotated[str, Field(min_length=1)]
    """The folder to be made."""
    resume_from: Annotated[str, Field(min_length=1)] | None = None
    """An adapter whose weights are the first ones: its folder, or the name of a hub repository; None begins anew."""
    engine: Literal["punie", "mlx-lm"] = "punie"
    """Whose loop trains: Punie's, or mlx-lm's as the reference. Both get the same rows in the same order."""
    fine_tune_type: Literal["lora", "dora", "full"] = "lora"
    iters: Positive = 1000
    """Batches to learn from; an optimizer update happens every `grad_accumulation_steps` of them."""
    epochs: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The passes over the rows that `iters` was computed from, where they were asked for."""
    batch_size: Positive = 4
    """Rows of a batch."""
    batch_tokens: Annotated[int, Field(ge=2)] | None = None
    """Tokens of a batch, padding included, instead of `batch_size`: rows of like length, as many as fit."""
    packing: Packing = False
    """Whether several rows share one of `max_seq_length` tokens, each seeing only itself; tried on the model first.
    "stream": a step's rows are one text, cut every `max_seq_length` tokens without regard to where rows end."""
    learning_rate: Rate = 1e-5
    """The highest rate: reached after `warmup`."""
    schedule: Shape = "constant"
    warmup: Annotated[int, Field(ge=0)] = 0
    """Optimizer updates over which the rate rises linearly."""
    initial_learning_rate: Rate = 0.0
    """Where the warmup begins."""
    final_learning_rate: Rate = 0.0
    """Where a cosine or linear schedule ends."""
    decay: Positive | None = None
    """Updates from the highest rate to the final one; None for all that are left after the warmup."""
    optimizer: OptimizerName = "adam"
    weight_decay: Rate | None = None
    """This and the other options of an optimizer: None leaves the value to MLX (`optimizer.py` has them)."""
    betas: tuple[Share, Share] | None = None
    eps: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    bias_correction: bool | None = None
    momentum: Share | None = None
    dampening: Share | None = None
    nesterov: bool | None = None
    ns_steps: Positive | None = None
    num_layers: CountOrAll = 16
    """How many of the last layers learn; -1 for all."""
    whole_model: bool = False
    """Whether embeddings, last norm and head learn too, which fine_tune_type full leaves as they are."""
    rank: Positive = 8
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 20.0
    """Factor of the LoRA update: alpha / rank in other trainers."""
    dropout: Share = 0.0
    keys: tuple[Annotated[str, Field(min_length=1)], ...] | None = None
    """Modules that get LoRA matrices, by full name or by its end (q_proj); None for every linear one."""
    max_seq_length: Annotated[int, Field(ge=2)] = 2048
    """Tokens."""
    overlong: Overlong = "cut"
    """What becomes of a longer row: its end is cut off, as by mlx-lm (cut); its beginning is, as far as the last answer
    needs it (keep-answer); or the row is left out, with a line in run/removed.jsonl (drop)."""
    mask: Mask = "none"
    """What is not learned: nothing; what comes before the first answer (prompt); all but the answers (assistant); all
    but the last message (last), which is mlx-lm's `mask_prompt`."""
    grad_checkpoint: bool = False
    grad_accumulation_steps: Positive = 1
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    steps_per_report: Positive = 10
    steps_per_eval: Positive = 200
    val_batches: CountOrAll = 25
    """Validation batches, always the same ones; -1 for the whole set."""
    save_every: Positive = 100
    """Iterations between two checkpoints; each is a point from which the run can resume."""
    keep_checkpoints: CountOrAll = -1
    """How many of the newest stay, besides the best one; -1 for all."""
    select: Select = "best"
    """Which checkpoint becomes the adapter: that of the lowest validation loss, where there is one, or of the highest
    score on `score_suite`, or the last."""
    patience: Positive | None = None
    """Validations, or scorings where they select, without improvement after which the run ends; None never."""
    min_delta: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """What counts as an improvement: more nats less of validation loss, or a larger share of the cases more right."""
    score_suite: Annotated[str, Field(min_length=1)] | None = None
    """The suite, by name or file, whose dev half checkpoints are asked; None asks none."""
    score_every: Positive | None = None
    """Iterations between two scorings; the last iteration is scored in any case."""
    score_cases: Positive | None = None
    """Cases that are asked at most, of all categories alike; None asks the whole dev half."""
    probes: bool = True
    """Whether the model is probed before the first step and after the last: `probes.py`. It changes nothing learned."""
    memory_limit: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """GB (10^9 bytes) that MLX may use; None for 85 % of what there is. It changes nothing that is learned."""

    matrix_rows: Annotated[int, Field(ge=0)] | None = None
    """Rows of each category on which the checkpoints of the stages are measured when all is trained; 0 for no such
    matrix, None for 32 where there are stages."""

    curriculum: Curriculum | None = None
    """What the stages were made from, where one was asked for."""
    stages: tuple[Stage, ...] = ()
    """One after the other; none is a run of a single stage over all rows."""
    spread: bool = False
    """Whether the rows that the stages show, each as often, are shuffled over the whole run: a curriculum's control."""

    def is_default(self, key: str) -> bool:
        return getattr(self, key) == type(self).model_fields[key].default

    @property
    def updates(self) -> int:
        """Optimizer updates in the whole run."""
        return self.iters // self.grad_accumulation_steps

    @property
    def rates(self) -> Rates:
        """The learning rate of every update: one schedule, and one more from each stage on that restarts it."""
        own: list[tuple[dict[str, Any], int]] = []
        for stage in self.stages:
            if not own or stage.restart != "none":
                own.append((stage.rate_values, 0))
            values, iters = own[-1]
            own[-1] = values, iters + stage.iters
        return Rates([self._schedule(values, iters) for values, iters in own or [({}, self.iters)]])

    def _schedule(self, own: dict[str, Any], iters: int) -> Schedule:
        fall = {"final_learning_rate": 0.0, "decay": None} if "schedule" in own else {}
        values: dict[str, Any] = {**self.model_dump(include=RATE_KEYS), **fall, **own}
        return Schedule(
            shape=values["schedule"],
            highest=values["learning_rate"],
            first=values["initial_learning_rate"],
            last=values["final_learning_rate"],
            warmup=values["warmup"],
            decay=values["decay"],
            updates=iters // self.grad_accumulation_steps,
        )

    @property
    def optimizer_options(self) -> dict[str, Any]:
        """Every option of the optimizer, as it is in force."""
        return {**OPTIONS[self.optimizer], **self.given_options}

    @property
    def given_options(self) -> dict[str, Any]:
        """Of the optimizer's options, those that the plan does not leave to MLX."""
        return {name: value for name in OPTION_NAMES if (value := getattr(self, name)) is not None}
