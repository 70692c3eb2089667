"""The child that writes models: `python -m punie.child punie.shipping.worker ASKED EVENTS`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from punie.errors import PunieError
from punie.shipping.export.gguf import write_gguf
from punie.shipping.export.peft import write_peft
from punie.shipping.export.turns import find_turns
from punie.shipping.fusing import fuse
from punie.shipping.messages import Asked, Event, FuseAsked, GgufAsked, PeftAsked, QuantizeAsked, TurnsAsked
from punie.shipping.quantizing import quantize
from punie.training import memory
from punie.training.metrics import Failed


def main() -> None:
    asked = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Asked)
    with Path(sys.argv[2]).open("ab", buffering=0) as out:
        try:
            if isinstance(asked, FuseAsked | QuantizeAsked | GgufAsked):  # The others read no weights of the model.
                memory.require_weights_fit(Path(asked.model), memory.allowed(None))
            for event in _events(asked):
                out.write(msgspec.json.encode(event) + b"\n")
        except PunieError as error:
            out.write(msgspec.json.encode(Failed.of(error)) + b"\n")


def _events(asked: Asked) -> Iterator[Event]:
    match asked:
        case FuseAsked():
            return fuse(asked)
        case QuantizeAsked():
            return quantize(asked)
        case PeftAsked():
            return write_peft(asked)
        case GgufAsked():
            return write_gguf(asked)
        case TurnsAsked():
            return find_turns(asked)


if __name__ == "__main__":
    main()
