"""Keys and tokens: found in any field and any spelling, and never repeated."""

from __future__ import annotations

import json

import pytest

from punie.data.choose.secrets import find_secret

MIXED = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3hJ6"
FOUND = {
    "AWS access key": "AKIA" + "Q7RZ2M4K9XW5T8VB",
    "GitHub token": "ghp_" + MIXED,
    "GitLab token": "glpat-" + MIXED[:20],
    "API key (OpenAI, Anthropic)": "sk-proj-" + MIXED,
    "Hugging Face token": "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZqWeRtYuI",
    "Google API key": "AIza" + MIXED[:35],
    "Slack token": "xoxb-" + MIXED[:24],
    "Stripe key": "sk_live_" + MIXED[:24],
    "private key": "-----BEGIN RSA PRIVATE KEY-----",
}
HARMLESS = [
    "AKIAIOSFODNN7EXAMPLE",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "export OPENAI_API_KEY=sk-your-key-goes-here-please-now",
    "risk-adjusted-return-of-the-portfolio-over-time",
    "-----BEGIN PUBLIC KEY-----",
    "task_force, hf_hub_download, xoxo",
]


def row(text: str, ascii_only: bool) -> bytes:
    return json.dumps({"text": "See:", "metadata": {"note": text}}, ensure_ascii=ascii_only).encode()


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("frame", ["{}", "key = '{}'", "first line\n{}\nlast line", "é {}"])
@pytest.mark.parametrize("kind", FOUND)
def test_a_secret_is_found_wherever_it_stands(kind: str, frame: str, ascii_only: bool) -> None:
    """In a field nobody reads, after a line end, beside an accent: a key is a key, and only its kind is said."""
    assert find_secret(row(frame.format(FOUND[kind]), ascii_only)) == kind


def test_a_secret_spelt_in_escapes_is_found() -> None:
    """JSON may write any letter as an escape."""
    hidden = "".join(f"\\u{ord(letter):04x}" for letter in FOUND["AWS access key"])
    assert find_secret(b'{"text":"' + hidden.encode() + b'"}') == "AWS access key"


@pytest.mark.parametrize("text", HARMLESS)
def test_an_example_is_no_secret(text: str) -> None:
    """Documentation shows keys that are none, and words may look like their beginnings."""
    assert find_secret(row(text, False)) is None
