"""What macOS does with sleep and display, as `pmset -g` tells it. Written from recorded output; no Mac was at hand."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

_COMMAND = ["pmset", "-g"]
_WITHIN_SECONDS = 3.0
_SETTING = re.compile(r"^\s*(\w+)\s+(\d+)\b", re.MULTILINE)
_LOW = "1"


@dataclass(frozen=True, slots=True)
class Power:
    """Minutes without a user, 0 for never, until the Mac or its display sleeps; None where pmset did not say."""

    sleep: int | None
    display_sleep: int | None
    low_power: bool


def read_power() -> Power:
    try:
        said = subprocess.run(_COMMAND, capture_output=True, text=True, timeout=_WITHIN_SECONDS).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    return parse_power(said)


def parse_power(said: str) -> Power:
    """From lines of a setting and its value, what is in use last. Newer Macs call the low power mode powermode 1."""
    settings = dict(_SETTING.findall(said))
    minutes = {name: int(settings[name]) for name in ("sleep", "displaysleep") if name in settings}
    low = _LOW in (settings.get("lowpowermode"), settings.get("powermode"))
    return Power(minutes.get("sleep"), minutes.get("displaysleep"), low)
