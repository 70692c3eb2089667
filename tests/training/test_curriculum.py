"""A curriculum on its way to the loop: what its schedule says is what is trained, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
import yaml
from mlx import nn

from punie.errors import DataError, UsageError
from punie.files import write_jsonl, write_text
from punie.training.batches import TokenRow
from punie.training.batching import RowsPerStep, TokensPerStep, batching
from punie.training.loop import PunieEngine
from punie.training.metrics import Metric, StageBegan, TrainLoss
from punie.training.plan import TrainingPlan
from punie.training.request import load_plan, parse_plan
from punie.training.rows import read_teaching_rows
from punie.training.runner import train
from punie.training.steps import Step
from punie.training.student import Learner, build_learner, load_student
from punie.training.views import stage_views, staged_order

from .conftest import PlanMaker, chat

LEVELS = [1 + number // 8 for number in range(24)]
"""8 rows of each level; the difficulty of a row is its number, by which rows are harder within a level too."""
ROWS = [{**chat(n), "metadata": {"level": level, "difficulty": float(n)}} for n, level in enumerate(LEVELS)]
PHASES = [{"name": name, "where": {"level": level}} for level, name in enumerate(("easy", "medium", "hard"), 1)]
HYBRID = {"kind": "hybrid", "hardest": 0.25, "by": "difficulty"}
COMPETENCE = {"kind": "competence", "by": "difficulty", "start": 0.1}
KNOBS = {"warmup": 0, "initial_learning_rate": 0.0, "decay": None, "bias_correction": False}
TIMED = {"phases": [{**phase, "iters": 1} for phase in PHASES]}
PATHS = {"model": "m", "adapter_path": "a"}


@pytest.fixture(scope="module")
def leveled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("leveled")
    write_jsonl(folder / "train.jsonl", ROWS)
    write_jsonl(folder / "valid.jsonl", map(chat, range(50, 54)))
    return folder


def planned(leveled: Path, schedule: Any, *, iters: int = 12, replay: float = 0.0, **plan: Any) -> TrainingPlan:
    curriculum = {"phases": PHASES, "schedule": schedule, "replay": replay}
    values = {**PATHS, "data": str(leveled), "batch_size": 4, "iters": iters, "curriculum": curriculum}
    return parse_plan({**values, **plan}, where="here")


def steps_of(plan: TrainingPlan, first: int = 0, way: RowsPerStep | TokensPerStep | None = None) -> list[list[int]]:
    rows = [TokenRow([1] * (5 + n % 7), ((0, 3),)) for n in range(len(ROWS))]
    views = stage_views(plan.stages, ROWS, "rows")
    return list(staged_order(views, way or batching(plan), rows, plan.seed, first, spread=plan.spread))


def shown(steps: Sequence[Sequence[int]]) -> Counter[int]:
    return Counter(chain.from_iterable(steps))


def levels(steps: Sequence[Sequence[int]]) -> Counter[int]:
    return Counter(LEVELS[row] for row in chain.from_iterable(steps))


def thirds(steps: list[list[int]]) -> list[list[list[int]]]:
    return [steps[:4], steps[4:8], steps[8:]]


def test_mixed_shows_every_row_alike(leveled: Path) -> None:
    """In one stage, and every row as often as any other; with restarts, in stages of the phases' lengths."""
    plan = planned(leveled, "mixed")
    assert [stage.name for stage in plan.stages] == ["mixed"]
    assert set(shown(steps_of(plan)).values()) == {2}
    again = {"phases": PHASES, "schedule": "mixed", "restart": "rate"}
    stages = planned(leveled, "mixed", curriculum=again).stages
    assert [(s.name, s.iters, s.restart) for s in stages] == [
        ("mixed-1", 4, "none"),
        ("mixed-2", 4, "rate"),
        ("mixed-3", 4, "rate"),
    ]


@pytest.mark.parametrize(("schedule", "order"), [("sequential", [1, 2, 3]), ("anti", [3, 2, 1])])
def test_sequential_shows_one_phase_after_the_other(leveled: Path, schedule: str, order: list[int]) -> None:
    """And nothing else; every row of it equally often. The other way round it is anti-curriculum."""
    parts = thirds(steps_of(planned(leveled, schedule)))
    assert [set(levels(part)) for part in parts] == [{level} for level in order]
    assert all(set(shown(part).values()) == {2} for part in parts)


def test_incremental_adds_a_phase_in_every_stage(leveled: Path) -> None:
    """The rows of a stage come equally often, up to one."""
    parts = thirds(steps_of(planned(leveled, "incremental")))
    assert [set(levels(part)) for part in parts] == [{1}, {1, 2}, {1, 2, 3}]
    assert all(max(counts.values()) - min(counts.values()) <= 1 for counts in map(shown, parts))


