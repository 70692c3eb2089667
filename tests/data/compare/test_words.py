"""Words as numbers: the same words are the same numbers, wherever they stand."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punie.data.compare.words import Tokens, grams, normalise, tokenise

TEXTS = st.lists(st.text(max_size=40), max_size=6)


def each(tokens: Tokens) -> list[list[int]]:
    return [tokens.hashes[begin:end].tolist() for begin, end in pairwise(tokens.offsets)]


@given(TEXTS)
def test_many_texts_at_once_are_each_text_alone(texts: list[str]) -> None:
    """Company changes nothing about a text."""
    plain = [normalise(text) for text in texts]
    assert each(tokenise(plain)) == [each(tokenise([text]))[0] for text in plain]


@given(st.text(alphabet=st.characters(max_codepoint=126, min_codepoint=9), max_size=60))
def test_ascii_is_cut_as_a_regular_expression_cuts_it(text: str) -> None:
    """Words are runs of letters, digits and underscores; any other visible character is a token."""
    expected = re.findall(r"[A-Za-z0-9_]+|[!-/:-@\[-^`{-~]", text)
    tokens = tokenise([text])
    assert tokens.is_word.tolist() == [token[0].isalnum() or token[0] == "_" for token in expected]
    assert len(set(tokens.hashes.tolist())) == len({token.lower() for token in expected})


@pytest.mark.parametrize("words", [10, 40_000])
def test_a_word_is_the_same_number_wherever_it_stands(words: int) -> None:
    """Blocks are cut between words, so long texts hash like short ones."""
    text = " ".join(f"word{number % 7}" for number in range(words))
    assert each(tokenise([text]))[0] == [tokenise([f"word{number % 7}"]).hashes[0] for number in range(words)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ｗｉｄｅ ﬁne", "wide fine", True),
        ("ÉTÉ", "été", True),
        ("été", "ete", False),
        ("中文", "中国", False),
        ("a “quoted” word", "a quoted word", True),
    ],
)
def test_words_outside_ascii(one: str, other: str, same: bool) -> None:
    """Forms of a character are one, typographic quotes are punctuation, an accent makes another letter."""
    first, second = (each(tokenise([normalise(text)]).words())[0] for text in (one, other))
    assert (first == second) is same


def test_signs_of_scripts_without_spaces_are_words() -> None:
    """Texts without spaces can be compared too."""
    assert len(tokenise(["漢字かな"]).hashes) == 4


def test_runs_of_words() -> None:
    """A run is known by its words in their order, and there is none where words are too few."""
    a, b, c = tokenise(["a b c"]).hashes
    first, second = grams(tokenise(["a b c a b"]).hashes, 2)[[0, 3]]
    assert first == second
    assert grams(tokenise(["b a"]).hashes, 2)[0] != first
    assert len({a, b, c}) == 3
    assert not len(grams(tokenise(["a"]).hashes, 2))
