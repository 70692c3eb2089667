"""How a child of this package is asked: a question in JSON goes in, answers come back a line each."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from punie.errors import PunieError, TrainingError
from punie.files import read_json, write_json
from punie.process import Child
from punie.training.metrics import Failed, follow


def ask(worker: str, question: dict[str, Any], decoder: msgspec.json.Decoder[Any], broken: str) -> Iterator[Any]:
    """Answers as they come; the decoder knows `Failed` too.

    Raises what the child raises, and TrainingError saying `broken` where there is no answer.
    """
    with tempfile.TemporaryDirectory(prefix="punie-") as scratch:
        asked, answers = Path(scratch) / "asked.json", Path(scratch) / "answers.jsonl"
        write_json(asked, question)
        answers.touch()
        count = 0
        with Child(worker, str(asked), str(answers), log=Path(scratch) / "log") as child:
            for answer in follow(answers, lambda: child.poll() is None, decoder):
                if isinstance(answer, Failed):
                    raise answer.to_error()
                count += 1
                yield answer
            if not count:
                raise TrainingError(f"{broken}.", hint=child.last_lines())


def answer(answers: Callable[[dict[str, Any]], Iterable[msgspec.Struct]]) -> None:
    """What the child does: its arguments are the files of question and answers."""
    with Path(sys.argv[2]).open("ab", buffering=0) as out:
        try:
            for found in answers(read_json(Path(sys.argv[1]))):
                out.write(msgspec.json.encode(found) + b"\n")
        except PunieError as error:
            out.write(msgspec.json.encode(Failed.of(error)) + b"\n")
