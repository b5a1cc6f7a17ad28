"""Salesforce's record ids. Ours are the 18-character ones: the 15-character ones tell records apart by case alone."""

from __future__ import annotations

import re

from seamline.errors import Problem, Refusal

OPPORTUNITY, ACCOUNT, INVOICE, TASK = "006", "001", "a00", "00T"
_ID = re.compile(r"[A-Za-z0-9]{15}([A-Z0-5]{3})?")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def full_id(text: str) -> str:
    """The 18-character form of an id; empty where the text is no id, or its suffix does not fit."""
    if not _ID.fullmatch(text):
        return ""
    full = text[:15] + "".join(_suffix(text[start : start + 5]) for start in (0, 5, 10))
    return full if text in (text[:15], full) else ""


def deal_id(text: str) -> str:
    """The id as it stands in a reference. Refusal `not-found` where it is not the 18-character id of an opportunity.

    One deal must not have two references, or it would be billed twice.
    """
    full = full_id(text)
    if full and full == text and full.startswith(OPPORTUNITY):
        return full
    remedy = f"the deal's reference ends in {full}" if full.startswith(OPPORTUNITY) else "no opportunity has such an id"
    problem = Problem(field="reference", reason=f"is not an opportunity's 18-character id: {remedy}")
    raise Refusal("not-found", "no deal has this reference", problems=[problem])


def _suffix(part: str) -> str:
    """Which of the five characters are capitals, as one character."""
    return _SUFFIX[sum(1 << place for place, character in enumerate(part) if "A" <= character <= "Z")]
