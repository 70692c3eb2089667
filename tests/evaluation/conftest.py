"""A suite of six cases, two of each kind, written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from punie.evaluation.suite import Case, Suite, load_suite

SUITE = """
name: six
description: Two cases of each kind.
max_tokens: 48
cases:
- id: read
  category: tools
  messages: [{role: user, content: Read notes.txt.}]
  tools: &tools
  - {type: function, function: {name: read_file, parameters: {type: object, properties: {path: {type: string}}}}}
  - {type: function, function: {name: wait, parameters: {type: object, properties: {seconds: {type: integer}}}}}
  expect: {kind: calls, calls: [{name: read_file, arguments: {path: notes.txt}}]}
- id: both
  category: tools
  messages: [{role: user, content: Read a.txt and wait one second.}]
  tools: *tools
  expect:
    kind: calls
    calls: [{name: read_file, arguments: {path: a.txt}}, {name: wait, arguments: {seconds: 1}}]
- id: add
  category: code
  messages: [{role: user, content: Write add.}]
  expect:
    kind: code
    entry_point: add
    solution: "def add(a, b): return a + b"
    tests: [{arguments: [1, 2], returns: 3}, {arguments: [[1], [2]], returns: [1, 2]}]
- id: halve
  category: code
  messages: [{role: user, content: Write halve.}]
  expect:
    kind: code
    entry_point: halve
    solution: "def halve(x): return x / 2"
    tests: [{arguments: [4], returns: 2}]
- id: sum
  category: sums
  messages: [{role: user, content: "What is 12 + 30?"}]
  expect: {kind: number, value: 42}
- id: million
  category: sums
  messages: [{role: user, content: "What is 1234567 - 0.5?"}]
  expect: {kind: number, value: 1234566.5}
"""


@pytest.fixture(scope="session")
def suite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("suites") / "six.yaml"
    path.write_text(SUITE)
    return path


@pytest.fixture(scope="session")
def suite(suite_file: Path) -> Suite:
    return load_suite(str(suite_file))


@pytest.fixture(scope="session")
def cases(suite: Suite) -> Mapping[str, Case]:
    return {case.id: case for case in suite.cases}
