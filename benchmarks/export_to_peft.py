"""Whether PEFT computes with an exported adapter what mlx-lm computes with the adapter it was made of.

    python benchmarks/export_to_peft.py --python ENVIRONMENT/bin/python [--model FOLDER --adapter FOLDER]

The environment needs torch, transformers and peft. transformers makes a small model of each kind that is exported, with
random float32 weights; LoRA and DoRA matrices are drawn. Both sides read the same token ids. The difference is the
largest one of a logit; beside it stands what the adapter itself moves. With --model, that one alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.tuner.utils import linear_to_lora_layers
from mlx_lm.utils import load

from punie.cli.console import print_table
from punie.files import read_json, write_json
from punie.shipping.export.export import to_peft
from punie.shipping.export.peft import SAME_NAMES
from punie.workspace import resolve_model

IDS = [3 + 37 * place % 997 for place in range(48)]
PARAMETERS = {"rank": 4, "scale": 2.5, "dropout": 0.0}
ROUNDING = 1e-4
"""Of a logit, where the adapter moves logits by more than one: float32 sums in another order, over six layers."""
BARE = 2e-3
"""What the two libraries may differ by without an adapter: some compute the same activation in another way."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, required=True, help="the interpreter of an environment with PEFT")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--adapter", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if given.model:
            export(given.model, given.adapter, folder / "given")
        else:
            peft(given.python, "make", str(folder / "models"), *SAME_NAMES)
            for kind in SAME_NAMES:
                try_kind(folder, kind)
        report(folder, given.python)


def try_kind(folder: Path, kind: str) -> None:
    model = folder / "models" / kind
    for file in resolve_model("tiny").glob("*tokenizer*"):
        shutil.copy(file, model)
    for method in ("lora", "dora"):
        name = f"{kind}-{method}"
        export(model, draw_adapter(model, folder / "adapters" / name, method), folder / name)


def draw_adapter(model: Path, folder: Path, method: str) -> Path:
    """As training leaves it; only the last layer learned, so that names of layers count."""
    config = {"model": str(model), "fine_tune_type": method, "num_layers": 1, "lora_parameters": PARAMETERS}
    write_json(folder / "adapter_config.json", config)
    adapted: Any = load(str(model))[0]
    adapted.freeze()
    linear_to_lora_layers(adapted, 1, PARAMETERS, use_dora=method == "dora")
    mx.random.seed(5)
    drawn = {name: tensor + 0.1 * mx.random.normal(tensor.shape) for name, tensor in learned(adapted).items()}
    mx.save_safetensors(str(folder / "adapters.safetensors"), drawn)
    return folder


def learned(model: Any) -> dict[str, mx.array]:
    return dict(tree_flatten(model.trainable_parameters()))


def export(model: Path, adapter: Path, folder: Path) -> None:
    """The adapter for PEFT, and the logits that mlx-lm computes with it and without."""
    to_peft(adapter, folder, model=str(model))
    for name, path in (("with", str(adapter)), ("without", None)):
        loaded: Any = load(str(model), adapter_path=path)[0]
        np.save(folder / f"{name}.npy", np.array(loaded(mx.array([IDS])).astype(mx.float32)))
    write_json(folder / "asked.json", {"model": str(model.resolve()), "ids": IDS})


def peft(python: Path, *words: str) -> None:
    """Run the other side."""
    outside = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LD_PRELOAD")}
    command = [str(python), str(Path(__file__).with_name("peft_arm.py")), *words]
    done = subprocess.run(command, env={**outside, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)


def report(folder: Path, python: Path) -> None:
    """Exits with 1 where a difference is more than rounding, or than the models differ by themselves."""
    made = sorted(path.parent for path in folder.glob("*/asked.json"))
    peft(python, "compare", *map(str, made))
    found = {path.name: read_json(path / "found.json") for path in made}
    rows = [
        (name, f"{one['difference']:.1e}", f"{one['bare']:.1e}", f"{one['moved']:.2f}") for name, one in found.items()
    ]
    print_table(
        ("", "with the adapter", "without it", "moved by it"), rows, "largest difference of a logit, PEFT and mlx-lm"
    )
    if any(one["bare"] > BARE or one["difference"] > max(ROUNDING, 2 * one["bare"]) for one in found.values()):
        raise SystemExit("PEFT does not compute what mlx-lm computes.")


if __name__ == "__main__":
    main()
