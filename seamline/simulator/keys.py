"""The effect key, found in whatever text of a vendor's object carries it."""

from __future__ import annotations

import re
from typing import TypedDict

_KEY = re.compile(r"(?P<reference>\S+:[^\s/]+)/[a-z-]+#[0-9]+")


class Marks(TypedDict):
    """What an effect says of its business object, '' where the vendor's object carries nothing."""

    reference: str
    key: str


def marks_of(text: str) -> Marks | None:
    """Reference and effect key out of a text, None when it holds no key."""
    found = _KEY.search(text)
    return {"reference": found["reference"], "key": found[0]} if found else None
