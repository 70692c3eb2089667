"""What a candidate may use up."""

from __future__ import annotations

from dataclasses import asdict, dataclass

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one candidate. The defaults suit functions of a benchmark, which need a few milliseconds."""

    cpu_seconds: int = 2
    """Processor time of all calls together: a loaded machine does not turn a slow answer into a wrong one."""
    wall_seconds: float = 8.0
    """Time by the clock from start to end, for candidates that sleep."""
    memory_bytes: int = 512 * MEBIBYTE
    """Address space on Linux; footprint, looked at every few milliseconds, on macOS (cpython issue 78783)."""
    file_bytes: int = MEBIBYTE
    """Size of any one file it writes."""
    disk_bytes: int = 16 * MEBIBYTE
    """All files it writes, an entry of a folder counting as 4 KiB. Looked at every few milliseconds."""
    open_files: int = 32
    output_bytes: int = MEBIBYTE
    """Standard output and standard error together. Of what is read, the first and the last kB are kept."""
    result_bytes: int = MEBIBYTE
    """Everything the calls return, written as JSON."""

    def to_row(self) -> dict[str, float]:
        return asdict(self)
