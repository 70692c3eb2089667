"""What lies where in the folder of a sweep."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from punie.files import make_folder, open_to_append


@dataclass(frozen=True, slots=True)
class SweepFolder:
    root: Path

    @property
    def recipe(self) -> Path:
        return self.root / "sweep.yaml"

    @property
    def inputs(self) -> Path:
        """Hashes of what the trials are made from."""
        return self.root / "inputs.json"

    @property
    def best(self) -> Path:
        """The plan of the chosen setting, which `punie train --config` takes."""
        return self.root / "best.yaml"

    @property
    def result(self) -> Path:
        return self.root / "sweep.json"

    @property
    def page(self) -> Path:
        return self.root / "report.html"

    @property
    def fresh(self) -> Path:
        """The chosen setting once more, with a seed that no trial had."""
        return self.root / "fresh"

    @property
    def base(self) -> Path:
        """The base on the test half."""
        return self.root / "test" / "base"

    @property
    def chosen(self) -> Path:
        """The chosen setting on the test half."""
        return self.root / "test" / "chosen"

    @property
    def comparison(self) -> Path:
        return self.root / "test" / "comparison"

    def trial(self, name: str) -> Path:
        return self.root / "trials" / name

    def adapter(self, name: str) -> Path:
        """Settings that differ only in sampling share one."""
        return self.root / "adapters" / name

    @contextmanager
    def claimed(self) -> Generator[None]:
        """Work on it alone. Raises UsageError where another process does."""
        with open_to_append(make_folder(self.root) / ".lock"):
            yield
