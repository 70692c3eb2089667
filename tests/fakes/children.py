"""Children that stay at home: their work is done here, where MLX is loaded once for all of them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


class AtHome:
    """What `punie.process.Child` offers, of a module whose `main` has ended before anybody asks."""

    def __init__(self, module: str, *arguments: str, log: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", [module, *arguments])
            import_module(module).main()

    def __enter__(self) -> AtHome:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def poll(self) -> int:
        return 0

    def wait(self) -> int:
        return 0

    def last_lines(self) -> str:
        return ""
