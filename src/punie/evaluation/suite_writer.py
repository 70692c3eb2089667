"""A suite as a file that people read and change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from punie.errors import UsageError
from punie.evaluation.suite import JSONL_SUFFIX, YAML_SUFFIXES, Suite, case_row
from punie.files import write_jsonl, write_text

_WIDTH = 120


class _Dumper(yaml.SafeDumper):
    """Writes nothing as a reference to something above, and a text of several lines as a block."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _write_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _write_text)


def write_suite(suite: Suite, path: Path) -> None:
    """Write a .yaml, or a .jsonl whose first line describes the suite. Raises UsageError for any other file."""
    head = suite.model_dump(mode="json", exclude_defaults=True, exclude={"cases"})
    rows = [case_row(case) for case in suite.cases]
    if path.suffix == JSONL_SUFFIX:
        write_jsonl(path, [head, *rows])
    elif path.suffix in YAML_SUFFIXES:
        content = {**head, "cases": rows}
        write_text(path, yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH))
    else:
        raise UsageError("A suite is written as .yaml or .jsonl.", where=str(path))
