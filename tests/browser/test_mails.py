"""Mails as people see them: in a browser, and in plain text."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import pytest

from seamline.records.shipping import Message
from tests.browser.mails import CHROMIUM, SIZE, mails, picture

needs_browser = pytest.mark.skipif(not CHROMIUM, reason="no chromium is installed: no picture can be taken")
MAILS = pytest.mark.parametrize("mail", mails().values(), ids=mails().keys())
SEEN = ("shipped-in-parts-de", "notice")
MARKUP = re.compile(r"<[^>]+>")


@needs_browser
@pytest.mark.parametrize("name", SEEN)
def test_a_browser_shows_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mail.png"
    picture(mails()[name].html, path)
    assert size_of(path) == SIZE
    assert rows_written_on(path) > SIZE[1] // 8, "there is next to nothing to see"


@needs_browser
def test_an_empty_page_is_found(tmp_path: Path) -> None:
    path = tmp_path / "mail.png"
    picture("<p></p>", path)
    assert rows_written_on(path) == 0


@MAILS
def test_it_reads_well_in_plain_text(mail: Message) -> None:
    assert "\n\n\n" not in mail.text, "a hole in the text"
    assert all(line == line.rstrip() for line in mail.text.splitlines())
    assert max(map(len, mail.text.splitlines())) <= 120
    assert not MARKUP.search(mail.text)


@MAILS
def test_text_and_picture_say_the_same(mail: Message) -> None:
    """Every link, number and article of the one is in the other."""
    links = re.findall(r'href="([^"]+)"', mail.html)
    assert links
    assert all(mail.text.count(link) == links.count(link) for link in links)
    facts = set(re.findall(r"[A-Z]*\d[\w-]+", MARKUP.sub(" ", mail.html)))
    assert facts <= set(re.findall(r"[A-Z]*\d[\w-]+", mail.text))


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a PNG."""
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    return width, height


def rows_written_on(path: Path) -> int:
    """How many rows of a PNG differ from an empty one: by its bytes, each row a filter and then pixels."""
    content, data, place = path.read_bytes(), b"", 8
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        data += content[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        place += length + 12
    pixels = zlib.decompress(data)
    height = size_of(path)[1]
    row = len(pixels) // height
    # Differences from the row above or the pixel before are zero where nothing is written, whatever the filter.
    return sum(bool(pixels[one * row + 8 : (one + 1) * row].strip(b"\x00\xff")) for one in range(height))
