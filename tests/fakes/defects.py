"""Fifteen ways in which a row is no row, and four oddities that are legal."""

from __future__ import annotations

GOOD = b'{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "id": 7}'
HELLO = b'"Hello"'

# Name of the defect: the line, the rule it breaks, its path, and what stands at the byte that is named.
DEFECTS: dict[str, tuple[bytes, str, str, bytes]] = {
    "truncated": (GOOD[:-15], "truncated-row", "$.messages[1].content", b'"Hel'),
    "blank": (b"", "blank-line", "$", b""),
    "missing role": (
        GOOD.replace(b'"role": "user", ', b""),
        "missing-role",
        "$.messages[0].role",
        b'{"content": "Hi"',
    ),
    "unknown role": (GOOD.replace(b'"user"', b'"human"'), "unknown-role", "$.messages[0].role", b'"human"'),
    "null content": (GOOD.replace(HELLO, b"null"), "null-content", "$.messages[1].content", b"null}"),
    "int content": (GOOD.replace(HELLO, b"7"), "wrong-content", "$.messages[1].content", b"7}"),
    "list content": (GOOD.replace(HELLO, b'["Hello"]'), "list-content", "$.messages[1].content", b'["Hello"]'),
    "other schema": (b'{"question": "Hi", "answer": "Hello"}', "unknown-shape", "$", b'{"question"'),
    "array row": (b'[{"role": "user"}]', "not-an-object", "$", b'[{"role"'),
    "bad UTF-8": (GOOD.replace(b"Hello", b"Hell\xf6"), "bad-utf8", "$", b'\xf6"}'),
    "BOM": (b"\xef\xbb\xbf" + GOOD, "byte-order-mark", "$", b"\xef\xbb\xbf{"),
    "NaN": (GOOD.replace(b"7}", b"NaN}"), "not-a-number", "$.id", b"NaN}"),
    "lone surrogate": (
        GOOD.replace(b"Hello", b"\\ud83d"),
        "lone-surrogate",
        "$.messages[1].content",
        b'"\\ud83d"',
    ),
    "duplicate key": (
        GOOD.replace(b'"role": "user"', b'"role": "user", "role": "user"'),
        "duplicate-key",
        "$.messages[0].role",
        b'"role": "user", "content"',
    ),
    "empty messages": (b'{"messages": []}', "empty-messages", "$.messages", b"[]}"),
}

CALL = b'{"type": "function", "function": {"name": "ls", "arguments": {"path": "a"}}}'
ODDITIES: dict[str, bytes] = {
    "extra key": GOOD.replace(b'"role": "user"', b'"role": "user", "weight": 1'),
    "U+2028": GOOD.replace(b"Hello", "a\u2028b".encode()),
    "CR between tokens": GOOD.replace(b", ", b",\r"),
    "call without content": GOOD.replace(b'"content": "Hello"', b'"tool_calls": [' + CALL + b"]"),
}
