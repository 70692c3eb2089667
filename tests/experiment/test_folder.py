"""Processes that share an experiment do not make the same piece twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.experiment.folder import taking


def test_a_piece_belongs_to_one_at_a_time(tmp_path: Path) -> None:
    """Whoever comes second is told so at once, and has it when the first is done, however that ended."""
    with taking(tmp_path / "run") as first, taking(tmp_path / "run") as second, taking(tmp_path / "other") as other:
        assert (first, second, other) == (True, False, True)
    with pytest.raises(KeyboardInterrupt), taking(tmp_path / "run") as again:
        assert again
        raise KeyboardInterrupt
    with taking(tmp_path / "run") as later:
        assert later