def test_hybrid_keeps_the_hardest_rows_of_earlier_phases(leveled: Path) -> None:
    """The stated share of each earlier phase, by the stated field, and no other row of it."""
    parts = thirds(steps_of(planned(leveled, HYBRID)))
    assert set(shown(parts[0])) == set(range(8))
    assert set(shown(parts[1])) == {6, 7, *range(8, 16)}
    assert set(shown(parts[2])) == {6, 7, 14, 15, *range(16, 24)}


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_replay_is_the_stated_share_of_every_step(leveled: Path, share: float) -> None:
    """From all earlier phases, spread over the steps; replayed rows take turns as new ones do."""
    parts = thirds(steps_of(planned(leveled, "sequential", replay=share, batch_size=8)))
    assert set(levels(parts[0])) == {1}
    for stage, old in ((1, {1}), (2, {1, 2})):
        for step in parts[stage]:
            assert sum(LEVELS[row] in old for row in step) == pytest.approx(8 * share, abs=1)
        replayed = {row: n for row, n in shown(parts[stage]).items() if LEVELS[row] in old}
        assert sum(replayed.values()) == pytest.approx(32 * share, abs=1)
        assert max(replayed.values()) - min(replayed.values()) <= 1


def test_competence_draws_from_the_easiest_share(leveled: Path) -> None:
    """At step t only from the share c(t) of Platanios et al., and in the end from all rows."""
    plan = planned(leveled, {**COMPETENCE, "power": 2}, iters=200)
    steps = steps_of(plan)
    for step, rows in enumerate(steps):
        share = min(1.0, (step * (1 - 0.1**2) / 200 + 0.1**2) ** 0.5)
        assert max(rows) < max(4, np.ceil(share * 24))
        assert len(set(rows)) == 4
    assert set(shown(steps[100:150])) == set(range(int(np.ceil(24 * (0.75 * 0.99 + 0.01) ** 0.5))))
    assert set(shown(steps[150:])) == set(range(24))


@pytest.mark.parametrize("schedule", ["sequential", "incremental", HYBRID, COMPETENCE, "mixed"])
def test_a_control_shows_the_same_rows_as_often_in_random_order(leveled: Path, schedule: Any) -> None:
    """Exactly the rows, exactly as often, in stages of the same names and lengths, with no level before another."""
    plan, control = (planned(leveled, kind, iters=60) for kind in (schedule, {"kind": "control", "of": schedule}))
    assert control.spread
    assert control.stages == plan.stages
    assert shown(steps_of(control)) == shown(steps_of(plan))
    thirds_of_control = [levels(steps_of(control)[begin : begin + 20]) for begin in (0, 20, 40)]
    assert all(set(part) == set(levels(steps_of(plan))) for part in thirds_of_control)


def test_a_control_with_a_token_budget_shows_the_same_shares(leveled: Path) -> None:
    """Its steps are filled anew, so that the number of rows may differ."""
    budget = {"batch_tokens": 64, "max_seq_length": 64, "batch_size": None, "iters": 60}
    plan, control = (planned(leveled, s, **budget) for s in ("incremental", {"kind": "control", "of": "incremental"}))
    wanted, found = levels(steps_of(plan)), levels(steps_of(control))
    for level in (1, 2, 3):
        assert found[level] / found.total() == pytest.approx(wanted[level] / wanted.total(), abs=0.01)


WAYS = [way(size, 64, packing) for way, size in ((RowsPerStep, 5), (TokensPerStep, 64)) for packing in (False, True)]
SCHEDULES = ["mixed", "sequential", "anti", "incremental", HYBRID, COMPETENCE, {"kind": "control", "of": "incremental"}]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{type(way).__name__}{'-packed' * way.packing}")
@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_every_schedule_goes_on_where_it_stopped(leveled: Path, schedule: Any, way: Any) -> None:
    """From any step on, behind a boundary or at one, the steps are those of a run that was never stopped."""
    replay = 0.3 if schedule in ("sequential", "incremental", HYBRID) else 0.0
    plan = planned(leveled, schedule, replay=replay)
    whole = steps_of(plan, way=way)
    assert len(whole) == 12
    assert all(steps_of(plan, first, way) == whole[first:] for first in (1, 4, 7, 11))


class Heard(nn.Embedding):
    """An embedding that keeps what it was asked for."""

    def __call__(self, tokens: mx.array) -> mx.array:
        self.__dict__.setdefault("asked", []).append(np.asarray(tokens))
        return super().__call__(tokens)


