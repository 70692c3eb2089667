"""Hub datasets with names of their own here: where their rows lie and how to read them.

The columns are those of the dataset cards. None of these was read from the real hub yet; see docs/sources.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Shortcut:
    """`format` is one of `punie dataset import`, or `columns` say what is what.

    `addresses` names a file of the repository that lists addresses of JSON lines, for sets that lie elsewhere; `part`
    must occur in an address that is read. {split} in `addresses` stands for the split.
    """

    repository: str
    licence: str
    format: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    split: str | None = None
    addresses: str = ""
    part: str = ""


SHORTCUTS: Mapping[str, Shortcut] = MappingProxyType(
    {
        "strandset-rust-v1": Shortcut("Fortytwo-Network/Strandset-Rust-v1", "Apache-2.0", format="strandset"),
        "humaneval": Shortcut("openai/openai_humaneval", "MIT", format="humaneval"),
        "mbpp": Shortcut("google-research-datasets/mbpp", "CC-BY-4.0", format="mbpp", split="full/train"),
        "glaive-function-calling": Shortcut("glaiveai/glaive-function-calling-v2", "Apache-2.0", format="glaive"),
        "kodcode": Shortcut("KodCode/KodCode-V1", "CC-BY-NC-4.0", format="kodcode", split="train"),
        "the-stack-dedup": Shortcut(
            "bigcode/the-stack-dedup", "each file's own", columns={"text": "content"}, split="python/train"
        ),
        "dolma-wiki": Shortcut(
            "allenai/dolma", "ODC-BY", columns={"text": "text"}, addresses="urls/v1_6.txt", part="/wiki/"
        ),
        "redpajama": Shortcut(
            "togethercomputer/RedPajama-Data-1T",
            "each source's own",
            columns={"text": "text"},
            split="wikipedia",
            addresses="urls/{split}.txt",
        ),
    }
)
