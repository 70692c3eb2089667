"""Colours of charts stand out from the paper, and from each other under three kinds of colour blindness."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import punie.report

STYLE = "".join(
    (Path(punie.report.__path__[0]) / "templates" / name).read_text() for name in ("page.css", "charts.css")
)
_NIGHT = re.compile(r"@media screen and \(prefers-color-scheme: dark\) \{.*?\}\s*\}", re.DOTALL)
_VARIABLE = re.compile(r"--([\w-]+): #([0-9a-f]{6})")
CHARTS = {
    "lines": ("s0", "s1", "s2", "s3"),
    "bars": ("after", "flow-failing", "s1"),
    "flow": ("bad", "after", "flow-failing", "flow-right", "warn-rule"),
    "intervals": ("before", "after"),
}
"""By kind of chart: the colours that stand side by side in it."""

SEEN_BY = {
    "everybody": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""Linear RGB as it is seen; Machado, Oliveira and Fernandes (2009), severity 1."""
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_LUMINANCE = _TO_XYZ[1]


def palette(dark: bool) -> dict[str, np.ndarray]:
    """Each variable as linear RGB; what is not set anew in the dark is as in the light."""
    light, night = _NIGHT.sub("", STYLE), "".join(_NIGHT.findall(STYLE))
    found = dict(_VARIABLE.findall(light + night if dark else light))
    return {name: linear(bytes.fromhex(value)) for name, value in found.items()}


def linear(colour: bytes) -> np.ndarray:
    """sRGB without its gamma: IEC 61966-2-1."""
    share = np.array(list(colour)) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(colour: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b*, white D65."""
    ratio = (_TO_XYZ @ np.clip(colour, 0, 1)) / _TO_XYZ.sum(axis=1)
    root = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("eyes", SEEN_BY)
@pytest.mark.parametrize("chart", CHARTS)
def test_colours_of_a_chart_can_be_told_apart(chart: str, eyes: str, dark: bool) -> None:
    """Any two that stand side by side are at least six just noticeable differences (of 2.3) apart."""
    colours = palette(dark)
    seen = {name: lab(SEEN_BY[eyes] @ colours[name]) for name in CHARTS[chart]}
    apart = {pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in combinations(seen, 2)}
    assert {pair: distance for pair, distance in apart.items() if distance < 6 * 2.3} == {}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_lines_stand_out_from_the_paper(dark: bool) -> None:
    """A contrast of 3 to 1 at least, as WCAG 2.2 asks of graphics (1.4.11)."""
    colours = palette(dark)
    bright = {name: _LUMINANCE @ colours[name] + 0.05 for name in ("paper", "s0", "s1", "s2", "s3", "before", "after")}
    contrast = {name: max(one, bright["paper"]) / min(one, bright["paper"]) for name, one in bright.items()}
    assert {name: found for name, found in contrast.items() if name != "paper" and found < 3} == {}
