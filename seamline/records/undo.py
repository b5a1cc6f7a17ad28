"""The answer of an undo."""

from __future__ import annotations

from enum import StrEnum

from seamline.records.base import Record
from seamline.records.money import Money


class UndoState(StrEnum):
    """What became of an undo."""

    UNDONE = "undone"
    NOTHING = "nothing to undo"
    REQUESTED = "requested"
    """Promised by the vendor and not yet done; it is followed up."""
    TOO_LATE = "too late"
    """Only a gate answers this: the process goes forward."""
    BY_HAND = "left to staff"


class Undone(Record):
    """The answer of an undo. `money` is what is still pending, or what came back."""

    state: UndoState
    detail: str = ""
    money: Money | None = None
