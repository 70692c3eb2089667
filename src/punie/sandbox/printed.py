"""What a candidate printed: its beginning and its end, however much it was."""

from __future__ import annotations

KEPT = 2_048
"""Bytes, one half from either end."""
_HALF = KEPT // 2


class Printed:
    """Takes output piece by piece; `size` counts all of it, in bytes."""

    def __init__(self) -> None:
        self.size = 0
        self._first, self._last = bytearray(), bytearray()

    def add(self, data: bytes) -> None:
        self.size += len(data)
        room = _HALF - len(self._first)
        self._first += data[:room]
        self._last = (self._last + data[room:])[-_HALF:]

    @property
    def text(self) -> str:
        """What was left out in the middle is told there; bytes that are not UTF-8 are written out."""
        left_out = self.size - len(self._first) - len(self._last)
        if not left_out:
            return _decoded(self._first + self._last)
        return f"{_decoded(self._first)}\n[{left_out:,} bytes are left out here]\n{_decoded(self._last)}"


def _decoded(data: bytearray) -> str:
    return data.decode("utf-8", "backslashreplace")
