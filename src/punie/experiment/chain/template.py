"""The recipe that `punie experiment new` writes: it runs as it is, and says what else there could be."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from punie.errors import UsageError
from punie.files import write_text


def write_template(name: str, file: Path) -> Path:
    """Raises UsageError where the file is there already."""
    if file.exists():
        raise UsageError("The file exists already.", where=str(file), hint="Give another name, or --output.")
    text = (files("punie.experiment.chain") / "template.yaml").read_text(encoding="utf-8")
    write_text(file, text.replace("NAME", name))
    return file
