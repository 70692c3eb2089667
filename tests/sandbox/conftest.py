from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from punie.sandbox.jail import probe


@pytest.fixture
def jail() -> None:
    """Skips, and says why, where no jail can be had."""
    if reason := probe():
        pytest.skip(f"no jail here: {reason}")


@pytest.fixture
def no_survivors() -> Iterator[None]:
    """Afterwards nothing below us lives but warm workers, and they have no children."""
    yield
    workers = [child for child in psutil.Process().children() if "punie.sandbox.worker" in child.cmdline()]
    assert [child for worker in workers for child in worker.children(recursive=True)] == []
