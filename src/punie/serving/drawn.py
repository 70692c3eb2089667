"""How a server of our own drew its answers, by its own notes: the proof that sampling settings arrived."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from punie.errors import IdentityError
from punie.files import read_jsonl
from punie.serving.completion import Sampling

Drawn = Counter[Sampling]
"""How many answers were begun with each set of arguments, those of probes among them."""


def fresh_notes(log: Path) -> Path:
    """The file beside a server's log for its notes, without those of an earlier server."""
    path = log.with_suffix(".drawn.jsonl")
    path.unlink(missing_ok=True)
    return path


def read_drawn(notes: Path) -> Drawn:
    return Counter(msgspec.convert(row, Sampling) for _, row in read_jsonl(notes))


def require_drawn(asked: Sampling, answers: int, drawn: Drawn, answers_at: Path) -> None:
    """Raises IdentityError where the server did not draw so many answers as they were asked for."""
    if drawn[asked] < answers:
        others = ", ".join(str(other.request()) for other in drawn if other != asked) or "nothing else"
        raise IdentityError(
            f"Sampling did not reach the server: {answers} answers were asked with {asked.request()}, "
            f"{drawn[asked]} were drawn so, and others with {others}.",
            where=str(answers_at),
            hint="Delete this folder. This is a defect of Punie or of this mlx-lm version; please report it.",
        )
