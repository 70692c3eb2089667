"""What a dataset says of itself, whichever command made it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dataset_commands import WRITERS, write_inputs

from punie.data.dataset import read_manifest
from punie.data.source import SPLITS, open_source
from punie.files import hash_file, hash_value, read_jsonl

Punie = Callable[..., Any]


def rows_of(path: Path) -> int:
    return sum(1 for _ in read_jsonl(path)) if path.is_file() else 0


@pytest.mark.parametrize(("command", "line"), WRITERS.items(), ids=WRITERS)
def test_every_dataset_says_what_it_was_made_from(punie: Punie, tmp_path: Path, command: str, line: str) -> None:
    """Name, recipe, counts and hashes are those of the files beside it; parents are told by what is in them."""
    write_inputs(tmp_path)
    assert punie("dataset", *line.split()).code == 0
    folder, manifest = tmp_path / "OUT", read_manifest(tmp_path / "OUT")
    given = [part for part in line.split() if part in {"IN", "OTHER", "FILE"}] or ["IN"]
    assert manifest.name == ("mine" if command == "build" else "OUT")
    assert manifest.recipe["command"] == command
    assert [Path(parent.path).name for parent in manifest.parents] == given
    for parent, name in zip(manifest.parents, given, strict=True):
        whole = tmp_path / name
        assert parent.fingerprint == (hash_file(whole) if whole.is_file() else open_source(whole).fingerprint())
    assert manifest.counts == {split: count for split in SPLITS if (count := rows_of(folder / f"{split}.jsonl"))}
    assert manifest.hashes == {split: hash_file(folder / f"{split}.jsonl") for split in manifest.counts}
    assert manifest.fingerprint == hash_value(manifest.hashes) == open_source(folder).fingerprint()
    assert sum(manifest.removed.values()) == rows_of(folder / "removed.jsonl")
    assert sum(parent.rows for parent in manifest.parents) == sum(
        [*manifest.counts.values(), *manifest.removed.values()]
    )


@pytest.mark.parametrize("line", WRITERS.values(), ids=WRITERS)
def test_the_same_command_makes_the_same_dataset(punie: Punie, tmp_path: Path, line: str) -> None:
    """Whatever is in the folder, byte for byte."""
    write_inputs(tmp_path)
    made = []
    for folder in ("a", "b"):
        assert punie("dataset", *line.replace("OUT", f"{folder}/OUT").split()).code == 0
        made.append({path.name: path.read_bytes() for path in (tmp_path / folder / "OUT").iterdir()})
    assert made[0] == made[1]
