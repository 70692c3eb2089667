"""Which content is for evaluation only.

The split is by content, not by row: one in eight argument sets, function bodies and number sets is never shown in
pretraining or fine-tuning text, whatever seed draws it.
"""

from __future__ import annotations

import hashlib

ONE_IN = 8


def is_held_out(*content: object) -> bool:
    """Whether this content may be asked about and never be taught."""
    digest = hashlib.sha256(repr(content).encode()).digest()
    return int.from_bytes(digest[:4], "big") % ONE_IN == 0
