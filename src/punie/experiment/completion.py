"""How well a model completes programs it never saw: its next character, its next line, what the program prints.

Nothing has to be generated. Greedy decoding writes a text exactly where each of its tokens is the most probable one
after those before it, and a sample at temperature 1 is that text with the product of their probabilities. So one look
at a program with its output answers for every beginning of it, and the sampled figures have no noise of sampling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from punie.errors import TrainingError
from punie.files import read_jsonl
from punie.generate.tinypy.program import MARK
from punie.process import Child

WORKER = "punie.experiment.completion_worker"


class Measured(msgspec.Struct, frozen=True):
    """What one model does with one program. Shares and chances in 0..1, losses in nats.

    `tokens`: share of all characters that are the most probable ones; `tokens_sampled`: their mean probability.
    `lines`: the same of lines after the first, each asked for given all that stands before it. `execution`: 1 where
    all that follows `# output`, its end included, is what greedy decoding writes; `execution_sampled`: its chance.
    """

    id: str
    level: int
    difficulty: str
    empty: bool
    """Whether the program prints nothing."""
    tokens: float
    tokens_sampled: float
    lines: float
    lines_sampled: float
    execution: float
    execution_sampled: float
    output_loss: float
    """Nats per character of the output, its end counted as one."""


MEASURES = ("execution", "execution_sampled", "output_loss", "lines", "lines_sampled", "tokens", "tokens_sampled")


def judge(row: Mapping[str, Any], logs: np.ndarray, hits: np.ndarray) -> Measured:
    """`logs`: log-probability of each character of the row's text after the first, and of the end; `hits`: whether it
    was the most probable token.
    """
    text, labels = row["text"], row["metadata"]
    output = slice(text.index(MARK) + len(MARK) - 1, None)
    places = _lines(text)
    return Measured(
        id=row["id"],
        level=labels["level"],
        difficulty=labels["difficulty"],
        empty=labels["output_empty"],
        tokens=float(hits.mean()),
        tokens_sampled=float(np.exp(logs).mean()),
        lines=float(np.mean([hits[place].all() for place in places])),
        lines_sampled=float(np.mean([np.exp(logs[place].sum()) for place in places])),
        execution=float(hits[output].all()),
        execution_sampled=float(np.exp(logs[output].sum())),
        output_loss=float(-logs[output].mean()),
    )


def _lines(text: str) -> list[slice]:
    """Where the characters of each line after the first stand, their ends left out, counted from the second of all."""
    places, start = list[slice](), 0
    for line in text.split("\n"):
        if start:
            places.append(slice(start - 1, start - 1 + len(line)))
        start += len(line) + 1
    return places


def measure(model: Path, weights: Path, programs: Path, output: Path, log: Path) -> None:
    """Ask a child about every row; `output` is there when all are answered. Raises TrainingError with its log."""
    with Child(WORKER, str(model), str(weights), str(programs), str(output), log=log) as child:
        child.wait()
        if not output.is_file():
            raise TrainingError("The process that measures a model ended without a result.", hint=child.last_lines())


def read_measured(path: Path) -> Sequence[Measured]:
    return [msgspec.convert(row, Measured) for _, row in read_jsonl(path)]
