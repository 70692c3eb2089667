"""`punie train` and bad input: an exit code and a sentence each, and nothing that was there is lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from punie.errors import InterruptedRun
from punie.files import hash_file, write_jsonl
from punie.training.adapter import AdapterFolder
from punie.training.request import parse_plan
from punie.training.runner import train

Punie = Callable[..., Any]

TEXT = {"text": "def f(): pass"}
QUICK = ("--iters", 1, "--batch-size", 2)


def chat(number: int) -> dict:
    return {"messages": [{"role": "user", "content": f"{number}"}, {"role": "assistant", "content": "one. " * 9}]}


CHATS = [chat(number) for number in range(4)]


@pytest.mark.parametrize(
    ("splits", "options", "code", "says"),
    [
        ({}, (), 2, "no train.jsonl here"),
        ({"valid": CHATS}, (), 2, "no train.jsonl here"),
        ({"train": []}, (), 3, "no training rows"),
        ({"train": CHATS}, ("--batch-size", 5), 3, "4 training rows, fewer than the 5 of one batch"),
        ({"train": CHATS, "valid": CHATS[:1]}, ("--patience", 0), 2, "patience"),
        ({"train": CHATS}, ("--patience", 2), 2, "no valid.jsonl here"),
        ({"train": [*CHATS, TEXT]}, QUICK, 3, "train.jsonl:5"),
        ({"train": [*CHATS, {"messages": []}]}, QUICK, 3, "train.jsonl:5"),
        (
            {"train": CHATS},
            (*QUICK, "--max-seq-length", 4, "--mask", "last"),
            3,
            "Nothing can be learned from rows 1, 2",
        ),
        ({"train": CHATS}, (*QUICK, "--max-seq-length", 4, "--overlong", "drop"), 3, "No row is left: all 4"),
        ({"train": CHATS}, ("--optimizer", "lion"), 2, "'adam', 'adamw', 'sgd' or 'muon'"),
        ({"train": CHATS}, ("--learning-rate", 0), 2, "learning_rate is 0"),
        ({"train": CHATS}, ("--learning-rate", 50), 2, "destroys the model"),
        ({"train": CHATS}, ("--model", "data"), 2, "no model called"),
        ({"train": CHATS}, (*QUICK, "--memory-limit", 1e-4), 4, "this run may use 0.00 GB"),
    ],
)
def test_what_cannot_be_trained_is_said_and_leaves_no_folder(
    punie: Punie, splits: dict[str, list], options: tuple, code: int, says: str
) -> None:
    """Before the first step; the corrected command finds the output folder as it was."""
    Path("data").mkdir()
    for split, rows in splits.items():
        write_jsonl(Path("data", f"{split}.jsonl"), rows)
    ended = punie("train", "data", "--output", "run", *options)
    assert (ended.code, ended.out) == (code, ""), ended.err
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert not Path("run").exists()


@pytest.mark.parametrize("valid", [pytest.param([], marks=pytest.mark.slow), CHATS[:1]])
def test_a_validation_set_may_be_small(punie: Punie, valid: list) -> None:
    """An empty one is none, and one that is smaller than a batch is looked at whole."""
    for split, rows in {"train": CHATS, "valid": valid}.items():
        write_jsonl(Path("data", f"{split}.jsonl"), rows)
    ended = punie("train", "data", "--output", "run", *QUICK, "--json")
    assert ended.code == 0, ended.err
    assert (json.loads(ended.out)["valid_loss"] is None) == (not valid)


@pytest.mark.slow
def test_a_model_of_an_unknown_kind_is_refused(punie: Punie, tiny_model: Path) -> None:
    """With the folder, and what a model folder needs."""
    shutil.copytree(tiny_model, "model")
    config = json.loads(Path("model/config.json").read_text())
    Path("model/config.json").write_text(json.dumps({**config, "model_type": "nonesuch"}))
    write_jsonl(Path("data/train.jsonl"), CHATS)
    ended = punie("train", "data", "--output", "run", "--model", "model", *QUICK)
    assert (ended.code, ended.out) == (2, "")
    assert "Model type nonesuch not supported" in ended.err
    assert not Path("run").exists()


@pytest.fixture(scope="module")
def stopped(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, data and a run that was asked to stop at its first save."""
    home = tmp_path_factory.mktemp("stopped")
    shutil.copytree(tiny_model, home / "model")
    write_jsonl(home / "data" / "train.jsonl", CHATS)
    paths = {"model": str(home / "model"), "data": str(home / "data"), "adapter_path": str(home / "run")}
    knobs = {"iters": 2, "batch_size": 2, "num_layers": 1, "rank": 2, "save_every": 1, "steps_per_report": 1}
    hit = {"IN": "training.worker", "AT": "os.rename state.safetensors 1", "WITH": "SIGTERM", "WHOM": "self"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in hit.items():
            patch.setenv(f"HIT_{name}", value)
        patch.setenv("PYTHONPATH", str(Path(__file__).parent.parent / "fakes" / "killing"), prepend=":")
        with pytest.raises(InterruptedRun):
            train(parse_plan({**paths, **knobs}, where="test"))
    return home


def other_rows(home: Path) -> None:
    write_jsonl(home / "data" / "train.jsonl", CHATS[::-1])


def no_rows(home: Path) -> None:
    (home / "data" / "train.jsonl").unlink()


def other_model(home: Path) -> None:
    config = json.loads((home / "model" / "config.json").read_text())
    (home / "model" / "config.json").write_text(json.dumps({**config, "note": 1}))


def other_shape(home: Path) -> None:
    state = AdapterFolder(home / "run").state
    with safe_open(state, "numpy") as file:
        arrays, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    save_file({name: array[..., :1] if "lora_a" in name else array for name, array in arrays.items()}, state, metadata)


def no_state(home: Path) -> None:
    AdapterFolder(home / "run").state.write_bytes(b"no state")


@pytest.mark.parametrize(
    ("change", "options", "code", "says"),
    [
        (None, ("--rank", 4, "--seed", 3), 2, "rank was 2, is 4; seed was 0, is 3"),
        (other_rows, (), 3, "data has changed since the run was saved"),
        (no_rows, (), 2, "no train.jsonl here"),
        (other_model, (), 3, "model has changed since the run was saved"),
        (other_shape, (), 2, "saved state belongs to another model"),
        (no_state, (), 2, "not a saved training state"),
    ],
)
def test_a_run_that_cannot_go_on_says_why_and_keeps_what_it_has(
    punie: Punie,
    stopped: Path,
    tmp_path: Path,
    change: Callable[[Path], None] | None,
    options: tuple,
    code: int,
    says: str,
) -> None:
    """Plan, data, model and state must be those it began with; the saved state is not touched."""
    home = shutil.copytree(stopped, tmp_path / "home")
    plan, state = AdapterFolder(home / "run").plan, AdapterFolder(home / "run").state
    plan.write_text(plan.read_text().replace(str(stopped), str(home)))
    if change is not None:
        change(home)
    saved = hash_file(state)
    ended = punie("train", "--config", plan, "--resume", *options)
    assert (ended.code, ended.out) == (code, ""), ended.err
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert hash_file(state) == saved


def test_the_folder_of_another_run_is_not_written_to(punie: Punie, stopped: Path) -> None:
    """Nor of one that was stopped, which can go on."""
    write_jsonl(Path("data/train.jsonl"), CHATS)
    ended = punie("train", "data", "--output", stopped / "run", *QUICK)
    assert (ended.code, ended.out) == (2, "")
    assert "in use" in ended.err
    assert "--resume" in ended.err
