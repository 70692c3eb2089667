"""Keys and tokens that must not be taught: a literal first, then the pattern around it.

The forms are those their makers publish (GitHub's token prefixes, AWS access key ids, PEM headers ...). What a form
cannot show, a password in plain words, is not looked for. Words of the documentation (EXAMPLE, xxxx) are no secrets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

_START = rb"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrtbf]))"
"""Not inside a longer word. In JSON a line end is a backslash and a letter, after which a token may begin."""
_PLACEHOLDER = re.compile(rb"EXAMPLE|example|your|YOUR|xxxx|XXXX|0000|1234567890|abcdef0|\.\.\.|<")
_DISTINCT = 8
_GATES = tuple(
    re.compile(gate).search
    for gate in (
        # Each begins with one rare letter, since that is what a search of bytes finds at several gigabytes per second.
        rb"_(?:(?<=gh[pousr]_)|(?<=hf_)|(?<=npm_)|(?<=github_pat_)|(?<=sk_live_))",
        rb"-(?:(?<=sk-)|(?<=glpat-)|(?<=xox[abeprs]-)|(?<=pypi-)|----BEGIN )",
        rb"IA(?<=A[KS]IA)",
        rb"za(?<=AIza)",
        rb"\\u",
    )
)


@dataclass(frozen=True, slots=True)
class Secret:
    """One kind: a literal that every instance holds, and the pattern of the whole."""

    kind: str
    literal: bytes
    pattern: re.Pattern[bytes]


def _secret(kind: str, literal: bytes, rest: bytes) -> Secret:
    return Secret(kind, literal, re.compile(_START + re.escape(literal) + rest))


SECRETS = (
    _secret("AWS access key", b"AKIA", rb"[0-9A-Z]{16}(?![0-9A-Za-z])"),
    _secret("AWS temporary key", b"ASIA", rb"[0-9A-Z]{16}(?![0-9A-Za-z])"),
    _secret("GitHub token", b"ghp_", rb"[A-Za-z0-9]{36,}"),
    _secret("GitHub token", b"gho_", rb"[A-Za-z0-9]{36,}"),
    _secret("GitHub token", b"ghu_", rb"[A-Za-z0-9]{36,}"),
    _secret("GitHub token", b"ghs_", rb"[A-Za-z0-9]{36,}"),
    _secret("GitHub token", b"ghr_", rb"[A-Za-z0-9]{36,}"),
    _secret("GitHub token", b"github_pat_", rb"[A-Za-z0-9_]{40,}"),
    _secret("GitLab token", b"glpat-", rb"[A-Za-z0-9_-]{20,}"),
    _secret("API key (OpenAI, Anthropic)", b"sk-", rb"(?:(?:proj|svcacct|ant|or)-[\w-]{20,}|[A-Za-z0-9]{32,})"),
    _secret("Hugging Face token", b"hf_", rb"[A-Za-z]{34}(?![A-Za-z])"),
    _secret("Google API key", b"AIza", rb"[0-9A-Za-z_-]{35}"),
    _secret("Slack token", b"xox", rb"[abeprs]-[0-9A-Za-z-]{10,}"),
    _secret("Stripe key", b"sk_live_", rb"[0-9A-Za-z]{16,}"),
    _secret("npm token", b"npm_", rb"[A-Za-z0-9]{36}"),
    _secret("PyPI token", b"pypi-AgE", rb"[\w-]{50,}"),
    _secret("private key", b"-----BEGIN ", rb"(?:[A-Z]+ ){0,2}PRIVATE KEY(?: BLOCK)?-----"),
)


def find_secret(raw: bytes) -> str | None:
    """The kind of the first secret in a row's bytes, in whatever field; never the secret itself."""
    for found in _GATES:  # A loop, not any(): this runs on every row.
        if found(raw):
            return _search(msgspec.json.encode(msgspec.json.decode(raw)) if b"\\u" in raw else raw)
    return None


def _search(raw: bytes) -> str | None:
    for secret in SECRETS:
        if secret.literal in raw and any(_is_real(match.group(), secret) for match in secret.pattern.finditer(raw)):
            return secret.kind
    return None


def _is_real(found: bytes, secret: Secret) -> bool:
    if secret.kind == "private key":
        return True
    return not _PLACEHOLDER.search(found) and len(set(found[len(secret.literal) :])) >= _DISTINCT
