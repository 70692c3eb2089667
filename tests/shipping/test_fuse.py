"""An adapter in its model: proven by weights and answers, refused where it was lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest

from punie.errors import CapacityError, GateError, UsageError
from punie.shipping.fuse import fuse
from punie.shipping.quantize import quantize

from .conftest import AdapterMaker

MODEL = "model.safetensors"


def test_fused_weights_are_the_base_plus_the_adapter(qwen: Path, make_adapter: AdapterMaker, tmp_path: Path) -> None:
    """What lies on disk differs from the base by scale * B * A, as numpy makes it of the files, and answers like it."""
    adapter, told = make_adapter(qwen), []
    proof = fuse(adapter, tmp_path / "fused", on_measured=told.append)
    assert told == ["adapter", "base", "fused"]
    base, fused, matrices = (
        {name: np.array(array) for name, array in mx.load(str(file)).items()}
        for file in (qwen / MODEL, tmp_path / "fused" / MODEL, adapter / "adapters.safetensors")
    )
    name = "model.layers.1.self_attn.q_proj"
    delta = 2.0 * (matrices[f"{name}.lora_a"] @ matrices[f"{name}.lora_b"]).T
    moved = fused[f"{name}.weight"].astype(np.float32) - base[f"{name}.weight"].astype(np.float32)
    np.testing.assert_allclose(moved, delta, atol=1e-2 * np.abs(delta).max())
    assert np.array_equal(fused["model.embed_tokens.weight"], base["model.embed_tokens.weight"])
    assert proof.survival is not None
    assert (proof.survival.modules, proof.survival.share) == (14, pytest.approx(1, abs=0.02))
    assert proof.kept is not None
    assert proof.kept > 0.99
    assert json.loads((tmp_path / "fused/proof.json").read_text())["kept"] == proof.kept


@pytest.mark.slow
def test_dora_survives(qwen: Path, make_adapter: AdapterMaker, tmp_path: Path) -> None:
    """The rows that DoRA gives a length of their own arrive too."""
    proof = fuse(make_adapter(qwen, kind="dora"), tmp_path / "fused")
    assert proof.survival is not None
    assert proof.survival.share == pytest.approx(1, abs=0.02)
    assert proof.kept is not None
    assert proof.kept > 0.99


@pytest.mark.slow
def test_requantizing_that_erases_the_adapter_is_refused(
    tiny_model: Path, make_adapter: AdapterMaker, tmp_path: Path
) -> None:
    """A small adapter is lost in the rounding of 4 bits: exit code 7 and no output; as floats the same one survives."""
    quantize(str(tiny_model), [4], tmp_path / "narrow")
    base = tmp_path / "narrow/4-bit"
    adapter = make_adapter(base, size=0.0002)
    with pytest.raises(GateError, match="drowned the adapter"):
        fuse(adapter, tmp_path / "erased", requantize=True)
    assert not (tmp_path / "erased").exists()
    proof = fuse(adapter, tmp_path / "kept")
    assert proof.survival is not None
    assert proof.survival.share == pytest.approx(1, abs=0.01)
    assert "quantization" not in json.loads((tmp_path / "kept/config.json").read_text())


@pytest.mark.slow
def test_a_large_adapter_survives_requantizing(qwen: Path, make_adapter: AdapterMaker, tmp_path: Path) -> None:
    """What is larger than the steps of 8 bits stays, and the model stays quantized."""
    quantize(str(qwen), [8], tmp_path / "narrow")
    proof = fuse(make_adapter(tmp_path / "narrow/8-bit", size=0.2), tmp_path / "fused", requantize=True)
    assert proof.survival is not None
    assert proof.survival.steps is None
    assert proof.survival.share == pytest.approx(1, abs=0.05)
    assert json.loads((tmp_path / "fused/config.json").read_text())["quantization"]["bits"] == 8


def test_what_cannot_be_fused_is_refused_at_once(
    qwen: Path, make_adapter: AdapterMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No adapter, an output in use, nothing to requantize, a full disk: a sentence each, and nothing is left."""
    output, adapter = tmp_path / "fused", make_adapter(qwen)
    with pytest.raises(UsageError, match="Not an adapter"):
        fuse(tmp_path, output)
    with pytest.raises(UsageError, match="nothing to requantize"):
        fuse(adapter, output, requantize=True)
    with pytest.raises(UsageError, match="exists already"):
        fuse(adapter, tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(CapacityError, match="free"):
        fuse(adapter, output)
    assert not output.exists()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_an_adapter_of_another_model_is_refused(
    qwen: Path, tiny_model: Path, make_adapter: AdapterMaker, tmp_path: Path
) -> None:
    """The child's own refusals arrive as sentences, and nothing is left."""
    with pytest.raises(UsageError, match="does not go with this model"):
        fuse(make_adapter(qwen), tmp_path / "fused", model=str(tiny_model))
    with pytest.raises(UsageError, match="changes nothing"):
        fuse(make_adapter(qwen, size=0.0), tmp_path / "fused")
    assert not list(tmp_path.glob("*fused*"))


SUITE = """
name: few
description: Some sums of the embedded model's own world.
max_tokens: 64
draw: {generator: tiny, seed: 1, counts: {reasoning: 20}}
"""


@pytest.mark.slow
def test_the_command_scores_every_arm(tiny_model: Path, make_adapter: AdapterMaker, tmp_path: Path) -> None:
    """`punie fuse --suite` asks adapter, base and fused model, and the proof beside the model has their scores."""
    adapter, output, suite = make_adapter(tiny_model, size=5.0), tmp_path / "fused", tmp_path / "few.yaml"
    suite.write_text(SUITE)
    words = ["fuse", "--adapter", str(adapter), "--output", str(output), "--suite", str(suite), "--json"]
    done = subprocess.run([sys.executable, "-m", "punie", *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout)["scores"]
    assert [score["name"] for score in scores] == ["adapter", "base", "fused"]
    assert scores[0]["right"] == scores[2]["right"] != scores[1]["right"]
    assert json.loads((output / "proof.json").read_text())["scores"] == scores
