"""The seam to macOS: the text of the profile and the command line. Neither has run on a Mac."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from punie.sandbox import macos


def test_the_profile_denies_first_and_last() -> None:
    """Everything is denied first; what system.sb lets through of the network, services and forks is taken back."""
    text = macos.profile("/py", ["/lib"], ["/file"], "/work")
    lines = text.splitlines()
    assert lines[:3] == ["(version 1)", "(deny default)", '(import "system.sb")']
    assert {"(deny network*)", "(deny mach-lookup)", "(deny process-fork)", "(deny file-write*)"} <= set(lines[3:])
    assert text.count("(") == text.count(")")


def test_the_profile_allows_one_place_to_write_and_one_program() -> None:
    """Writing is allowed below the work folder and to the sink, executing the interpreter alone."""
    text = macos.profile("/py", ["/lib"], ["/file"], "/work")
    writes = [line for line in text.splitlines() if line.startswith("(allow file-write")]
    assert writes == ['(allow file-write* (subpath "/work") (literal "/dev/null"))']
    assert re.findall(r"\(allow process-exec.*", text) == ['(allow process-exec* (literal "/py"))']


def test_a_path_cannot_end_its_string() -> None:
    """Quotes and backslashes in a path stay in the path."""
    assert r'(subpath "/a\"b\\c")' in macos.profile("/py", ['/a"b\\c'], [], "/w")


def test_the_command_names_real_paths(tmp_path: Path) -> None:
    """Links are resolved, as the profile language needs it, and the interpreter comes last before its arguments."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    program, option, rules, interpreter, *arguments = macos.command(["-m", "x"], str(link))
    assert (program, option, arguments) == ("/usr/bin/sandbox-exec", "-p", ["-m", "x"])
    assert interpreter == str(Path(sys.executable).resolve())
    assert f'(subpath "{tmp_path.resolve()}")' in rules
    assert str(link) not in rules
