"""Checkpoints are asked by the ordinary evaluation: the dev half only, every answer kept, no number without proof."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from punie.errors import DataError, PunieError, UsageError
from punie.evaluation.checkpoints import checkpoint_scorer
from punie.evaluation.runs import read_run
from punie.evaluation.suite import Case, case_row, load_suite
from punie.files import hash_file, write_jsonl
from punie.training.adapter import AdapterFolder
from punie.training.metrics import Scored, append_metric
from punie.training.outcome import read_outcome
from punie.training.plan import TrainingPlan
from punie.training.request import parse_plan
from punie.training.scores import Score

KILLING = Path(__file__).parent.parent / "fakes" / "killing"
KNOBS = {"iters": 6, "batch_size": 2, "learning_rate": 1e-3, "num_layers": 2, "mask": "last", "steps_per_eval": 100}
SCORES = {"score_every": 3, "score_cases": 3, "save_every": 2}


def write_suite(path: Path, half: str = "dev") -> Path:
    """Two cases of each category of the tiny suite, and two more that are only for reporting."""
    cases, taken = [], Counter[str]()
    for case in load_suite("tiny").cases:
        if taken[case.category] < 3:
            taken[case.category] += 1
            cases.append({**case_row(case), "half": half if taken[case.category] < 3 else "test"})
    path.write_text(yaml.safe_dump({"name": "small", "max_tokens": 48, "cases": cases}))
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [
        {"messages": [{"role": "user", "content": f"Say {n}."}, {"role": "assistant", "content": f"{n} and {n}"}]}
        for n in range(8)
    ]
    write_jsonl(tmp_path / "data" / "train.jsonl", rows)
    return tmp_path / "data"


@pytest.fixture
def plan(tmp_path: Path, data: Path, tiny_model: Path) -> TrainingPlan:
    paths = {"model": str(tiny_model), "data": str(data), "adapter_path": str(tmp_path / "run")}
    suite = str(write_suite(tmp_path / "small.yaml"))
    return parse_plan({**paths, **KNOBS, **SCORES, "score_suite": suite}, where="test")


def punie_train(plan: TrainingPlan, *words: str, **hit: str) -> subprocess.CompletedProcess[str]:
    """The command line, in a group of its own; `hit` says when the model server is to send which signal."""
    file = Path(plan.adapter_path).parent / "asked.yaml"
    file.write_text(plan.to_yaml())
    path = os.pathsep.join(filter(None, [str(KILLING), os.environ.get("PYTHONPATH")]))
    armed = {"PYTHONPATH": path, "HIT_IN": "punie.serving.worker", **hit} if hit else {}
    return subprocess.run(
        [sys.executable, "-m", "punie", "train", "--config", str(file), *words],
        env={**os.environ, **armed},
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_only_the_dev_half_is_asked_all_categories_alike(plan: TrainingPlan) -> None:
    """As many cases as the plan says, from every category in turn."""
    whole = checkpoint_scorer(plan.model_copy(update={"score_cases": None})).suite
    bounded = checkpoint_scorer(plan.model_copy(update={"score_cases": 5})).suite
    assert {case.half for case in whole.cases} == {"dev"}
    assert len(whole.cases) == 8
    assert sorted(Counter(case.category for case in bounded.cases).values()) == [1, 1, 1, 2]


def test_what_makes_scores_worthless_is_refused_before_training(plan: TrainingPlan, data: Path) -> None:
    """No dev half, or one that the rows teach; cases that are others than those of earlier scores."""
    suite, folder = Path(str(plan.score_suite)), AdapterFolder.of(plan)
    folder.run.mkdir(parents=True)
    append_metric(folder.metrics, Scored(iteration=3, score=Score(3, "small:dev", "other"), left=1))
    refused(plan, UsageError, "have changed since the run began")
    folder.metrics.unlink()
    cases = load_suite(str(suite)).cases
    write_jsonl(data / "train.jsonl", map(taught, cases))
    refused(plan, DataError, "teach every case")
    write_jsonl(data / "train.jsonl", map(taught, cases[:1]))
    scorer = checkpoint_scorer(plan.model_copy(update={"score_cases": None}))
    assert list(scorer.taught) == [cases[0].id]
    assert cases[0] not in scorer.suite.cases
    write_suite(suite, half="test")
    refused(plan, UsageError, "no case in its dev half")


def taught(case: Case) -> dict:
    return {"messages": [*case.messages, {"role": "assistant", "content": case.expect.reference()}]}


def refused(plan: TrainingPlan, error: type[PunieError], words: str) -> None:
    with pytest.raises(error, match=words):
        checkpoint_scorer(plan)


@pytest.mark.slow
def test_a_run_is_scored_from_the_command_line(plan: TrainingPlan) -> None:
    """Every answer lies in an evaluation folder; counts are those of its trials; the last word is that it chose."""
    done = punie_train(plan.model_copy(update={"select": "score"}))
    assert done.returncode == 0, done.stderr
    folder = Path(plan.adapter_path)
    scores = read_outcome(folder).scores
    assert [score.iteration for score in scores] == [3, 6]
    for score in scores:
        run = read_run(AdapterFolder(folder).scored(score.iteration))
        assert run.record.suites[0].half == "dev"
        assert (score.right, score.counted) == (sum(trial.right for trial in run.trials), len(run.trials))
        assert score.answers == len(run.trials) == 3
        assert score.low <= score.share <= score.high
        assert score.written >= score.parsable
    assert "Scores: 3 cases of small:dev, 2 times." in done.stderr
    assert "The result comes from the test half." in done.stderr
    assert "How it scored on the way" in (folder / "run" / "report.html").read_text()


@pytest.mark.slow
def test_a_dead_server_is_a_reason_and_no_end(plan: TrainingPlan) -> None:
    """Training goes on to its last step, and says at which iterations there is no score."""
    done = punie_train(plan, HIT_AT="open config.json 1", HIT_WITH="SIGKILL", HIT_WHOM="self")
    assert done.returncode == 0, done.stderr
    scores = read_outcome(Path(plan.adapter_path)).scores
    assert [score.iteration for score in scores] == [3, 6]
    assert all("The model server ended with code -9" in score.failure for score in scores)
    assert "no score: The model server ended" in done.stderr


def stopped_while_scored(plan: TrainingPlan) -> None:
    stopped = punie_train(plan, HIT_AT="open config.json 1", HIT_WITH="SIGINT", HIT_WHOM="parent")
    assert stopped.returncode == 130, stopped.stderr
    assert "3 iterations are saved" in stopped.stderr
    assert "Go on with: punie train" in stopped.stderr


def test_ctrl_c_while_it_is_scored_saves(plan: TrainingPlan) -> None:
    """Exit code 130, and the command that goes on."""
    stopped_while_scored(plan)


@pytest.mark.slow
def test_a_run_that_was_stopped_while_it_is_scored_goes_on(plan: TrainingPlan, tmp_path: Path) -> None:
    """It ends in the weights of one that was never scored."""
    stopped_while_scored(plan)
    assert punie_train(plan, "--resume").returncode == 0
    unscored = dict.fromkeys(("score_suite", "score_every", "score_cases"))
    alone = plan.model_copy(update={**unscored, "adapter_path": str(tmp_path / "alone")})
    assert punie_train(alone).returncode == 0
    weights = [folder / "adapters.safetensors" for folder in (Path(plan.adapter_path), tmp_path / "alone")]
    assert hash_file(weights[0]) == hash_file(weights[1])
