"""The probe before a pretraining: a model that can learn says the rows it was taught, and one that cannot is told."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from punie.files import write_jsonl
from punie.generate.programs import draw_program
from punie.training.pretrain.overfit import probe

GPT = {
    **{"model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 48, "n_positions": 96, "n_ctx": 96},
    "layer_norm_epsilon": 1e-5,
}


def written(folder: Path, **training: Any) -> Path:
    rng = Random(0)
    write_jsonl(folder / "train.jsonl", ({"text": draw_program(rng)} for _ in range(12)))
    plan = {"data": str(folder), "iters": 5000, "optimizer": "adamw", **training}
    values = {"name": "small", "model": GPT, "tokenizer": {"kind": "characters"}, "training": plan}
    (folder / "small.yaml").write_text(yaml.safe_dump(values))
    return folder / "small.yaml"


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "learns"), [(5e-3, True), (1e-7, False)])
def test_a_few_rows_are_learned_by_heart_or_it_is_told(tmp_path: Path, rate: float, learns: bool) -> None:
    """The recipe's own rate decides; nothing is left behind, and the other probes are told too."""
    probes = probe(written(tmp_path, learning_rate=rate, packing="stream", batch_tokens=512))
    assert [probed.probe for probed in probes] == ["causality", "first loss", "learned tokens", "one batch by heart"]
    assert bool(probes[-1].advice) is not learns
    assert sorted(file.name for file in tmp_path.iterdir()) == ["small.yaml", "train.jsonl"]
