"""The side of PEFT: `python peft_arm.py make FOLDER KIND...`, `python peft_arm.py compare FOLDER...`.

A child of export_to_peft.py, run by the interpreter of an environment that has torch, transformers and peft.
"""

import json
import sys
from pathlib import Path

import numpy as np
import peft
import torch
import transformers

SHAPE = {
    **{"hidden_size": 64, "num_hidden_layers": 6, "intermediate_size": 128, "num_attention_heads": 4, "head_dim": 16},
    **{"num_key_value_heads": 2, "vocab_size": 1024, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2},
}


def make(folder: Path, kind: str) -> None:
    torch.manual_seed(3)
    config = transformers.AutoConfig.for_model(kind, **SHAPE)
    model = transformers.AutoModelForCausalLM.from_config(config, torch_dtype=torch.float32)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.1) if weight.ndim == 2 else None
    model.save_pretrained(folder / kind)
    file = folder / kind / "config.json"
    written = json.loads(file.read_text())
    # mlx-lm reads the words that transformers 4 had for these.
    file.write_text(json.dumps(written.get("rope_parameters", {}) | written))


def compare(folder: Path) -> None:
    asked = json.loads((folder / "asked.json").read_text())
    model = transformers.AutoModelForCausalLM.from_pretrained(asked["model"], dtype=torch.float32)
    theirs, bare = np.load(folder / "with.npy"), np.load(folder / "without.npy")
    ids = torch.tensor([asked["ids"]])
    with torch.no_grad():
        without = model(ids).logits.numpy()
        ours = peft.PeftModel.from_pretrained(model, folder).eval()(ids).logits.numpy()
    found = {
        "difference": float(np.abs(ours - theirs).max()),
        "bare": float(np.abs(without - bare).max()),
        "moved": float(np.abs(theirs - bare).max()),
    }
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "make":
        for kind in rest[1:]:
            make(Path(rest[0]), kind)
    else:
        for folder in rest:
            compare(Path(folder))
