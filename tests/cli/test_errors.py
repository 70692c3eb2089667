"""Wrong input: one clear error, its exit code, and nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Punie = Callable[..., Any]

CHAT = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}


def write_rows(folder: Path, *rows: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["eval", "--output", "r", "--model", "no/such/model"], 2, "no model called"),
        (["eval", "--output", "r", "--model", "org/unknown"], 2, "hub cannot be reached"),
        (["eval", "--output", "r", "--suite", "nosuch"], 2, "no suite called"),
        (["eval", "--output", "r", "--adapter", "nowhere"], 2, "nowhere"),
        (["eval", "--output", "r", "--concurrency", "0"], 2, "concurrency"),
        (["eval", "--output", "r", "--top-p", "0.9"], 2, "does nothing at temperature 0"),
        (["train", "nowhere"], 2, "no train.jsonl"),
        (["train", "nowhere", "--rank", "0"], 2, "rank"),
        (["train", "nowhere", "--schedule", "wavy"], 2, "schedule"),
        (["train", "nowhere", "--config", "missing.yaml"], 2, "missing.yaml"),
        (["train", "nowhere", "--report-to", "paper"], 2, "no tracker called paper"),
        (["dataset", "download", "nosuch"], 2, "no dataset called"),
        (["dataset", "download", "sample", "--max", "3"], 2, "too few"),
        (["dataset", "validate", "nowhere"], 2, "no such dataset"),
        (["compare", "a", "b"], 2, "run.json"),
        (["rescore", "a"], 2, "run.json"),
        (["pretrain", "missing.yaml"], 2, "missing.yaml"),
        (["nosuch"], 2, "nosuch"),
        (["train"], 2, "does not say data"),
    ],
)
def test_wrong_input_is_one_clear_error(punie: Punie, arguments: list[str], code: int, says: str) -> None:
    """Each mistake ends with its exit code and a sentence that names it, on standard error only."""
    ended = punie(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "empty"),
        ([CHAT, {"messages": []}], "train.jsonl:2"),
        ([{"question": "?"}], "neither messages"),
        ([CHAT, {"messages": [{"role": "user", "content": "hi"}]}], "at least two"),
    ],
)
def test_bad_rows_are_named_by_line(punie: Punie, rows: list[object], says: str) -> None:
    """Data that cannot be taught from is exit code 3, with the file and line of each row."""
    ended = punie("dataset", "validate", write_rows(Path("d"), *rows))
    assert ended.code == 3
    assert says in ended.err


def test_broken_json_is_named_by_line(punie: Punie) -> None:
    """A line that is not JSON is exit code 3 at that line."""
    write_rows(Path("d"), CHAT)
    with Path("d/train.jsonl").open("a") as file:
        file.write('{"messages": [\n')
    ended = punie("dataset", "validate", "d")
    assert ended.code == 3
    assert "train.jsonl:2" in ended.err


def test_an_output_in_use_is_left_alone(punie: Punie) -> None:
    """A folder with something in it is never written over."""
    Path("out").mkdir()
    Path("out/mine.txt").write_text("mine")
    write_rows(Path("d"), *[CHAT] * 8)
    for arguments in (["dataset", "download", "sample"], ["train", "d"], ["eval"]):
        ended = punie(*arguments, "--output", "out")
        assert ended.code == 2, ended
        assert os.listdir("out") == ["mine.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_forbidden_folder_is_a_sentence(punie: Punie) -> None:
    """No permission is exit code 2, not a traceback."""
    Path("locked").mkdir(mode=0o555)
    ended = punie("dataset", "download", "sample", "--output", "locked/x")
    assert ended.code == 2
    assert "Cannot write here" in ended.err


def test_a_file_where_a_folder_should_be_is_a_sentence(punie: Punie) -> None:
    """An output path that runs through a file is exit code 2."""
    Path("file").write_text("")
    ended = punie("dataset", "download", "sample", "--output", "file/x")
    assert ended.code == 2
    assert "file" in ended.err


def test_a_taken_port_is_refused_before_weights_load(punie: Punie) -> None:
    """A port somebody else has is exit code 6 and names the port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = punie("eval", "--output", "r", "--port", port)
    assert ended.code == 6
    assert str(port) in ended.err


def test_a_model_without_chat_template_is_refused(punie: Punie, tiny_model: Path) -> None:
    """A base model that has no chat template cannot be asked chats; the error says so."""
    shutil.copytree(tiny_model, "base")
    Path("base/chat_template.jinja").unlink()
    ended = punie("eval", "--model", "base", "--output", "r")
    assert ended.code == 2, ended.err
    assert "chat template" in ended.err


def test_a_bug_of_ours_is_exit_code_one(punie: Punie, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error nobody foresaw is called a bug, and --debug is named."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("punie.data.check.validation.validate", broken)
    ended = punie("dataset", "validate", "d")
    assert ended.code == 1
    assert "ZeroDivisionError" in ended.err
    assert "--debug" in ended.err
