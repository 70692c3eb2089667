"""What asking cost: latency, speed, endings, and the memory of the server."""

from __future__ import annotations

import ctypes
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from statistics import quantiles

from punie.evaluation.outcomes import Answer, AskedServer, Measurements, Trial

_USAGE_VERSION, _USAGE_WORDS, _PEAK_WORD = 4, 37, 30
"""`ri_lifetime_max_phys_footprint` of macOS's `struct rusage_info_v4`, in words of eight bytes."""


def measure(
    trials: Iterable[Trial], fresh: Iterable[Answer], seconds: float, server_peak_memory: int | None
) -> Measurements:
    """The figures of a run. Speed is that of the `fresh` answers, for which it took `seconds` to ask."""
    answers = [answer for trial in trials for answer in trial.answers]
    asked = [answer for answer in answers if answer.cached is None]
    middle, slowest = _latencies(asked)
    written = sum(answer.completion_tokens for answer in fresh if answer.cached is None)
    return Measurements(
        asked=len(asked),
        cached=len(answers) - len(asked),
        latency_p50=middle,
        latency_p95=slowest,
        tokens_per_second=written / seconds if written else None,
        finish_reasons=dict(Counter(answer.finish_reason for answer in answers)),
        server_peak_memory=server_peak_memory,
    )


def count_servers(servers: Mapping[str, str], trials: Iterable[Trial]) -> Iterator[AskedServer]:
    """Of several, by address and why each was lost."""
    answered = Counter(answer.server for trial in trials for answer in trial.answers)
    for url, lost in servers.items():
        yield AskedServer(base_url=url, answers=answered[url], lost=lost)


def _latencies(asked: list[Answer]) -> tuple[float | None, float | None]:
    """Median and 95th percentile, in seconds."""
    if not asked:
        return None, None
    seconds = [answer.seconds for answer in asked]
    twentieths = quantiles(seconds * 2 if len(seconds) == 1 else seconds, n=20, method="inclusive")
    return twentieths[9], twentieths[18]


def peak_memory(process: int | None) -> int | None:
    """Most bytes a running process has held: resident on Linux, footprint on macOS. None where it cannot be told."""
    if process is None:
        return None
    if sys.platform == "darwin":
        return _peak_footprint(process)
    status = Path(f"/proc/{process}/status")
    found = re.search(r"^VmHWM:\s*(\d+) kB", status.read_text(), re.MULTILINE) if status.is_file() else None
    return int(found[1]) * 1024 if found else None


def _peak_footprint(process: int) -> int | None:
    usage = (ctypes.c_uint64 * _USAGE_WORDS)()
    failed = ctypes.CDLL(None).proc_pid_rusage(process, _USAGE_VERSION, ctypes.byref(usage))
    return None if failed else usage[_PEAK_WORD]
