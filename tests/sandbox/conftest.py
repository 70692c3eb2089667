from __future__ import annotations

from collections.abc import Iterator

import pytest
from processes import children_of

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
    assert [child for worker in children_of("punie.sandbox.worker") for child in worker.children(recursive=True)] == []
