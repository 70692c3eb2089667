"""Adapters: whole, or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from punie.errors import UsageError
from punie.training.adapter import read_adapter

from .conftest import FinishedRun


def test_a_finished_run_is_an_adapter(finished: FinishedRun) -> None:
    """Base model, configuration and hash are those of the run."""
    adapter = read_adapter(finished.folder)
    assert adapter.base_model == finished.outcome.model
    assert adapter.hash == finished.outcome.adapter_hash
    keys = ["mlp.down_proj", "self_attn.q_proj", "self_attn.v_proj"]
    assert adapter.config["lora_parameters"] == {"rank": 4, "scale": 2.0, "dropout": 0.1, "keys": keys}


@pytest.mark.parametrize("missing", ["adapters.safetensors", "adapter_config.json"])
def test_half_an_adapter_is_refused(finished: FinishedRun, tmp_path: Path, missing: str) -> None:
    """The error names what is missing."""
    shutil.copytree(finished.folder, tmp_path / "half")
    (tmp_path / "half" / missing).unlink()
    with pytest.raises(UsageError, match=missing):
        read_adapter(tmp_path / "half")
