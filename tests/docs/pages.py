"""The documents, read as what they hold: links, code blocks, and commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])

_BLOCK = re.compile(r"(?:<!-- source: (\S+) -->\n)?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"^([ \t]*(?:```|~~~).*)$", re.MULTILINE)
_INLINE = re.compile(r"`(seamline [^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A code block; `source` is the file that it is taken from, empty where none is named."""

    page: Path
    source: str
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """One line of a shell block, or a command in running text, which may be named without its arguments."""

    page: Path
    line: str
    inline: bool = False

    @property
    def words(self) -> list[str]:
        """The line as the shell splits it."""
        return shlex.split(self.line)

    def __str__(self) -> str:
        return f"{self.page.name}: {self.line}"


def blocks(*languages: str) -> list[Block]:
    """All code blocks in these languages."""
    found = []
    for page in PAGES:
        for source, language, text in _BLOCK.findall(page.read_text()):
            if language in languages:
                found.append(Block(page, source, language, text))
    return found


def languages() -> set[str]:
    """What blocks say that they are written in; one that is indented, or fenced otherwise, would be read by no test."""
    return {fence.removeprefix("```") for page in PAGES for fence in _FENCE.findall(page.read_text())[::2]}


def every_command() -> list[Command]:
    """Every line of every shell block, and the commands in running text."""
    return list(_commands())


def commands(*programs: str) -> list[Command]:
    """All commands that begin with one of these words."""
    return [one for one in _commands() if one.words[0] in programs]


def _commands() -> Iterator[Command]:
    for block in blocks("sh"):
        yield from (Command(block.page, line) for line in block.text.splitlines() if line.strip())
    for page in PAGES:
        text = re.sub(r"\n(?=[a-z])", " ", _BLOCK.sub("", page.read_text()))
        yield from (Command(page, line, inline=True) for line in _INLINE.findall(text))


def links(page: Path) -> list[str]:
    """Where a page links to within the project."""
    return [link for link in _LINK.findall(page.read_text()) if not link.startswith(("http:", "https:"))]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    words = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in _HEADING.findall(page.read_text()))
    return {"-".join(one.split()) for one in words}
