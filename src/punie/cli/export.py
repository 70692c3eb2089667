"""`punie export`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from punie.cli.options import AdapterOption, Json
from punie.errors import UsageError

if TYPE_CHECKING:
    from punie.shipping.export.export import Exported


class Target(StrEnum):
    peft = "peft"
    gguf = "gguf"
    ollama = "ollama"
    lmstudio = "lmstudio"


def export(
    to: Annotated[Target, typer.Option("--to", help="The program that is to read it.")],
    output: Annotated[
        Path | None, typer.Option("--output", help="The folder to make. For lmstudio: its own, as punie/MODEL.")
    ] = None,
    adapter: AdapterOption = None,
    model: Annotated[
        str | None, typer.Option("--model", help="A model; for peft the adapter's, where it is not at its old place.")
    ] = None,
    base_model: Annotated[
        str | None,
        typer.Option("--base-model", help="For peft: the float model of the hub that the adapter belongs to."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write an adapter for PEFT, or a model for llama.cpp (gguf), Ollama or LM Studio.

    What was written is read back and held against what it was made of. An adapter becomes a model with punie fuse.
    """
    from punie.cli import console

    done = _run(to, output, adapter, model, base_model)
    if as_json:
        console.print_json(_record(to, done))
        return
    console.print_facts(
        {key: value for key, value in _record(to, done).items() if key != "notes" and value is not None}
    )
    for note in done.notes:
        console.note(note)


def _run(to: Target, output: Path | None, adapter: Path | None, model: str | None, base_model: str | None) -> Exported:
    """Raises UsageError where what this target needs is missing, or something else was given."""
    from punie.shipping.export.export import to_gguf, to_lmstudio, to_ollama, to_peft

    match to, output, adapter, model, base_model:
        case Target.peft, Path(), Path(), _, _:
            return to_peft(adapter, output, model=model, base_name=base_model)
        case Target.gguf, Path(), None, str(), None:
            return to_gguf(model, output)
        case Target.ollama, Path(), None, str(), None:
            return to_ollama(model, output)
        case Target.lmstudio, _, None, str(), None:
            return to_lmstudio(model, output)
    if to is Target.peft:
        raise UsageError("--to peft needs --adapter and --output.")
    hint = "An adapter becomes a model with: punie fuse --adapter ADAPTER --output MODEL"
    raise UsageError(f"--to {to} needs --model and --output, and takes no adapter.", hint=hint)


def _record(to: Target, done: Exported) -> dict[str, object]:
    return {
        "to": str(to),
        "output": str(done.output),
        "difference": done.difference,
        "next": done.next_command or None,
        "notes": list(done.notes),
    }
