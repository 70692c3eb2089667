"""What other programs are given is what was trained, or they are given nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from punie.cli import main
from punie.errors import UsageError
from punie.files import read_json, write_json
from punie.shipping.export.export import to_lmstudio, to_ollama, to_peft
from punie.shipping.export.peft import CONFIG, WEIGHTS

from .conftest import AdapterMaker

LAST = "model.layers.1.self_attn.q_proj"


def test_peft_is_given_the_same_change_of_every_weight(qwen: Path, make_adapter: AdapterMaker, tmp_path: Path) -> None:
    """B * A * lora_alpha / r, as numpy makes it of the exported file, is scale * (A * B) transposed of mlx-lm's."""
    adapter = make_adapter(qwen)
    done = to_peft(adapter, tmp_path / "peft")
    config, theirs = read_json(tmp_path / "peft" / CONFIG), load_file(tmp_path / "peft" / WEIGHTS)
    ours = load_file(adapter / "adapters.safetensors")
    assert len(theirs) == len(ours) == 2 * len(config["target_modules"]) == 28
    for name in config["target_modules"]:
        a, b = (theirs[f"base_model.model.{name}.lora_{letter}.weight"] for letter in "AB")
        delta = 2.0 * (ours[f"{name}.lora_a"] @ ours[f"{name}.lora_b"]).T
        np.testing.assert_allclose(config["lora_alpha"] / config["r"] * (b @ a), delta, atol=1e-6)
    assert (config["r"], config["lora_alpha"], config["use_rslora"], config["use_dora"]) == (4, 8, False, False)
    assert config["base_model_name_or_path"] == qwen.name
    assert done.difference == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_dora_goes_along_with_its_lengths(qwen: Path, make_adapter: AdapterMaker, tmp_path: Path) -> None:
    """The row lengths are in the file under PEFT's name for them, and its configuration says DoRA."""
    adapter = make_adapter(qwen, kind="dora")
    to_peft(adapter, tmp_path / "peft", base_name="Qwen/Qwen2.5-Coder-0.5B-Instruct")
    config, theirs = read_json(tmp_path / "peft" / CONFIG), load_file(tmp_path / "peft" / WEIGHTS)
    lengths = load_file(adapter / "adapters.safetensors")[f"{LAST}.m"]
    np.testing.assert_array_equal(theirs[f"base_model.model.{LAST}.lora_magnitude_vector"], lengths)
    assert config["use_dora"]
    assert config["base_model_name_or_path"] == "Qwen/Qwen2.5-Coder-0.5B-Instruct"


