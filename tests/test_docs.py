"""What the README and the pages in docs tell people to type exists, and what they point at is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from punie.cli import app

ROOT = Path(__file__).parent.parent
GUIDES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
PAGES = [*GUIDES, ROOT / "CHANGELOG.md", *sorted(ROOT.glob("*/README.md")), *sorted(ROOT.glob("agent-os/**/*.md"))]

BLOCK = re.compile(r"^(?P<mark><!-- run -->\n+)?```bash\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
SHELL_ENDS = {"|", "||", "&&", "&", ";", ">", ">>", "<"}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def command_lines(page: Path) -> list[list[str]]:
    """Each `punie` and `make` call in the page's bash blocks, as words."""
    bodies = (match["body"].replace("\\\n", " ") for match in BLOCK.finditer(page.read_text(encoding="utf-8")))
    calls = (call for body in bodies for line in body.splitlines() for call in split_calls(line))
    return [call for call in calls if call[0] in {"punie", "make"}]


def split_calls(line: str) -> Iterator[list[str]]:
    """The simple commands of one shell line, without what they are piped or redirected to."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    for is_end, words in groupby(lexer, SHELL_ENDS.__contains__):
        if not is_end:
            yield list(words)


CALLS = [(name_of(page), " ".join(call), call) for page in GUIDES for call in command_lines(page)]


@pytest.mark.parametrize("words", [call for _, _, call in CALLS], ids=[f"{page}: {text}" for page, text, _ in CALLS])
def test_commands_in_the_docs_exist(words: list[str]) -> None:
    """A reader can type every command as it stands: it exists, and so do its options."""
    program, *rest = words
    if program == "make":
        assert set(rest) <= make_targets()
    else:
        assert not left_over(rest)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def left_over(words: list[str]) -> list[str]:
    """Parse as the program would, without running it; typer's own error tells what it does not know."""
    command = typer.main.get_command(app)
    name = "punie"
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        name, *words = words
        assert name in command.commands, f"there is no command {name!r}"
        command = command.commands[name]
    try:
        return command.make_context(name, words).args
    except typer.Exit:
        return []


def links(page: Path) -> list[str]:
    text = COMMENT.sub("", FENCED.sub("", page.read_text(encoding="utf-8")))
    return [link for link in LINK.findall(text) if "://" not in link and not link.startswith("mailto:")]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file that is there, and every anchor a heading in it."""
    assert not [link for link in links(page) if not leads_somewhere(page, link)]


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path) if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    """Headings as GitHub turns them into anchors."""
    titles = HEADING.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def runnable(page: Path) -> str:
    """The blocks marked with `<!-- run -->`, in the order a reader meets them."""
    return "".join(match["body"] for match in BLOCK.finditer(page.read_text(encoding="utf-8")) if match["mark"])


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in GUIDES if runnable(page)], ids=name_of)
def test_marked_blocks_run(page: Path, tmp_path: Path) -> None:
    """The blocks a page marks as runnable work in an empty folder, one after the other."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", runnable(page)],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
