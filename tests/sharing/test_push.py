"""`punie push` through the real client, to a hub on loopback."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from uploads import TOKEN, Shelf

from punie import fingerprint
from punie.files import read_json, write_json

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # The client's own, on every upload.

Punie = Callable[..., Any]

ADAPTER = {"README.md", "adapter_config.json", "adapters.safetensors", "run/outcome.json", "run/plan.yaml"}
SUITE = """\
name: sums
description: Sums.
cases:
- {id: a, category: sums, messages: [{role: user, content: "What is 12 + 30?"}], expect: {kind: number, value: 42}}
- {id: b, category: sums, messages: [{role: user, content: "What is 2 + 3?"}], expect: {kind: number, value: 5}}
"""


def test_an_adapter_arrives_with_what_is_known_of_it(punie: Punie, hub: Shelf, work: Path, tmp_path: Path) -> None:
    """Private, whole, without a path of this machine; the card has data, training and hashes, and claims no more."""
    ended = punie("push", "adapters/mine", "--repo", "user/mine", "--license", "mit", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["private"] is True
    assert hub.private == {"user/mine"}
    files = hub.repositories["user/mine"]
    assert files.keys() == ADAPTER
    assert not [name for name, body in files.items() if str(work).encode() in body or TOKEN.encode() in body]
    there = written(files, tmp_path / "there")
    assert read_json(there / "run/outcome.json")["adapter_hash"] == fingerprint.adapter(there)
    card = (there / "README.md").read_text()
    assert card.startswith("---\nlicense: mit\n")
    assert "| licences of rows | MIT 8 |" in card
    assert "| seed | 0 |" in card
    assert "Not known: these weights were not evaluated" in card
    assert f"| hash when evaluated | {fingerprint.adapter(work / 'adapters/mine')} (" in card


def written(files: dict[str, bytes], folder: Path) -> Path:
    for name, body in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    return folder


@pytest.mark.slow
def test_the_card_has_the_numbers_of_these_weights(
    punie: Punie, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An evaluation that is found by the adapter's hash, with its interval, and what came of the model alone."""
    shutil.copytree(work / "adapters", tmp_path / "adapters")
    monkeypatch.chdir(tmp_path)
    Path("sums.yaml").write_text(SUITE)
    asked = ["eval", "--suite", "sums.yaml", "--half", "all", "--allow-noop-adapter", "--output"]
    assert punie(*asked, "reports/base").code == 0
    assert punie(*asked, "reports/mine", "--adapter", "adapters/mine").code == 0
    ended = punie("push", "adapters/mine", "--repo", "user/mine", "--dry-run", "--json")
    assert ended.code == 0, ended.err
    card = json.loads(ended.out)["card"]
    assert "| suite (half) | right | share | 95% interval | evaluated |" in card
    assert re.search(
        r"^\| sums \(test\) \| \d of 2 \| [\d.]+% \| [\d.]+ to [\d.]+% \| \d{4}-\d\d-\d\d \|$", card, re.M
    ), card
    assert "sums (test), beside the model alone: " in card
    ended = punie("push", "adapters/mine", "--repo", "user/mine", "--dry-run", "--evaluation", "reports/base")
    assert ended.code == 2
    assert "measured other weights" in ended.err


