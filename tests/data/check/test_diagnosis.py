"""The close look: each fault of a line with its byte, path, value and remedy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from defects import DEFECTS, GOOD, ODDITIES
from hypothesis import given
from hypothesis import strategies as some

from punie.data.check.diagnosis import diagnose


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_is_named_and_placed(defect: str) -> None:
    """One fault, the right one, at the very byte; with something to do about it."""
    line, rule, path, at = DEFECTS[defect]
    (fault,) = diagnose(line).faults
    assert (fault.rule, fault.path) == (rule, path)
    assert line[fault.byte :].startswith(at)
    assert fault.message
    assert fault.fix


@pytest.mark.parametrize("line", [GOOD, *ODDITIES.values()], ids=["good", *ODDITIES])
def test_what_is_legal_has_no_fault(line: bytes) -> None:
    """Unusual is not wrong; the row is read as Python reads it."""
    diagnosis = diagnose(line)
    assert diagnosis.faults == ()
    assert diagnosis.value == json.loads(line)


@pytest.mark.parametrize(
    ("line", "rule", "at"),
    [
        (b'{"text": "a"} {"text": "b"}', "bad-json", b'{"text": "b"}'),
        (b'{"text": "a",}', "bad-json", b"}"),
        (b"{'text': 'a'}", "bad-json", b"'text'"),
        (b'{"text" "a"}', "bad-json", b'"a"}'),
        (b'{"text": "a" "b"}', "bad-json", b'"b"}'),
        (b'{"text": True}', "bad-json", b"True}"),
        (b'{"text": 01}', "bad-json", b"1}"),
        (b'{"text": "\\q"}', "bad-json", b'\\q"}'),
        (b'{"text": "a\tb"}', "bad-json", b'\tb"}'),
        (b'{"text":', "truncated-row", b""),
        (b'{"text": "a"', "truncated-row", b""),
        (b'{"text": "a", "n": [1, 2', "truncated-row", b""),
        (b'{"text": "a", "n": Infinity}', "not-a-number", b"Infinity}"),
        (b'{"text": "a", "n": ' + b"[" * 9000 + b"]" * 9000 + b"}", "too-deep", b"["),
        (b" \r", "blank-line", b" \r"),
        (b"7", "not-an-object", b"7"),
        (b"null", "not-an-object", b"null"),
    ],
)
def test_broken_json_is_placed(line: bytes, rule: str, at: bytes) -> None:
    """The byte is where reading stops."""
    (fault,) = diagnose(line).faults
    assert fault.rule == rule
    assert line[fault.byte :].startswith(at)


def test_every_fault_of_a_line_is_found() -> None:
    """Marks, bytes, keys and rules: one does not hide another."""
    line = b'\xef\xbb\xbf{"messages": [{"role": "x", "role": "y", "content": "\xff"}, {"role": "assistant"}], "n": NaN}'
    assert [(fault.rule, line[fault.byte :][:6]) for fault in diagnose(line).faults] == [
        ("byte-order-mark", b"\xef\xbb\xbf{" + b'"m'),
        ("bad-utf8", b'\xff"}, {'),
        ("duplicate-key", b'"role"'),
        ("not-a-number", b"NaN}"),
        ("unknown-role", b'"y", "'),
        ("missing-content", b'{"role'),
    ]


@pytest.mark.parametrize(
    "line", [b'{"text": NaN}', b'{"messages": Infinity}', b'{"prompt": -Infinity, "completion": "a"}']
)
def test_a_number_that_is_none_may_stand_where_text_should(line: bytes) -> None:
    """Both faults are told: what is no JSON, and what is no text."""
    rules = [fault.rule for fault in diagnose(line).faults]
    assert rules[0] == "not-a-number"
    assert rules[1].startswith("wrong-")


def test_values_are_short_and_printable() -> None:
    """A long value is cut, and a lone surrogate is spelt out, so that any screen can show them."""
    long, lone = b'{"messages": "' + b"a" * 500 + b'"}', b'{"\\ud801": "\\ud800"}'
    assert [len(fault.value) for fault in diagnose(long).faults] == [60]
    key, value, shape = diagnose(lone).faults
    assert (key.path, value.path, value.value) == ("$", "$.\\ud801", "\\ud800")
    assert shape.value == '["\\ud801"]'


def test_a_line_with_a_million_faults_is_told_in_a_hundred() -> None:
    """Memory is bounded whatever a line holds; reading goes on to its end."""
    messages = b'{"messages": [' + b"7," * 40_000 + b"7]}"
    numbers = b'{"text": "a", "n": [' + b"NaN," * 40_000 + b"NaN]}"
    assert [len(diagnose(line).faults) for line in (messages, numbers)] == [100, 100]


def test_a_line_of_millions_of_values_ends_the_reading() -> None:
    """What was found so far is told, and then that there is no end: a line of 16 MB costs no minute."""
    line = b'{"a": 1, "a": 2, "n": [' + b"7," * 5_000_000 + b"7]}"
    assert [fault.rule for fault in diagnose(line).faults] == ["duplicate-key", "too-many-values"]


VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=12,
)


@given(some.dictionaries(some.text(), VALUES, max_size=4), some.booleans(), some.sampled_from([None, 1]))
def test_it_reads_what_python_writes(value: dict[str, Any], ascii_only: bool, indent: int | None) -> None:
    """Any JSON object is read to the value that the standard library reads, without a fault of the JSON itself."""
    line = json.dumps(value, ensure_ascii=ascii_only, indent=indent).replace("\n", "\r").encode(errors="replace")
    diagnosis = diagnose(line)
    assert diagnosis.value == json.loads(line)
    assert not {fault.rule for fault in diagnosis.faults} & {"bad-json", "truncated-row", "duplicate-key", "bad-utf8"}


@given(some.binary(max_size=60), some.integers(0, len(GOOD)))
def test_no_bytes_break_it(noise: bytes, at: int) -> None:
    """Whatever the bytes, the faults lie inside the line and can be printed."""
    line = GOOD[:at] + noise.replace(b"\n", b"") + GOOD[at:]
    for fault in diagnose(line).faults:
        assert 0 <= fault.byte <= len(line)
        assert "".join((fault.value, fault.message, fault.path)).encode()
