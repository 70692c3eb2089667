"""Tokenizers learned from one's own rows: one token for each character, or byte-level BPE."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from punie.training.pretrain.model_recipe import Vocabulary
from punie.training.pretrain.tokenizer import END, train_tokenizer

UNKNOWN = "<|unknown|>"

CONTINUE = "{%- for message in messages %}{{ message.content or '' }}{% endfor %}"
"""A chat template for a model that was never taught to chat: it goes on from what it is asked, as that stands."""


def learn_tokenizer(vocabulary: Vocabulary, texts: Sequence[str]) -> Tokenizer:
    return characters(texts) if vocabulary.size is None else train_tokenizer(texts, vocabulary.size)


def characters(texts: Sequence[str]) -> Tokenizer:
    """A token for every character of the texts, in the order of their code points, behind the two marks."""
    alphabet = sorted(set().union(*texts))
    entries = {token: number for number, token in enumerate([END, UNKNOWN, *alphabet])}
    tokenizer = Tokenizer(models.WordLevel(entries, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in (END, UNKNOWN)])
    return tokenizer
