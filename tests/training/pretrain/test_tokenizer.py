"""The tokenizer: a word is the same wherever it stands, a digit is a token, and any text goes in."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from punie.generate import words
from punie.generate.documents import draw_documents
from punie.training.pretrain.tokenizer import (
    CALL_END,
    CALL_START,
    END,
    SPECIAL,
    TURN_END,
    save_tokenizer,
    train_tokenizer,
)

SIZE = 700
BEFORE = ("", " ", "(", '"', "/", "\n", "\n    ", "= ", "7", "the ", "...", '{"text": "')
AFTER = ("", " ", ".", "/", '"', "7", "\n", " the", "():", '"}')


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(islice(draw_documents(3), 1500), SIZE)


@settings(deadline=None)
@given(
    word=st.sampled_from(words.WORDS) | st.integers(0, 10**6).map(lambda seed: words.made_word(Random(seed))),
    before=st.sampled_from(BEFORE),
    after=st.sampled_from(AFTER),
)
def test_a_word_has_the_same_tokens_everywhere(tokenizer: Tokenizer, word: str, before: str, after: str) -> None:
    """What stands before and after a word changes no token of it, so that it can be copied."""
    encoded = tokenizer.encode(before + word + after)
    begin, end = len(before), len(before) + len(word)
    inside = [token for token, (a, b) in zip(encoded.ids, encoded.offsets, strict=True) if a < end and b > begin]
    assert inside == tokenizer.encode(word).ids


@settings(deadline=None)
@given(st.integers(min_value=0))
def test_a_digit_is_a_token(tokenizer: Tokenizer, number: int) -> None:
    """A number has as many tokens as digits."""
    assert tokenizer.encode(str(number)).tokens == list(str(number))


@settings(deadline=None)
@given(st.text() | st.lists(st.sampled_from([*SPECIAL, "<", " ", "a"])).map("".join))
def test_any_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    """Encoding loses nothing: no space, no letter of any script, no mark."""
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


def test_marks_are_single_tokens(tokenizer: Tokenizer) -> None:
    """Turns and calls begin and end with one token each, the first five, also in the middle of text."""
    assert [tokenizer.encode(mark).ids for mark in SPECIAL] == [[number] for number in range(len(SPECIAL))]
    ids = tokenizer.encode(f"a{TURN_END}b").ids
    assert ids == [*tokenizer.encode("a").ids, tokenizer.token_to_id(TURN_END), *tokenizer.encode("b").ids]


def test_the_size_is_the_one_asked_for(tokenizer: Tokenizer) -> None:
    """A recipe's vocabulary is the tokenizer's."""
    assert tokenizer.get_vocab_size() == SIZE


def test_the_same_text_trains_the_same_tokenizer(tokenizer: Tokenizer) -> None:
    """A model can be made again from its recipe."""
    assert train_tokenizer(islice(draw_documents(3), 1500), SIZE).to_str() == tokenizer.to_str()


def test_call_marks_are_text_for_clients(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """Saved and read again it encodes alike, and only turns and ends vanish from what a client is shown."""
    save_tokenizer(tokenizer, tmp_path)
    saved = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    text = f'{CALL_START}\n{{"name": "é"}}\n{CALL_END}{TURN_END}{END}'
    assert saved.encode(text).ids == tokenizer.encode(text).ids
    assert saved.decode(saved.encode(text).ids) == f'{CALL_START}\n{{"name": "é"}}\n{CALL_END}'
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["eos_token"] == TURN_END
