"""How different generated rows are: how evenly templates are used, and how many prompts are nearly another one."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from punie.conversation import Row
from punie.data.compare.dedup import THRESHOLD


class Diversity:
    """Takes rows in as they are made."""

    def __init__(self) -> None:
        self._templates, self._wordings = Counter[str](), Counter[str]()
        self._prompts, self._solutions = list[str](), set[str]()

    def note(self, row: Row) -> None:
        self._templates[row["metadata"]["template"]] += 1
        self._wordings[row["metadata"]["wording"]] += 1
        self._prompts.append(row["prompt"])
        self._solutions.add(row["solution"])

    def report(self) -> dict[str, Any]:
        """Entropies in bits; the evenness of templates is their entropy over its highest value, 0..1."""
        bits = entropy(self._templates)
        return {
            "templates": len(self._templates),
            "template_entropy": round(bits, 3),
            "template_evenness": round(bits / math.log2(len(self._templates)), 3) if len(self._templates) > 1 else 1.0,
            "wordings": len(self._wordings),
            "wording_entropy": round(entropy(self._wordings), 3),
            "different_solutions": len(self._solutions),
            "near_duplicate_prompts": near_duplicates(self._prompts),
            "near_duplicate_threshold": THRESHOLD,
        }


def entropy(counts: Counter[str]) -> float:
    """Shannon's, in bits."""
    total = counts.total()
    return -sum(count / total * math.log2(count / total) for count in counts.values())


def near_duplicates(texts: list[str]) -> int:
    """How many texts are nearly one before them, by the measure and threshold of `punie dataset dedup`."""
    import numpy as np

    from punie.data.compare.similarity import Bands, Neighbours, Sketches, jaccard, shingle

    shingles = shingle(texts)
    sets = shingles.sets()
    sketches = Sketches.of(shingles, Bands.of(THRESHOLD), seed=0)
    neighbours = Neighbours(np.arange(len(texts)), sketches, THRESHOLD)
    found = 0
    for text in neighbours.with_any():
        if any(jaccard(sets[text], sets[other]) >= THRESHOLD for other in neighbours.before(text)):
            found += 1
        else:
            neighbours.add(text)
    return found
