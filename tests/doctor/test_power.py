"""What is read out of `pmset -g`. The texts are of the form that users of Macs put into public reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.doctor.power import Power, parse_power, read_power

M_SERIES = """\
System-wide power settings:
Currently in use:
 standby              1
 Sleep On Power Button 1
 hibernatefile        /var/vm/sleepimage
 powernap             1
 disksleep            10
 sleep                1 (sleep prevented by caffeinate, powerd)
 ttyskeepawake        1
 displaysleep         20
 tcpkeepalive         1
 lowpowermode         0
"""
NEWER = """\
System-wide power settings:
Currently in use:
 disksleep            10
 sleep                0 (sleep prevented by caffeinate, caffeinate)
 displaysleep         0
 powermode            1
"""
OLDER = """\
Active Profiles:
Battery Power\t\t-1*
AC Power\t\t-1
Currently in use:
 sleep                60
 displaysleep         5
"""


@pytest.mark.parametrize(
    ("said", "power"),
    [
        (M_SERIES, Power(sleep=1, display_sleep=20, low_power=False)),
        (NEWER, Power(sleep=0, display_sleep=0, low_power=True)),
        (OLDER, Power(sleep=60, display_sleep=5, low_power=False)),
        ("", Power(sleep=None, display_sleep=None, low_power=False)),
        ("pmset: command not found\n", Power(sleep=None, display_sleep=None, low_power=False)),
    ],
    ids=["M series", "powermode", "profiles", "silent", "no pmset"],
)
def test_sleep_display_and_low_power_are_read(said: str, power: Power) -> None:
    """Minutes are told from the names of other settings and from who prevents sleep; silence is not zero."""
    assert parse_power(said) == power


def test_pmset_is_asked_and_may_be_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program of that name on the path says what there is; without one nothing is known."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_power() == parse_power("")
    pmset = tmp_path / "pmset"
    pmset.write_text(f"#!/bin/sh\n[ \"$1\" = -g ] && echo '{M_SERIES}'\n")
    pmset.chmod(0o755)
    assert read_power() == parse_power(M_SERIES)
