"""Salesforce's record ids: 15 characters that tell case apart, or 18 with a suffix that makes them safe without it."""

from __future__ import annotations

import re
import string

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SUFFIX = string.ascii_uppercase + "012345"
_INSTANCE = "Sm0"
NUMBER_LENGTH = 9
ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")


def new_id(prefix: str, number: int) -> str:
    """The 18-character id of the object type's `number`-th record."""
    digits = ""
    for _ in range(NUMBER_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return full_id(f"{prefix}{_INSTANCE}{digits}")


def full_id(record_id: str) -> str:
    """The 18-character form. ValueError for what is no id, or has a wrong suffix."""
    if not ID.fullmatch(record_id):
        raise ValueError("not an id")
    short = record_id[:15]
    full = short + "".join(_suffix(short[start : start + 5]) for start in (0, 5, 10))
    if record_id not in (short, full):
        raise ValueError("an id with a wrong suffix")
    return full


def _suffix(part: str) -> str:
    """Which of the five characters are capitals, as one character."""
    return _SUFFIX[sum(1 << place for place, character in enumerate(part) if character in string.ascii_uppercase)]
