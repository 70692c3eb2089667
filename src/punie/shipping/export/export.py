"""`punie export`: an adapter for PEFT, a model for llama.cpp, Ollama or LM Studio."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from punie import fingerprint
from punie.errors import TrainingError, UsageError
from punie.files import copy_file, link_file, read_json, write_text
from punie.sharing.package import model_files
from punie.sharing.scrub import hub_name, public_name
from punie.shipping.child import ask_child, new_folder
from punie.shipping.export.modelfile import ARCHITECTURES, knows_tokenizer, modelfile, unsayable
from punie.shipping.messages import Converted, Event, GgufAsked, PeftAsked, Turns, TurnsAsked, weight_bytes
from punie.training.adapter import WEIGHTS, read_adapter
from punie.workspace import PROOF, resolve_model

_HEADROOM = 1.1
_HOME_POINTER, _HOME = ".lmstudio-home-pointer", ".lmstudio"
_PUBLISHER = "punie"
Kind = TypeVar("Kind", Converted, Turns)


@dataclass(frozen=True, slots=True)
class Exported:
    """`notes`: what is not as one might expect it; `next_command`: what takes the output in, where that is a command.

    `difference` is that of `Converted`; None where the files are those of the model.
    """

    output: Path
    notes: tuple[str, ...] = ()
    next_command: str = ""
    difference: float | None = None


def to_peft(adapter: Path, output: Path, *, model: str | None = None, base_name: str | None = None) -> Exported:
    """The adapter as PEFT reads it. `base_name` is what it is to call the model: a float one of the hub.

    Raises UsageError for what PEFT has no place for, TrainingError where what was written is not the adapter.
    """
    found = read_adapter(adapter)
    base = resolve_model(model or found.base_model)
    name = base_name or hub_name(found.base_model) or public_name(found.base_model)
    needed = 2 * (found.folder / WEIGHTS).stat().st_size
    with new_folder(output, needed) as folder:
        heard = ask_child(PeftAsked(str(base), str(found.folder.resolve()), str(folder), name))
    return Exported(output, tuple(_about_base(base, name, base_name)), difference=_only(heard, Converted).difference)


def _about_base(base: Path, name: str, given: str | None) -> Sequence[str]:
    if "quantization" not in read_json(base / "config.json"):
        return []
    told = "The adapter learned over quantized weights: over the float model its answers are not quite the same."
    unloadable = f"PEFT cannot load {name!r}, which is quantized: give --base-model, and it is named."
    return [told] if given else [told, unloadable]


def _name(model: Path) -> str:
    """Its own, also in the hub's cache, where a folder is called by its commit."""
    return public_name(str(model)).rpartition("/")[2]


def to_gguf(model: str, output: Path) -> Exported:
    """One file in `output`, in float16. Raises UsageError for models that mlx-lm's writer does not do justice."""
    folder = resolve_model(model)
    with new_folder(output, int(weight_bytes(folder) * _HEADROOM)) as draft:
        heard = ask_child(GgufAsked(str(folder), str(draft / f"{_name(folder)}-f16.gguf")))
    return Exported(output, difference=_only(heard, Converted).difference)


def to_ollama(model: str, output: Path) -> Exported:
    """A folder that `ollama create` takes. Raises UsageError for a model that Ollama does not convert."""
    folder = resolve_model(model)
    _require_convertible(folder)
    turns = _only(ask_child(TurnsAsked(str(folder))), Turns)
    generation = folder / "generation_config.json"
    with new_folder(output, _copied_bytes(folder, output)) as draft:
        _fill(draft, folder)
        write_text(draft / "Modelfile", modelfile(turns, read_json(generation) if generation.is_file() else {}))
    create = shlex.join(["ollama", "create", _name(folder).lower(), "-f", str(output / "Modelfile")])
    return Exported(output, tuple(_about_ollama(folder, turns)), create)


def _require_convertible(model: Path) -> None:
    config = read_json(model / "config.json")
    if "quantization" in config:
        hint = "Give the folder that punie fuse wrote without --requantize; ollama create --quantize makes it smaller."
        raise UsageError("Ollama does not read what MLX has quantized.", where=str(model), hint=hint)
    named = next(iter(config.get("architectures") or ()), None)
    if named not in ARCHITECTURES:
        raise UsageError(
            f"Ollama does not convert {named or 'a model whose config.json names no architectures'}.",
            where=str(model),
            hint="Convert it with llama.cpp, and give Ollama the GGUF file.",
        )


def _about_ollama(model: Path, turns: Turns) -> Sequence[str]:
    notes = []
    if why := unsayable(turns):
        notes.append(f"No TEMPLATE: {why}. Ollama looks for one like it among its own; `ollama show --template` tells.")
    else:
        notes.append("The TEMPLATE writes chats as the model's own does; tools are not in it.")
    if not knows_tokenizer(read_json(model / "tokenizer.json")):
        notes.append("Ollama does not know how this tokenizer cuts text, and may make other tokens of it.")
    return notes


def to_lmstudio(model: str, output: Path | None = None) -> Exported:
    """The model as LM Studio finds it: PUBLISHER/MODEL in its folder of models, which is `output`'s grandparent."""
    folder = resolve_model(model)
    output = output or _models_of_lmstudio() / _PUBLISHER / _name(folder)
    with new_folder(output, _copied_bytes(folder, output)) as draft:
        _fill(draft, folder)
    publisher = output.resolve().parent
    listed = f"LM Studio lists it as {publisher.name}/{output.name}, if its folder of models is {publisher.parent}."
    return Exported(output, (listed,))


def _models_of_lmstudio() -> Path:
    """In the folder that LM Studio calls home, which a file of one line may place elsewhere."""
    pointer = Path.home() / _HOME_POINTER
    home = Path(pointer.read_text(encoding="utf-8").strip()) if pointer.is_file() else Path.home() / _HOME
    return home / "models"


def _fill(draft: Path, model: Path) -> None:
    """Raises TrainingError where the files are not the model's."""
    for name in model_files(model):
        if name != PROOF:
            (link_file if name.endswith(".safetensors") else copy_file)(model / name, draft / name)
    if fingerprint.model(draft) != fingerprint.model(model):
        raise TrainingError("The files changed while they were copied.", where=str(model))


def _copied_bytes(model: Path, output: Path) -> int:
    """What the weights take where they cannot be linked."""
    disk = next(path for path in (output.absolute(), *output.absolute().parents) if path.exists())
    return 0 if os.stat(disk).st_dev == os.stat(model).st_dev else int(weight_bytes(model) * _HEADROOM)


def _only(heard: Sequence[Event], kind: type[Kind]) -> Kind:
    return next(event for event in heard if isinstance(event, kind))
