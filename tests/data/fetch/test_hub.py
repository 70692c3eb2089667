"""Datasets of a hub, through the real client, from a hub on loopback."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hub import COMMIT, Hub, hub_with

from punie.data.dataset import read_manifest
from punie.data.fetch.download import find_shortcut
from punie.data.fetch.shortcuts import SHORTCUTS
from punie.errors import UsageError
from punie.files import read_jsonl

Row = dict[str, Any]
Punie = Callable[..., subprocess.CompletedProcess[str]]

PAIRS: list[Row] = [{"question": f"q{number}", "answer": f"a{number}", "level": number} for number in range(30)]


def lines(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet_of(rows: list[Row]) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    out = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), out)
    return out.getvalue()


@contextmanager
def serving(
    repositories: Mapping[str, Mapping[str, bytes]], folder: Path
) -> Iterator[tuple[type[Hub], dict[str, str]]]:
    """A hub with these datasets, and the environment of a client that uses it and has an empty cache."""
    known = {name: dict(files) for name, files in repositories.items()}
    hub = hub_with(known, "datasets")
    with ThreadingHTTPServer(("127.0.0.1", 0), hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        for files in known.values():
            files |= {
                name: body.replace(b"ADDRESS", address.encode()) for name, body in files.items() if "urls" in name
            }
        yield hub, {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "0"}
        server.shutdown()


def run(folder: Path, environment: dict[str, str], *command: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, *map(str, command)]
    return subprocess.run(words, capture_output=True, text=True, env=environment, cwd=folder, timeout=60, check=False)


@contextmanager
def hub(folder: Path, name: str, files: Mapping[str, bytes], **changed: str) -> Iterator[tuple[Punie, type[Hub]]]:
    """`punie dataset download ...` in a folder, where the hub has one dataset."""
    with serving({name: files}, folder) as (handler, environment):
        yield partial(run, folder, {**environment, **changed}, "-m", "punie", "dataset", "download"), handler


def rows(folder: Path, split: str = "train") -> list[Row]:
    return [row for _, row in read_jsonl(folder / f"{split}.jsonl")]


def test_three_splits_at_a_commit(tmp_path: Path) -> None:
    """Splits keep their names, --max is shared among them, and the commit is written down."""
    files = {
        "train.jsonl": lines(PAIRS),
        "validation.jsonl": lines(PAIRS),
        "data/test.jsonl.gz": gzip.compress(lines(PAIRS)),
    }
    with hub(tmp_path, "org/pairs", files) as (punie, _):
        ended = punie("org/pairs", "--max", 20, "--json")
    assert ended.returncode == 0, ended.stderr
    manifest = read_manifest(tmp_path / "data/pairs")
    assert json.loads(ended.stdout) == manifest.model_dump(mode="json")
    assert manifest.counts == {"train": 18, "valid": 1, "test": 1}
    assert manifest.recipe["commit"] == COMMIT
    assert manifest.recipe["files"] == ["train.jsonl", "validation.jsonl", "data/test.jsonl.gz"]
    first = rows(tmp_path / "data/pairs")[0]
    assert (first["prompt"], first["completion"], first["metadata"]["level"]) == ("q0", "a0", 0)


def test_no_more_is_read_than_asked_for(tmp_path: Path) -> None:
    """The connection ends after --max rows: a file of 64 MB is not transferred for three of them."""
    files = {"train.jsonl": lines(PAIRS[:3]) + b"not json\n" * (64_000_000 // 9)}
    with hub(tmp_path, "org/pairs", files) as (punie, handler):
        ended = punie("org/pairs", "--max", 3)
        assert ended.returncode == 0, ended.stderr
    assert handler.cut_short
    assert read_manifest(tmp_path / "data/pairs").removed == {}


def test_parquet_with_columns(tmp_path: Path) -> None:
    """Parquet shards are read one after the other, with the columns that were named, at a revision."""
    files = {f"data/train-{part}-of-2.parquet": parquet_of(PAIRS[part * 15 : part * 15 + 15]) for part in range(2)}
    with hub(tmp_path, "org/pairs", files) as (punie, _):
        ended = punie("org/pairs", "--columns", "text=answer", "--revision", COMMIT, "--output", "out", "--max", 20)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("\n") == 1, "no progress bars in a log"
    assert [row["text"] for row in rows(tmp_path / "out")] == [f"a{number}" for number in range(20)]
    assert read_manifest(tmp_path / "out").recipe["columns"] == {"text": "answer"}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["org/absent"], 2, "There is no dataset called 'org/absent' on the hub"),
        (["private/set"], 2, "'private/set' is gated"),
        (["org/odd", "--revision", "nosuch"], 2, "has no such revision"),
        (["org/odd"], 3, "premise, label"),
        (["org/odd", "--columns", "text=body"], 3, "premise, label"),
        (["org/odd", "--split", "dev"], 2, "Give --split, one of: train"),
    ],
)
def test_a_refusal_is_one_sentence(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    """Unknown, gated, or not understood: the exit code, the reason, and nothing written."""
    with hub(tmp_path, "org/odd", {"train.jsonl": lines([{"premise": 1, "label": 2}])}) as (punie, _):
        ended = punie(*arguments)
    assert (ended.returncode, ended.stdout) == (code, ""), ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data").exists() or not os.listdir(tmp_path / "data")


@pytest.mark.parametrize("how", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}], ids=["told", "alone"])
def test_without_a_network_it_says_so(tmp_path: Path, how: dict[str, str]) -> None:
    """Offline by choice or not, the sentence is the same, and names what needs no network."""
    with hub(tmp_path, "org/pairs", {"train.jsonl": lines(PAIRS)}, **how) as (punie, _):
        ended = punie("org/pairs")
    assert ended.returncode == 2
    assert "The hub cannot be reached" in ended.stderr
    assert "download sample" in ended.stderr


# Shortcuts: small files of the shape that the dataset cards describe.

CODE = "def f(x):\n    return x\n"
HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": "def f(x):\n",
    "canonical_solution": "    return x\n",
    "test": "def check(candidate):\n    assert candidate(1) == 1\n",
    "entry_point": "f",
}
MBPP = {"task_id": 1, "text": "Give it back.", "code": CODE, "test_list": ["assert f(1) == 1"], "test_setup_code": ""}
KODCODE = {
    "question_id": "K_1",
    "question": "Give it back.",
    "solution": CODE,
    "test": "from solution import f\n\ndef test_f():\n    assert f(1) == 1\n",
    "style": "instruct",
}
STRANDSET = {
    "crate_name": "c",
    "task_category": "code_search",
    "input_data": "{'query': 'sort'}",
    "output_data": '{"code_snippet": "v.sort()"}',
    "test": "",
}
GLAIVE = {"system": "SYSTEM: You are helpful.", "chat": "USER: Hi\n\n\nASSISTANT: Hello <|endoftext|>\n\n\n"}


def shortcut_files() -> dict[str, dict[str, bytes]]:
    skipped, taken = b"ADDRESS/http/books/a.json.gz\n", b"ADDRESS/http/wiki/b.json.gz\n"
    return {
        "strandset-rust-v1": {"data/train-0-of-1.parquet": parquet_of([STRANDSET])},
        "humaneval": {"openai_humaneval/test-0-of-1.parquet": parquet_of([HUMANEVAL])},
        "mbpp": {
            "full/train-0-of-1.parquet": parquet_of([MBPP]),
            "sanitized/train-0-of-1.parquet": parquet_of([{**MBPP, "task_id": 2}]),
        },
        "glaive-function-calling": {"glaive-function-calling-v2.json": json.dumps([GLAIVE]).encode()},
        "kodcode": {
            "data/train-0-of-1.parquet": parquet_of([KODCODE]),
            "data/use_with_caution-0-of-1.parquet": parquet_of([{**KODCODE, "question_id": "K_2"}]),
        },
        "the-stack-dedup": {
            "data/python/data-0-of-1.parquet": parquet_of([{"content": CODE, "max_stars_repo_licenses": ["mit"]}]),
            "data/rust/data-0-of-1.parquet": parquet_of([{"content": "fn f() {}", "max_stars_repo_licenses": ["mit"]}]),
        },
        "dolma-wiki": {
            "urls/v1_6.txt": skipped + taken,
            "http/wiki/b.json.gz": gzip.compress(lines([{"text": "A page.", "id": "w1", "source": "wiki"}])),
        },
        "redpajama": {
            "urls/wikipedia.txt": b"ADDRESS/http/c.jsonl",
            "http/c.jsonl": lines([{"text": "A page.", "meta": {}}]),
        },
    }


DOWNLOAD_ALL = """
from pathlib import Path
from punie.data.fetch.download import Asked, download
from punie.data.fetch.shortcuts import SHORTCUTS

