"""A trained adapter, and `punie` as somebody has it who is logged in to a hub on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Punie, command_line
from huggingface_hub import constants
from uploads import TOKEN, Shelf, uploading

from punie.files import write_jsonl
from punie.training.request import parse_plan
from punie.training.runner import train

SHORT = {"iters": 2, "batch_size": 2, "num_layers": 2, "probes": False}


@pytest.fixture
def hub() -> Iterator[Shelf]:
    with uploading() as shelf:
        yield shelf


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data/rows and adapters/mine."""
    folder = tmp_path_factory.mktemp("work")
    rows = [
        {"prompt": f"What is {number} + 1?", "completion": str(number + 1), "licence": "MIT"} for number in range(8)
    ]
    write_jsonl(folder / "data" / "rows" / "train.jsonl", rows)
    places = {"model": "tiny", "data": str(folder / "data/rows"), "adapter_path": str(folder / "adapters/mine")}
    train(parse_plan({**places, **SHORT}, where="test"))
    return folder


@pytest.fixture
def punie(
    hub: Shelf, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Punie:
    """Run `punie ARGUMENTS` beside what was trained. The client has read its environment before, hence constants."""
    monkeypatch.chdir(work)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for name, value in {
        "ENDPOINT": hub.address,
        "HUGGINGFACE_CO_URL_TEMPLATE": hub.address + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_CACHE": str(tmp_path / "hf"),
    }.items():
        monkeypatch.setattr(constants, name, value)
    return command_line(monkeypatch, capfd)