def spelled(tokens: Iterable[int]) -> str:
    return "".join(f"<{token}>" for token in tokens)


class Recorder:
    """A listener that tells after every step which rows went through the model, by their tokens."""

    def __init__(self, learner: Learner) -> None:
        self.learner = learner
        self.embedding = learner.model.model.embed_tokens
        self.embedding.__class__ = Heard
        self.steps: list[list[int]] = []

    def begin(self, values: dict[str, Any]) -> None:
        self.embedding.__dict__["asked"] = []

    def at_rest(self) -> None: ...

    def after(self, step: Step) -> None:
        asked = [spelled(line) for block in self.embedding.__dict__["asked"] for line in block]
        texts = [spelled(row.tokens[:-1]) for row in self.learner.train_rows]
        self.steps.append([n for n, text in enumerate(texts) for _ in range(sum(line.count(text) for line in asked))])
        self.embedding.__dict__["asked"] = []
        assert sorted(step.rows) == self.steps[-1]


PACKED, BUDGET = {"packing": True}, {"batch_tokens": 256, "batch_size": None}
IN_THE_LOOP = [
    ("sequential", PACKED),
    ({"kind": "control", "of": HYBRID}, PACKED),
    pytest.param(COMPETENCE, {**BUDGET, **PACKED}, marks=pytest.mark.slow),
    *[pytest.param(schedule, PACKED, marks=pytest.mark.slow) for schedule in SCHEDULES[:1] + SCHEDULES[2:6]],
    pytest.param("incremental", {}, marks=pytest.mark.slow),
    pytest.param(HYBRID, BUDGET, marks=pytest.mark.slow),
]


LOOP = {**KNOBS, "iters": 6, "grad_accumulation_steps": 1, "mask": "last", "dropout": 0.0, "grad_checkpoint": False}


@pytest.fixture(scope="module")
def learner(make_plan: PlanMaker, leveled: Path, tmp_path_factory: pytest.TempPathFactory) -> Learner:
    """What it has learned does not matter here."""
    plan = make_plan(tmp_path_factory.mktemp("learner"), data=str(leveled), **LOOP)
    return build_learner(plan, read_teaching_rows(leveled, 1), *load_student(plan))


@pytest.mark.parametrize(("schedule", "knobs"), IN_THE_LOOP, ids=str)
def test_the_loop_trains_the_rows_that_the_schedule_says(
    make_plan: PlanMaker, learner: Learner, leveled: Path, schedule: Any, knobs: dict
) -> None:
    """What goes through the model at each step, packed or not, from the start and from the middle of the run."""
    curriculum = {"phases": PHASES, "schedule": schedule, "replay": 0.25 if schedule == "sequential" else 0}
    plan = make_plan(Path("unused"), data=str(leveled), **{**LOOP, **knobs}, curriculum=curriculum)
    learner = replace(learner, views=stage_views(plan.stages, ROWS, "rows"))
    for first in (0, 3):
        recorder = Recorder(learner)
        PunieEngine(plan, learner, first).run(recorder)
        said = staged_order(learner.views, batching(plan), learner.train_rows, learner.seed, first, spread=plan.spread)
        assert recorder.steps == [sorted(step) for step in said]
        assert len(recorder.steps) == 6 - first


@pytest.fixture(scope="module")
def curriculum_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    phases = [{**phase, "iters": iters} for phase, iters in zip(PHASES, (2, 4, 2), strict=True)]
    file = tmp_path_factory.mktemp("curriculum") / "curriculum.yaml"
    write_text(file, yaml.safe_dump({"phases": phases, "schedule": "incremental", "replay": 0.25, "restart": "rate"}))
    return file


@pytest.mark.slow
def test_a_run_tells_of_which_phase_its_rows_were(make_plan: PlanMaker, leveled: Path, curriculum_file: Path) -> None:
    """Every report counts the rows that were learned from; the plan keeps the curriculum, and resumes under it."""
    values = {**KNOBS, "data": str(leveled), "curriculum": str(curriculum_file), "iters": None}
    plan = make_plan(curriculum_file.parent / "run", **values)
    heard: list[Metric] = []
    train(plan, on_metric=heard.append)
    assert [metric.stage for metric in heard if isinstance(metric, StageBegan)] == ["easy", "medium", "hard"]
    told = [metric.phases for metric in heard if isinstance(metric, TrainLoss)]
    assert [set(phases) for phases in told[:2]] == [{"easy"}] * 2
    assert set().union(*told[2:6]) == {"easy", "medium"}
    assert {sum(phases.values()) for phases in told} == {3}
    kept = load_plan(curriculum_file.parent / "run" / "run" / "plan.yaml")
    assert kept.curriculum == plan.curriculum
    assert parse_plan(kept.model_dump(), where="here") == kept


