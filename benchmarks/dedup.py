"""Near duplicates among 50,000 generated chats: Punie beside rensa fed by shingles made in Python.

Copies are planted with a known similarity. Recall is over those whose true Jaccard similarity reaches the threshold.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rensa import RMinHash, RMinHashLSH

from punie.data.compare.dedup import dedup
from punie.files import read_jsonl, write_jsonl

DOCUMENTS = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
WORDS = 320
THRESHOLD = 0.8
SEED = 7


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chats.jsonl"
        planted = plant(path)
        peer_seconds, peer_found = timed(lambda: rensa_route(path))
        own_seconds, own_found = timed(lambda: punie_route(path, Path(folder) / "out"))
        megabytes = path.stat().st_size / 1e6
    routes = {"rensa, shingles in Python": (peer_seconds, peer_found), "punie dedup": (own_seconds, own_found)}
    rows = {name: figures(seconds, found, planted) for name, (seconds, found) in routes.items()}
    print(f"{DOCUMENTS} chats, {megabytes:.0f} MB, {len(planted)} planted copies at {THRESHOLD} or more")
    for name, row in rows.items():
        print(f"{name:<26} {row['cpu_seconds']:6.2f} CPU-s   recall {row['recall']:.4f}   removed {row['removed']}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of both together {peak:.0f} MB")
    print(
        json.dumps({"documents": DOCUMENTS, "megabytes": round(megabytes, 1), "planted": len(planted), "routes": rows})
    )


def figures(seconds: float, found: set[int], planted: set[int]) -> dict[str, float]:
    recall = len(planted & found) / len(planted)
    return {"cpu_seconds": round(seconds, 2), "recall": round(recall, 4), "removed": len(found)}


def timed(job: Callable[[], set[int]]) -> tuple[float, set[int]]:
    start = time.process_time()
    found = job()
    return time.process_time() - start, found


def plant(path: Path) -> set[int]:
    """Write the chats; the line numbers of copies as alike as the threshold come back."""
    draw = random.Random(SEED)
    vocabulary = [f"{draw.choice('bcdfglmnprst')}{number:05x}" for number in range(30_000)]
    weights = [1 / rank for rank in range(1, len(vocabulary) + 1)]
    planted: set[int] = set()
    write_jsonl(path, _chats(draw, vocabulary, weights, planted))
    return planted


def _chats(draw: random.Random, vocabulary: list[str], weights: list[float], planted: set[int]) -> Iterator[dict]:
    recent: list[list[str]] = []
    for line in range(1, DOCUMENTS + 1):
        words = draw.choices(vocabulary, weights, k=draw.randint(WORDS // 4, WORDS * 7 // 4))
        if recent and draw.random() < 0.05:
            original = draw.choice(recent)
            words = [draw.choice(vocabulary) if draw.random() < draw.random() * 0.05 else word for word in original]
            if similarity(words, original) >= THRESHOLD:
                planted.add(line)
        else:
            recent = [*recent[-999:], words]
        half = len(words) // 2
        question, answer = " ".join(words[:half]), " ".join(words[half:])
        yield {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def similarity(one: list[str], other: list[str]) -> float:
    a, b = ({" ".join(words[i : i + 5]) for i in range(len(words) - 4)} for words in (one, other))
    return len(a & b) / len(a | b)


def rensa_route(path: Path) -> set[int]:
    """As its manual has it: token sets from Python, then its LSH; what a band finds is checked by the sketches."""
    lsh = RMinHashLSH(THRESHOLD, 128, 16)
    kept: dict[int, RMinHash] = {}
    found: set[int] = set()
    for line, row in read_jsonl(path):
        words = " ".join(message["content"] for message in row["messages"]).lower().split()
        sketch = RMinHash(128, SEED)
        sketch.update([" ".join(words[i : i + 5]) for i in range(len(words) - 4)])
        if any(sketch.jaccard(kept[other]) >= THRESHOLD for other in lsh.query(sketch)):
            found.add(line)
        else:
            lsh.insert(line, sketch)
            kept[line] = sketch
    return found


def punie_route(path: Path, output: Path) -> set[int]:
    """The whole command: rows read, compared, written, with a ledger."""
    dedup(path, output, threshold=THRESHOLD)
    return {removed["line"] for _, removed in read_jsonl(output / "removed.jsonl")}


if __name__ == "__main__":
    main()
