"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.workspace import resolve_model


@pytest.fixture(scope="session")
def tiny_model() -> Path:
    """The embedded model: real weights, a real tokenizer, about 1 M parameters."""
    return resolve_model("tiny")


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
