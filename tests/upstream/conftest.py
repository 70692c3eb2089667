"""What the installed mlx-lm was seen to do, found out once for all tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from punie.process import mlx_environment


@pytest.fixture(scope="session")
def seen(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each probe observed. MLX stays in the child."""
    probes = Path(__file__).with_name("probes.py")
    command = [sys.executable, str(probes), str(tiny_model), str(tmp_path_factory.mktemp("upstream"))]
    environment = {**mlx_environment(), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
