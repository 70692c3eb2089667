"""Several widths out of one model, and what each costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlx_lm.utils import load

from punie.errors import UsageError
from punie.files import write_json
from punie.shipping.quantize import quantize


@pytest.mark.slow
def test_more_bits_are_larger_and_nearer(tiny_model: Path, tmp_path: Path) -> None:
    """Size grows and divergence falls with every bit; each folder loads at its width, and the proof says the same."""
    proof = quantize(str(tiny_model), [2, 3, 4, 5, 6, 8], tmp_path / "out")
    before, *made = proof.models
    sizes = [measured.size for measured in made]
    distances = [measured.divergence.kl_mean for measured in made if measured.divergence]
    assert before.divergence is None
    assert before.size > sizes[-1]
    assert sizes == sorted(sizes)
    assert distances == sorted(distances, reverse=True)
    assert all(measured.tokens_per_second > 0 for measured in made)
    # Scale and offset of 64 weights are float32 here: one bit more for each weight.
    assert [measured.bits_per_weight for measured in made] == pytest.approx([3, 4, 5, 6, 7, 9], abs=0.2)
    *_, config = load(str(tmp_path / "out/5-bit"), return_config=True)
    assert config["quantization"]["bits"] == 5
    assert len(json.loads((tmp_path / "out/proof.json").read_text())["models"]) == 7


def test_what_cannot_be_quantized_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    """Other widths, a width twice, an output in use, a quantized model: a sentence each, and nothing is written."""
    for widths in ([], [7], [4, 4]):
        with pytest.raises(UsageError, match="widths"):
            quantize(str(tiny_model), widths, tmp_path / "out")
    with pytest.raises(UsageError, match="exists already"):
        quantize(str(tiny_model), [8], tmp_path)
    narrow = tmp_path / "narrow"
    write_json(narrow / "config.json", {"quantization": {"bits": 8}})
    with pytest.raises(UsageError, match="quantized already"):
        quantize(str(narrow), [4], tmp_path / "out")
    assert not (tmp_path / "out").exists()
