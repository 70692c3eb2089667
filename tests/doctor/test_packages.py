"""Ranges are read from the metadata of what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from punie.doctor.packages import Package, Python, read_packages, read_python

METADATA = """\
Metadata-Version: 2.4
Name: {name}
Version: {version}
Requires-Python: >=3.11
Classifier: Programming Language :: Python :: 3.12
{requires}
"""


def install(folder: Path, name: str, version: str, *requires: str) -> None:
    """What a package manager leaves of a package, without the package."""
    about = folder / f"{name.replace('-', '_')}-{version}.dist-info" / "METADATA"
    about.parent.mkdir()
    lines = "\n".join(f"Requires-Dist: {line}" for line in requires)
    about.write_text(METADATA.format(name=name, version=version, requires=lines))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_what_is_needed_here_stands_beside_what_is_installed(site: Path) -> None:
    """Extras and other platforms are left out; what Punie asks for wins over what mlx-lm asks for."""
    nowhere = 'mlx-other>=1; sys_platform == "plan9"'
    install(site, "punie", "1.0", "mlx-lm>=0.32.2,<0.33", "absent-one>=2", nowhere, 'ruff>=1; extra == "dev"')
    install(site, "mlx-lm", "0.33.1", "absent-one>=1", "transformers>=5.7.0", 'datasets; extra == "train"')
    install(site, "transformers", "5.23.0")
    assert read_packages() == (
        Package("mlx-lm", "0.33.1", ">=0.32.2,<0.33"),
        Package("absent-one", None, ">=2"),
        Package("transformers", "5.23.0", ">=5.7.0"),
    )


@pytest.mark.parametrize(
    ("version", "supported", "fits"),
    [
        ("0.32.2", ">=0.32.2,<0.33", True),
        ("0.32.10", ">=0.32.2,<0.33", True),
        ("0.33.0", ">=0.32.2,<0.33", False),
        ("0.32.3.dev20261120", ">=0.32.2", True),
        ("1.0", "", True),
        (None, "", False),
    ],
)
def test_a_range_is_a_range_of_versions(version: str | None, supported: str, fits: bool) -> None:
    """Numbers are compared as numbers, a build of the night counts, and what is not there never fits."""
    assert Package("mlx", version, supported).fits is fits


def test_python_stands_beside_what_was_tested(site: Path) -> None:
    """Classifiers name the versions that were tested, Requires-Python those that are allowed."""
    install(site, "punie", "1.0")
    found = read_python("python3")
    assert (found.supported, found.tested) == (">=3.11", ("3.12",))
    assert found.fits
    assert Python("3.12.4", ">=3.11", ("3.12",), "python3").is_tested
    assert not Python("3.14.0", ">=3.11", ("3.12",), "python3").is_tested