@pytest.mark.slow
def test_what_peft_has_no_place_for_is_refused(qwen: Path, make_adapter: AdapterMaker, tmp_path: Path) -> None:
    """A kind of model whose names were not checked, and a full fine-tuning; nothing is left."""
    adapter, other = make_adapter(qwen), tmp_path / "other"
    shutil.copytree(qwen, other)
    alike = {"model_type": "seed_oss", "head_dim": 16, "attention_bias": True}
    write_json(other / "config.json", {**read_json(qwen / "config.json"), **alike})
    with pytest.raises(UsageError, match="was not checked"):
        to_peft(adapter, tmp_path / "out", model=str(other))
    config = read_json(adapter / "adapter_config.json")
    write_json(adapter / "adapter_config.json", {**config, "fine_tune_type": "full"})
    shutil.copy(qwen / "model.safetensors", adapter / "adapters.safetensors")
    with pytest.raises(UsageError, match="no adapter of PEFT's"):
        to_peft(adapter, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_lm_studio_gets_the_files_and_loses_none(qwen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They lie where it looks, under its own home if it has one; what is there already stays."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".lmstudio-home-pointer").write_text(f"{tmp_path / 'elsewhere'}\n")
    done = to_lmstudio(str(qwen))
    assert done.output == tmp_path / "elsewhere/models/punie/qwen"
    assert done.output.joinpath("model.safetensors").samefile(qwen / "model.safetensors")
    assert {file.name for file in done.output.iterdir()} == {file.name for file in qwen.iterdir()}
    assert not done.output.joinpath("config.json").samefile(qwen / "config.json")
    with pytest.raises(UsageError, match="exists already"):
        to_lmstudio(str(qwen), done.output)


def test_a_model_of_the_hub_keeps_its_name(qwen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder in the cache is called by a commit; what is exported is not."""
    monkeypatch.setenv("HOME", str(tmp_path))
    cached = tmp_path / "hub/models--org--thing/snapshots/0123abcd"
    shutil.copytree(qwen, cached)
    assert to_lmstudio(str(cached)).output == tmp_path / ".lmstudio/models/punie/thing"


@pytest.mark.slow
def test_ollama_gets_a_whole_folder(qwen: Path, tmp_path: Path) -> None:
    """The model's files beside a Modelfile that names them, its turns, its sampling and its ends."""
    model = tmp_path / "Mine"
    shutil.copytree(qwen, model)
    write_json(model / "config.json", {**read_json(model / "config.json"), "architectures": ["Qwen2ForCausalLM"]})
    write_json(model / "generation_config.json", {"temperature": 0.7, "top_k": 20, "repetition_penalty": 1.1})
    done = to_ollama(str(model), tmp_path / "out")
    assert (tmp_path / "out/Modelfile").read_text() == (
        'FROM .\nTEMPLATE """{{ range .Messages }}'
        '{{ if eq .Role "user" }}<|im_start|>user\n{{ .Content }}<|im_end|>\n'
        '{{ else if eq .Role "system" }}<|im_start|>system\n{{ .Content }}<|im_end|>\n'
        '{{ else if eq .Role "assistant" }}<|im_start|>assistant\n{{ .Content }}<|im_end|>\n'
        '{{ end }}{{ end }}<|im_start|>assistant\n"""\n'
        "PARAMETER temperature 0.7\nPARAMETER top_k 20\nPARAMETER repeat_penalty 1.1\n"
        'PARAMETER stop "<|im_end|>"\n'
    )
    assert (tmp_path / "out/model.safetensors").samefile(model / "model.safetensors")
    assert done.next_command.split()[:3] == ["ollama", "create", "mine"]


def test_ollama_is_not_given_what_it_cannot_read(qwen: Path, tmp_path: Path) -> None:
    """No architecture, one that it does not convert, weights that MLX quantized."""
    model = tmp_path / "model"
    shutil.copytree(qwen, model)
    config = read_json(model / "config.json")
    for more, told in (
        ({}, "names no architectures"),
        ({"architectures": ["ApertusForCausalLM"]}, "does not convert ApertusForCausalLM"),
        ({"architectures": ["Qwen2ForCausalLM"], "quantization": {"bits": 4}}, "does not read what MLX has quantized"),
    ):
        write_json(model / "config.json", {**config, **more})
        with pytest.raises(UsageError, match=told):
            to_ollama(str(model), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--to peft --output out", "--to peft needs --adapter"),
        ("--to gguf --model tiny", "--to gguf needs --model and --output"),
        ("--to ollama --model tiny --output out --adapter mine", "takes no adapter"),
        ("--to lmstudio", "--to lmstudio needs --model"),
    ],
)
def test_the_command_says_what_is_missing(
    words: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and a sentence, before any work."""
    monkeypatch.setattr("sys.argv", ["punie", "export", *words.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_the_command_tells_what_it_made(
    qwen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One JSON document with the folder and what is to be known of it."""
    output = tmp_path / "models/me/mine"
    words = ["--to", "lmstudio", "--model", str(qwen), "--output", str(output), "--json"]
    monkeypatch.setattr("sys.argv", ["punie", "export", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["output"] == str(output)
    assert "me/mine" in told["notes"][0]