@pytest.mark.parametrize(
    ("phases", "plan", "lengths"),
    [
        (PHASES, {"iters": 100}, [33, 33, 34]),
        (PHASES, {"iters": 100, "grad_accumulation_steps": 4}, [32, 32, 36]),
        (PHASES, {"iters": None, "epochs": 6}, [12, 12, 12]),
        ([{**phase, "epochs": 2} for phase in PHASES], {"iters": None}, [4, 4, 4]),
        ([{**phase, "iters": n} for phase, n in zip(PHASES, (7, 1, 2), strict=True)], {"iters": None}, [7, 1, 2]),
    ],
)
def test_the_lengths_of_stages_follow_from_the_phases_or_the_run(
    leveled: Path, phases: list[dict], plan: dict, lengths: list[int]
) -> None:
    """Equal parts of whole updates where the phases say nothing; and the mixed baseline is as long as all of them."""
    for schedule, wanted in (("sequential", lengths), ("mixed", [sum(lengths)])):
        made = planned(leveled, schedule, curriculum={"phases": phases, "schedule": schedule}, **plan)
        assert [stage.iters for stage in made.stages] == wanted
        assert made.iters == sum(lengths)


def test_a_pass_over_a_stage_with_replay_shows_every_new_row(leveled: Path) -> None:
    """So it is longer by the replayed ones."""
    curriculum = {"phases": [{**phase, "epochs": 1} for phase in PHASES], "replay": 0.5}
    assert [stage.iters for stage in planned(leveled, "", curriculum=curriculum, iters=None).stages] == [2, 4, 4]


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        ({"iters": 2}, "2 optimizer updates cannot have 3 stages"),
        ({"curriculum": TIMED, "iters": None, "epochs": 3}, "makes iters 18, but iters is 3"),
        ({"curriculum": TIMED, "iters": None, "updates": 4}, "makes iters 4, but iters is 3"),
        ({"curriculum": 3}, "a file's name, or a block"),
        ({"curriculum": {"phases": [{**PHASES[0], "epochs": 1}]}, "iters": 40}, "makes iters 2, but iters is 40"),
        ({"curriculum": {"phases": [{**PHASES[0], "epochs": 1}]}, "iters": None, "batch_size": None,
          "batch_tokens": 4096}, "epochs cannot be counted"),
        ({"spread": True}, "What spread says is not what the curriculum beside it says"),
        ({"stages": [{"name": "a", "iters": 12}]}, "What stages says is not what the curriculum"),
        ({"curriculum": {"phases": PHASES, "schedule": COMPETENCE, "restart": "rate"}}, "no place for a restart"),
        ({"curriculum": None, "spread": True}, "spread does nothing without stages"),
    ],
)  # fmt: skip
def test_a_curriculum_that_does_not_fit_its_plan_is_refused(leveled: Path, plan: dict, complaint: str) -> None:
    """With both sides of the contradiction."""
    with pytest.raises(UsageError, match=complaint):
        planned(leveled, "sequential", **plan)


def test_rows_without_the_number_that_orders_them_are_bad_data() -> None:
    """Counted, with the field that was looked for."""
    growth = {"by": "depth", "start": 0.1, "power": 2, "full_after": 1}
    stage = {"name": "a", "iters": 2, "mix": {"parts": [{"phase": "all"}], "growth": growth}}
    plan = TrainingPlan.model_validate({**PATHS, "data": "d", "iters": 2, "stages": [stage]})
    with pytest.raises(DataError, match="24 of 24 rows have no number in field depth"):
        stage_views(plan.stages, ROWS, "rows")


@pytest.mark.slow
def test_mlx_lms_loop_gets_the_same_rows(make_plan: PlanMaker, leveled: Path, tmp_path: Path) -> None:
    """Losses agree with Punie's loop to 1e-4 at every step, and so do the phases that were counted."""
    told = []
    curriculum = {"phases": PHASES, "schedule": {"kind": "control", "of": "sequential"}, "replay": 0.5}
    for engine in ("punie", "mlx-lm"):
        heard: list[Metric] = []
        plan = make_plan(tmp_path / engine, data=str(leveled), curriculum=curriculum, engine=engine, **LOOP)
        train(plan, on_metric=heard.append)
        told.append([metric for metric in heard if isinstance(metric, TrainLoss)])
    ours, theirs = told
    assert [metric.loss for metric in ours] == pytest.approx([metric.loss for metric in theirs], abs=1e-4)
    assert [metric.phases for metric in ours] == [metric.phases for metric in theirs]
