"""No path of this machine, and no secret, is in what leaves it."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.errors import UsageError
from punie.sharing.scan import require_clean
from punie.sharing.scrub import hub_name, scrubbed, without_origin

SNAPSHOT = "/Users/ada/.cache/huggingface/hub/models--org--small-4bit/snapshots/0a1b2c"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (SNAPSHOT, "org/small-4bit"),
        ("/Users/ada/data/my rows", "my rows"),
        ("~/adapters/mine", "mine"),
        (r"C:\Users\ada\rows", "rows"),
        ("read /home/ada/rows.jsonl:3 and went on", "read rows.jsonl:3 and went on"),
        ("org/name", "org/name"),
        ("https://huggingface.co/org/name", "https://huggingface.co/org/name"),
        ("model.layers.0/self_attn", "model.layers.0/self_attn"),
        ("a / b", "a / b"),
        ({"/tmp/x/y": ["/tmp/x/z", 3, None]}, {"y": ["z", 3, None]}),
    ],
)
def test_a_path_becomes_a_name(value: object, kept: object) -> None:
    """A repository's name, or the last part; what is no path stays, and what is clean is not changed again."""
    assert scrubbed(value) == kept
    assert scrubbed(kept) == kept


def test_only_the_origin_is_changed_in_a_tokenizer() -> None:
    """A token that looks like a path is a token."""
    config = {"name_or_path": SNAPSHOT, "eos_token": "/usr/bin/end", "chat_template": "{{ '/home/ada/x' }}"}
    assert without_origin(config) == {**config, "name_or_path": "org/small-4bit"}


@pytest.mark.parametrize(("path", "name"), [(SNAPSHOT, "org/small-4bit"), ("a/b", "a/b"), ("/data/mine", None)])
def test_a_copy_of_the_hub_is_known_by_its_name(path: str, name: str | None) -> None:
    """A folder of one's own has no name elsewhere."""
    assert hub_name(path) == name


SECRET = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("config.json", f'{{\n"x": "{SECRET}"}}', "Hugging Face token"),
        ("model.py", "# a\npath = '/Users/ada/x'", "folder of this machine"),
        ("model.safetensors", b"\x30" + b"\0" * 7 + b'{\n"__metadata__": {"from": "/home/ada/models/x"}}', "folder"),
        ("tokenizer.json", f"\n{SECRET}", "Hugging Face token"),
    ],
)
def test_what_must_not_leave_is_named_and_not_shown(tmp_path: Path, name: str, content: str | bytes, kind: str) -> None:
    """File, line and kind, never the secret itself."""
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=rf"{name}, line 2, .*{kind}") as caught:
        require_clean(tmp_path, [name])
    assert SECRET not in str(caught.value)


def test_a_vocabulary_may_hold_words_of_paths(tmp_path: Path) -> None:
    """A tokenizer's entries are no folders."""
    (tmp_path / "tokenizer.json").write_text('{"/home/ada/": 7}')
    require_clean(tmp_path, ["tokenizer.json"])