for name in SHORTCUTS:
    download(Asked(name), Path(name))
"""


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every shortcut's dataset."""
    folder = tmp_path_factory.mktemp("shortcuts")
    repositories = {SHORTCUTS[name].repository: files for name, files in shortcut_files().items()}
    with serving(repositories, folder) as (_, environment):
        ended = run(folder, environment, "-c", DOWNLOAD_ALL)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.mark.parametrize("name", SHORTCUTS)
def test_shortcuts_read_the_shape_of_their_card(downloaded: Path, name: str) -> None:
    """A shortcut knows its files, its split and its columns; the licence is written down."""
    manifest = read_manifest(downloaded / name)
    assert (manifest.counts, manifest.removed) == ({"train": 1}, {})
    assert manifest.recipe["licence"] == SHORTCUTS[name].licence
    assert rows(downloaded / name)[0]["metadata"]["licence"] == SHORTCUTS[name].licence


DOWNLOAD_SEVERAL = """
from pathlib import Path
from punie.data.fetch.download import Asked, download

for maximum in (1, 3, 20, 100):
    print(list(download(Asked("org/pairs", maximum), Path(str(maximum))).counts.values()))
"""


def test_the_maximum_is_over_all_splits(tmp_path: Path) -> None:
    """No more rows than asked for, and no split that takes the place of train."""
    files = {f"{split}.jsonl": lines(PAIRS) for split in ("train", "valid", "test")}
    with serving({"org/pairs": files}, tmp_path) as (_, environment):
        ended = run(tmp_path, environment, "-c", DOWNLOAD_SEVERAL)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["[1]", "[1, 1, 1]", "[18, 1, 1]", "[30, 5, 5]"]


def test_a_name_in_any_case_and_a_typo() -> None:
    """Names are forgiving about case, and typos are met with the name that was meant."""
    assert find_shortcut("Strandset-Rust-v1") is SHORTCUTS["strandset-rust-v1"]
    with pytest.raises(UsageError, match="no dataset called") as caught:
        find_shortcut("humanevl")
    assert "Did you mean humaneval?" in caught.value.hint
