"""What a round learns: the student's own right answers, and rows of its first training beside them."""

from __future__ import annotations

from pathlib import Path

from punie.data.choose.merge import Mixture, merge
from punie.data.dataset import read_manifest


def mix(own: Path, replay: Path | None, output: Path, share: float, seed: int) -> int:
    """Write the dataset unless it is there, and say how many rows it has.

    `share` of them are replayed, as far as there are so many; which ones, the seed decides. `replay` is a .jsonl.
    """
    if not output.is_dir():
        if replay is None:
            merge([own], output)
        else:
            wanted = max(1, round(read_manifest(own).counts["train"] * share / (1 - share)))
            name = str(replay) if replay.stem == own.name else replay.stem
            merge([own, replay], output, mixture=Mixture(caps={name: wanted}, seed=seed))
    return read_manifest(output).counts["train"]
