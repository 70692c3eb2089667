"""TRL's SFTTrainer with PEFT on rows that are token ids already: `python trl_arm.py SETTINGS RESULT`.

A child of training_vs_trl.py, run by the interpreter of an environment that has TRL.
"""

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import datasets
import peft
import torch
import transformers
import trl


class Clock(transformers.TrainerCallback):
    """From the first step on, as on the other side: without building the trainer."""

    def on_train_begin(self, *_, **__):
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def on_train_end(self, *_, **__):
        self.cpu, self.wall = time.process_time() - self.cpu, time.perf_counter() - self.wall


def main() -> None:
    settings = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    transformers.set_seed(0)
    model = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**settings["model"]))
    lora = peft.LoraConfig(r=settings["rank"], lora_alpha=settings["alpha"], target_modules="all-linear")
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        options = {"output_dir": folder, "use_cpu": True, "bf16": False, "report_to": [], "save_strategy": "no"}
        trainer = trl.SFTTrainer(
            model,
            args=trl.SFTConfig(**options, disable_tqdm=True, **settings["options"]),
            train_dataset=datasets.Dataset.from_list(settings["rows"]),
            processing_class=transformers.AutoTokenizer.from_pretrained(settings["tokenizer"]),
            peft_config=lora,
            callbacks=[clock],
        )
        trainer.train()
    learning = sum(parameter.numel() for parameter in trainer.model.parameters() if parameter.requires_grad)
    found = {"cpu_seconds": clock.cpu, "seconds": clock.wall, "steps": trainer.state.global_step}
    found["resident"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    found["trainable_parameters"] = learning
    found["versions"] = {module.__name__: module.__version__ for module in (torch, transformers, peft, trl)}
    Path(sys.argv[2]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
