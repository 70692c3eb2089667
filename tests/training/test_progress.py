"""What a saved state says about itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from punie.errors import UsageError
from punie.training.progress import Progress, read_progress

PROGRESS = Progress(model_hash="m", data_hash="d", iteration=4, stage="easy")


def state(folder: Path, metadata: dict[str, str]) -> Path:
    header = json.dumps({"__metadata__": metadata}).encode()
    path = folder / "state.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


def test_progress_survives_its_file(tmp_path: Path) -> None:
    """It is read without the weights."""
    assert read_progress(state(tmp_path, PROGRESS.to_metadata())) == PROGRESS


def test_a_state_of_another_version_is_not_gone_on_from(tmp_path: Path) -> None:
    """It may hold the same fields and mean another order of the rows."""
    older = {**PROGRESS.to_metadata(), "format": "punie-state-1"}
    with pytest.raises(UsageError, match="punie-state-1") as caught:
        read_progress(state(tmp_path, older))
    assert "new folder" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"\x02\0\0\0\0\0\0\0{}", b"\x04\0\0\0\0\0\0\0true"])
def test_another_file_is_no_state(tmp_path: Path, content: bytes) -> None:
    """Whatever lies under its name."""
    (tmp_path / "state.safetensors").write_bytes(content)
    with pytest.raises(UsageError, match="not a saved training state"):
        read_progress(tmp_path / "state.safetensors")
