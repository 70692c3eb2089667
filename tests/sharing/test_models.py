"""`punie model`: what is here, what it is, and what the hub has."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub import COMMIT
from safetensors.numpy import save_file
from uploads import Shelf

from punie.files import read_json, write_json
from punie.sharing.about import about_model

Punie = Callable[..., Any]


def test_the_list_goes_by_recorded_time(
    punie: Punie, work: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by name: an adapter says when it was finished, whatever copied it; a model goes by its newest file."""
    monkeypatch.chdir(tmp_path)
    for name, finished in (("a", "2026-01-03T00:00:00+00:00"), ("b", "2026-01-01T00:00:00+00:00")):
        shutil.copytree(work / "adapters/mine", tmp_path / "adapters" / name)
        outcome = tmp_path / "adapters" / name / "run/outcome.json"
        write_json(outcome, {**read_json(outcome), "finished": finished})
    shutil.copytree(tiny_model, tmp_path / "models/own")
    for path in (tmp_path / "models/own").iterdir():
        os.utime(path, (1_767_312_000, 1_767_312_000))  # 2026-01-02
    ended = punie("model", "list", "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)["models"]
    assert [one["name"] for one in found] == ["adapters/a", "models/own", "adapters/b", "tiny"]
    assert [one["state"] for one in found] == ["done", "done", "done", "comes along"]


def test_a_made_model_goes_by_its_own_record(
    punie: Punie, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fused or quantized model says when it was made, whatever copied it; neither file times nor names decide."""
    monkeypatch.chdir(tmp_path)
    made = {"a-oldest": "2026-01-01T00:00:00.900+00:00", "c-middle": "2026-01-02T00:00:00.100+00:00"}
    newest = tmp_path / "models/b-newest"
    for name, when in made.items():
        shutil.copytree(tiny_model, tmp_path / "models" / name)
        write_json(tmp_path / "models" / name / "proof.json", {"created": when})
    shutil.copytree(tiny_model, newest / "4-bit")
    write_json(newest / "proof.json", {"created": "2026-01-02T00:00:00.200+00:00"})
    for path in newest.rglob("*"):
        os.utime(path, (0, 0))
    found = json.loads(punie("model", "list", "--json").out)["models"]
    assert [one["name"] for one in found] == ["models/b-newest/4-bit", "models/c-middle", "models/a-oldest", "tiny"]


def test_a_pretraining_that_was_interrupted_is_listed_with_its_state(
    punie: Punie, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no weights yet, and says how far it came."""
    monkeypatch.chdir(tmp_path)
    training = tmp_path / "models/own/training"
    shutil.copytree(work / "adapters/mine", training)
    (training / "run/outcome.json").unlink()
    (found, _) = json.loads(punie("model", "list", "--json").out)["models"]
    assert (found["kind"], found["name"]) == ("model", "models/own")
    assert found["state"].startswith("Not finished")


def test_info_counts_the_parameters(punie: Punie, tmp_path: Path) -> None:
    """As the weights' headers have them; of quantised weights what was packed, without scales and biases."""
    ended = punie("model", "info", "tiny", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["parameters"] == 986_240
    packed, few = np.zeros((8, 4), np.uint32), np.zeros((8, 1), np.float32)
    save_file(
        {"head.weight": packed, "head.scales": few, "head.biases": few, "norm.weight": few},
        str(tmp_path / "model.safetensors"),
    )
    write_json(tmp_path / "config.json", {"model_type": "llama", "quantization": {"bits": 4, "group_size": 32}})
    about = about_model(tmp_path)
    assert (about["parameters"], about["quantisation"]) == (8 * 32 + 8, "4 bits, groups of 32")


def test_info_of_an_adapter_is_its_record(punie: Punie) -> None:
    """What its training wrote down."""
    ended = punie("model", "info", "adapters/mine", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["iterations"] == 2


def test_a_download_is_of_one_commit(punie: Punie, hub: Shelf) -> None:
    """The commit is told, and the folder holds its files and no others."""
    hub.repositories["org/small"] = {"config.json": b"{}", "model.safetensors": b"weights", "photo.png": b"no"}
    ended = punie("model", "download", "org/small", "--json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["commit"] == COMMIT
    assert {path.name for path in Path(told["folder"]).iterdir()} == {"config.json", "model.safetensors"}
    ended = punie("model", "list", "--json")
    assert ("org/small", "hub", f"at {COMMIT[:8]}") in [
        (one["name"], one["kind"], one["state"]) for one in json.loads(ended.out)["models"]
    ]


def test_an_unknown_repository_is_a_sentence(punie: Punie) -> None:
    """Exit code 2."""
    ended = punie("model", "download", "org/absent")
    assert (ended.code, ended.out) == (2, "")
    assert "There is no model called 'org/absent' on the hub" in ended.err