def test_a_dry_run_lists_and_sends_nothing(punie: Punie, hub: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file with its size and the card, without a login, without a hub."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    ended = punie("push", "adapters/mine", "--repo", "user/mine", "--dry-run", "--json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["files"].keys() == ADAPTER
    assert told["card"].startswith("---\n")
    assert not hub.repositories


def test_the_card_of_a_fused_model_says_what_it_was_made_of(punie: Punie, tiny_model: Path, tmp_path: Path) -> None:
    """Its base model, as the hub reads it, and both hashes."""
    model = tmp_path / "fused"
    shutil.copytree(tiny_model, model)
    made_of = {"model": "org/base", "model_hash": "sha256:1", "adapter": "mine", "adapter_hash": "sha256:2"}
    write_json(model / "proof.json", {"made_of": made_of})
    ended = punie("push", model, "--repo", "user/fused", "--dry-run", "--json")
    card = json.loads(ended.out)["card"]
    assert "base_model: org/base\n" in card
    assert "`mine` fused into `org/base`" in card
    assert "| adapter that it was fused from | mine, sha256:2 |" in card


def test_what_arrived_before_a_break_is_not_sent_again(
    punie: Punie, hub: Shelf, tiny_model: Path, tmp_path: Path
) -> None:
    """The command that the error names ends the upload of a model in shards, and nothing was to be seen before."""
    model = tmp_path / "fused"
    shutil.copytree(tiny_model, model)
    weights = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").unlink()
    for part in (1, 2):
        (model / f"model-0000{part}-of-00002.safetensors").write_bytes(weights + bytes([part]))
    hub.loses_after = 1
    ended = punie("push", model, "--repo", "user/fused")
    assert ended.code == 2
    assert "broke off" in ended.err
    assert not hub.repositories["user/fused"]
    again = ended.err.strip().rpartition("by: punie ")[2].split()
    ended = punie(*again)
    assert ended.code == 0, ended.err
    assert len(hub.arrived) == len(set(hub.arrived)) == 2
    assert "model-00002-of-00002.safetensors" in hub.repositories["user/fused"]


def test_a_second_push_takes_the_place_of_the_first(punie: Punie, hub: Shelf) -> None:
    """Records of an earlier adapter do not stay beside the weights of this one; other files do."""
    assert punie("push", "adapters/mine", "--repo", "user/mine").code == 0
    hub.repositories["user/mine"] |= {"run/matrix.json": b"{}", "notes.txt": b"mine"}
    assert punie("push", "adapters/mine", "--repo", "user/mine").code == 0
    assert hub.repositories["user/mine"].keys() == ADAPTER | {"notes.txt"}


@pytest.mark.parametrize(
    ("repository", "more", "changed", "says"),
    [
        ("mine", [], {}, "no name of a repository"),
        ("user/mine", [], {"HF_HUB_OFFLINE": True}, "switched off by HF_HUB_OFFLINE"),
        ("user/mine", [], {"ENDPOINT": "http://127.0.0.1:9"}, "The hub cannot be reached"),
        ("other/mine", [], {}, "may not write to 'other/mine'"),
        ("user/hidden", [], {}, "'user/hidden' is taken by a repository that this login cannot see"),
        ("user/book", [], {}, "'user/book' is taken by a repository that punie did not make"),
        ("user/open", [], {}, "'user/open' is public already"),
        ("user/book", ["--public"], {}, "'user/book' is private already"),
    ],
)
def test_a_refusal_is_one_sentence(
    punie: Punie,
    hub: Shelf,
    monkeypatch: pytest.MonkeyPatch,
    repository: str,
    more: list[str],
    changed: dict[str, object],
    says: str,
) -> None:
    """Whatever stands in the way: exit code 2, what and what to do, and nothing is on the hub that was not."""
    hub.hidden.add("user/hidden")
    hub.repositories |= {"user/book": {"book.txt": b"once"}, "user/open": {}}
    hub.private.add("user/book")
    for name, value in changed.items():
        monkeypatch.setattr(constants, name, value)
    require_refused(punie("push", "adapters/mine", "--repo", repository, *more), says)
    assert not hub.commits


@pytest.mark.parametrize(("token", "says"), [("", "Nobody is logged in"), ("hf_wrong", "does not know this login")])
def test_a_login_is_needed(
    punie: Punie, hub: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str, says: str
) -> None:
    """None, or one that the hub does not know."""
    monkeypatch.setenv("HF_TOKEN", token)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    require_refused(punie("push", "adapters/mine", "--repo", "user/mine"), says)
    assert not hub.commits


def require_refused(ended: Any, says: str) -> None:
    assert ended.code == 2, ended.err
    assert says in ended.err
    assert "Traceback" not in ended.err


def test_weights_that_are_not_those_of_the_record(punie: Punie, work: Path, tmp_path: Path) -> None:
    """No card tells of a training that made other weights."""
    shutil.copytree(work / "adapters" / "mine", tmp_path / "changed")
    config = read_json(tmp_path / "changed" / "adapter_config.json")
    (tmp_path / "changed" / "adapter_config.json").write_text(json.dumps({**config, "rank": 3}))
    ended = punie("push", tmp_path / "changed", "--repo", "user/mine", "--dry-run")
    require_refused(ended, "not those that run/outcome.json tells of")


def test_a_push_that_fails_does_not_lose_the_run(
    punie: Punie, work: Path, hub: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The adapter is there, named after the repository, and the command that is told pushes it."""
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    train = ["train", "data/rows", "--iters", "1", "--batch-size", "2", "--num-layers", "1", "--no-probes"]
    ended = punie(*train, "--output-repo", "user/late")
    require_refused(ended, "The run is done and kept, and was not pushed: The hub cannot be reached")
    assert (work / "adapters/late/adapters.safetensors").is_file()
    monkeypatch.setattr(constants, "ENDPOINT", hub.address)
    ended = punie(*ended.err.strip().rpartition("Push it with: punie ")[2].split())
    assert ended.code == 0, ended.err
    assert hub.repositories["user/late"].keys() == ADAPTER


def test_a_run_that_could_not_be_pushed_is_not_begun(punie: Punie, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits a night to be told that nobody is logged in."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    require_refused(punie("train", "data/rows", "--output-repo", "user/never"), "switched off")
    assert not (work / "adapters/never").exists()
