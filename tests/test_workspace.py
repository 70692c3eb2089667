"""Models by name: embedded, on disk, or from a hub through the real client."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from hub import hub_with

from punie.errors import UsageError
from punie.workspace import embedded_model, is_embedded, resolve_model

FILES = {"config.json": b'{"model_type": "llama"}', "model.safetensors": b"weights", "README.md": b"not needed"}
ADAPTER = {"adapters.safetensors": b"weights", "adapter_config.json": b"{}", "run/outcome.json": b"{}", "log.txt": b""}
ASK = "import sys; from punie import workspace; print(getattr(workspace, sys.argv[1])(sys.argv[2]))"

HUB = hub_with({"org/small": FILES, "org/phase1": ADAPTER}, "models")

Ask = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def ask_hub(tmp_path: Path) -> Iterator[Ask]:
    """Resolve a name in a fresh process whose hub is on loopback and whose cache is empty."""
    with ThreadingHTTPServer(("127.0.0.1", 0), HUB) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0"}

        def ask(name: str, resolve: str = "resolve_model") -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-c", ASK, resolve, name]
            return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)

        yield ask
        server.shutdown()


def test_a_hub_model_is_fetched_once(ask_hub: Ask) -> None:
    """A name like org/model becomes a local folder with the model's files and no others."""
    first = ask_hub("org/small")
    assert first.returncode == 0, first.stderr
    folder = Path(first.stdout.strip())
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        name: content for name, content in FILES.items() if name != "README.md"
    }
    assert ask_hub("org/small").stdout == first.stdout


def test_a_hub_model_can_be_asked_for_its_config_alone(ask_hub: Ask) -> None:
    """What is estimated before a download downloads nothing else."""
    found = ask_hub("org/small", "model_config")
    assert found.returncode == 0, found.stderr
    config = Path(found.stdout.strip())
    assert config.read_bytes() == FILES["config.json"]
    assert [file.name for file in config.parent.iterdir()] == ["config.json"]


def test_a_hub_adapter_comes_with_its_record(ask_hub: Ask) -> None:
    """Weights, configuration and what is recorded of its training, and nothing else."""
    ended = ask_hub("org/phase1", "resolve_adapter")
    assert ended.returncode == 0, ended.stderr
    folder = Path(ended.stdout.strip())
    found = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert found == ADAPTER.keys() - {"log.txt"}


@pytest.mark.parametrize("resolve", ["resolve_model", "resolve_adapter"])
@pytest.mark.parametrize(("name", "says"), [("org/absent", "There is no"), ("private/model", "is gated")])
def test_what_the_hub_refuses_is_a_sentence(ask_hub: Ask, name: str, says: str, resolve: str) -> None:
    """A repository that does not exist, or is gated, is an error of ours that names it."""
    ended = ask_hub(name, resolve)
    assert ended.returncode != 0
    sentence = next(line for line in ended.stderr.splitlines() if line.startswith("punie.errors.UsageError: "))
    assert repr(name) in sentence
    assert says in sentence


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    """A path with a config.json is a model; one without is an error that says what is needed."""
    (tmp_path / "config.json").write_text("{}")
    assert resolve_model(str(tmp_path)) == tmp_path.resolve()
    assert not is_embedded(tmp_path)
    with pytest.raises(UsageError, match="no model called") as caught:
        resolve_model(str(tmp_path / "absent"))
    assert "config.json" in caught.value.hint


def test_the_embedded_model_has_a_name() -> None:
    """`tiny` is the model inside the package."""
    assert is_embedded(resolve_model("tiny"))
    assert embedded_model().is_dir()
