"""What lies where in the folder of a self-improvement, and what it was begun with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from punie.errors import UsageError
from punie.files import read_json, write_json


@dataclass(frozen=True, slots=True)
class RoundFolder:
    """One round: answers of the student that were right, rows to learn from, the adapter, its dev score."""

    root: Path

    @property
    def rows(self) -> Path:
        return self.root / "rows"

    @property
    def data(self) -> Path:
        """The same with replayed rows."""
        return self.root / "data"

    @property
    def adapter(self) -> Path:
        return self.root / "adapter"

    @property
    def dev(self) -> Path:
        return self.root / "dev"


@dataclass(frozen=True, slots=True)
class ImprovementFolder:
    root: Path

    @property
    def begun(self) -> Path:
        return self.root / "begun.json"

    @property
    def answers(self) -> Path:
        """Everything the student was asked in any round."""
        return self.root / "answers.jsonl"

    @property
    def test(self) -> Path:
        """The test half, asked of the start and the chosen adapter, and of the control."""
        return self.root / "test"

    @property
    def control(self) -> RoundFolder:
        """The start, trained as long on the replayed rows alone."""
        return RoundFolder(self.root / "control")

    @property
    def figures(self) -> Path:
        return self.root / "figures.json"

    @property
    def page(self) -> Path:
        return self.root / "report.html"

    def round(self, number: int) -> RoundFolder:
        """Round 0 is the student before it learns."""
        return RoundFolder(self.root / "rounds" / str(number))


def require_same(folder: ImprovementFolder, begun: dict[str, Any]) -> None:
    """Write down what it begins with, or hold it against what it was begun with. Raises UsageError."""
    if folder.begun.is_file():
        earlier = read_json(folder.begun)
        if unlike := [name for name in begun if earlier.get(name) != begun[name]]:
            raise UsageError(
                f"This was begun with something else: {', '.join(unlike)} differ.",
                where=str(folder.begun),
                hint="Put it back as it was, or name another --output.",
            )
    elif any(not entry.name.startswith(".") for entry in folder.root.iterdir()):
        raise UsageError("The output folder is in use.", where=str(folder.root), hint="Choose another folder.")
    else:
        write_json(folder.begun, begun)
