"""Likeness of texts: exact where it is reported, found with the recall that is promised."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from punie.data.compare.similarity import Bands, Neighbours, Sketches, jaccard, shingle

WORDS = st.lists(st.sampled_from("a b c d e f".split()), max_size=12)


def runs(words: list[str]) -> set[tuple[str, ...]]:
    size = min(5, len(words))
    return {tuple(words[place : place + size]) for place in range(len(words) - size + 1)} if words else set()


@given(WORDS, WORDS)
def test_similarity_is_that_of_sets_of_five_word_runs(one: list[str], other: list[str]) -> None:
    """The number is the exact Jaccard similarity, and nothing estimated."""
    a, b = runs(one), runs(other)
    expected = len(a & b) / len(a | b) if a and b else 0.0
    assert jaccard(*shingle([" ".join(one), " ".join(other)]).sets()) == pytest.approx(expected)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.7, 0.8, 0.95])
def test_bands_find_nearly_every_pair_at_the_threshold(threshold: float) -> None:
    """Whatever the threshold, 99.9 % of the pairs that reach it are looked at."""
    assert Bands.of(threshold).recall(threshold) >= 0.999


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_near_copies_are_found(threshold: float) -> None:
    """Of pairs that reach the threshold, as measured word by word, at least 97 % become neighbours."""
    draw = random.Random(1)
    texts = [[f"w{draw.randrange(5000)}" for _ in range(100)] for _ in range(300)]
    texts += [[f"w{draw.randrange(5000)}" if draw.random() < 0.03 else word for word in text] for text in texts]
    shingles = shingle([" ".join(words) for words in texts])
    sets, numbers = shingles.sets(), np.arange(len(texts))
    neighbours = Neighbours(numbers, Sketches.of(shingles, Bands.of(threshold), seed=0), threshold)
    for text in neighbours.with_any():
        neighbours.add(text)
    pairs = [(copy - 300, copy) for copy in range(300, 600) if jaccard(sets[copy - 300], sets[copy]) >= threshold]
    found = [pair for pair in pairs if pair[0] in neighbours.before(pair[1])]
    assert len(pairs) > 50
    assert len(found) >= 0.97 * len(pairs)


def test_texts_without_a_likeness_are_not_compared() -> None:
    """Different texts share no band."""
    shingles = shingle([" ".join(f"w{text}x{word}" for word in range(50)) for text in range(50)])
    sketches = Sketches.of(shingles, Bands.of(0.8), seed=0)
    assert Neighbours(np.arange(50), sketches, 0.8).with_any() == []
