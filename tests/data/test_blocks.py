"""Files in blocks: every line with its number and byte, and never more in memory than a row may have."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from punie.data.blocks import Block, LongLine, read_blocks


def lines_of(path: Path, limit: int = 10**6) -> list[tuple[int, int, bytes | int]]:
    found: list[tuple[int, int, bytes | int]] = []
    for block in read_blocks(path, limit):
        if isinstance(block, LongLine):
            found.append((block.line, block.byte, block.size))
            continue
        byte = block.byte
        for number, line in enumerate(block.lines, start=block.line):
            found.append((number, byte, line))
            byte += len(line) + 1
        assert byte == block.byte + len(block.data) + (not block.data.endswith(b"\n"))
    return found


@given(some.lists(some.binary(max_size=9) | some.sampled_from([b"x" * 300_000, b"y" * 600_000])), some.booleans())
def test_lines_come_back(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ended: bool) -> None:
    """In order, with number and first byte, whether or not the last one has an end; only LF ends a line."""
    lines = [line.replace(b"\n", b"\r") for line in lines]
    path = tmp_path_factory.mktemp("b") / "rows.jsonl"
    path.write_bytes(b"\n".join(lines) + (b"\n" if lines and (ended or not lines[-1]) else b""))
    places = [sum(len(line) + 1 for line in lines[:index]) for index in range(len(lines))]
    assert lines_of(path) == [(index + 1, places[index], line) for index, line in enumerate(lines)]


def test_a_line_beyond_the_limit_is_passed_over(tmp_path: Path) -> None:
    """Its place and size are known, its neighbours are read, and it is never in memory."""
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as out:
        out.write(b"first\n")
        for _ in range(100):
            out.write(b"a" * 1_000_000)
        out.write(b"\nlast")
    tracemalloc.start()
    try:
        assert lines_of(path, limit=2_000_000) == [(1, 0, b"first"), (2, 6, 100_000_000), (3, 100_000_007, b"last")]
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_long_lines_may_follow_each_other_and_end_the_file(tmp_path: Path) -> None:
    """Each is counted once."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes((b"a" * 700_000 + b"\n") * 3 + b"b" * 700_000)
    assert lines_of(path, limit=1000) == [(n + 1, n * 700_001, 700_000) for n in range(4)]


def test_an_empty_file_has_no_blocks(tmp_path: Path) -> None:
    """Not even an empty line."""
    (tmp_path / "rows.jsonl").touch()
    assert list[Block | LongLine](read_blocks(tmp_path / "rows.jsonl")) == []


@pytest.mark.parametrize("size", [65_535, 65_536, 99_999, 100_000, 100_001, 150_000, 199_999, 200_001])
@pytest.mark.parametrize("before", [0, 1, 65_000])
def test_the_limit_is_exact(tmp_path: Path, size: int, before: int) -> None:
    """Wherever a line begins: one of the limit's length is read, one byte more is too long."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"a" * before + b"\n" + b"b" * size + b"\nc\n")
    read = b"b" * size if size <= 100_000 else size
    assert lines_of(path, limit=100_000) == [(1, 0, b"a" * before), (2, before + 1, read), (3, before + size + 2, b"c")]
