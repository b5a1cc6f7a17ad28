"""What an adapter says about its system, and what a system holds."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from seamline.records.base import Record

FORESEEN = "foreseen"
"""Stands for the id of an object that a process which only observes would have made."""


class Repeat(StrEnum):
    """What makes repeating an operation safe, as its system's adapter declares it."""

    NATIVE_KEY = "native key"
    """The vendor knows an idempotency key."""
    LOOK_UP = "look-up"
    """What carries our key, or the same content, is found before a second is made."""
    HARMLESS = "harmless"
    """Repeating sets the same thing again, or at worst reaches a person twice."""
    NEITHER = "neither"
    """Nothing can tell: a repeat raises UnknownOutcome and a person finds out."""


class Card(Record):
    """A connection as `seamline systems` lists it."""

    connection: str
    system: str
    role: str
    holds: tuple[str, ...]
    """The kinds of data this system owns: `orders`, `payments`."""
    connected: str
    """How it is connected: `GraphQL over HTTPS, signed webhooks`."""
    authentication: str
    limits: str
    repeats: Mapping[str, Repeat]
    account: str = ""
    """What the system says it is, once reached."""
    live: bool | None = None
    """Whether what is done there is real; False for a test account, None where the system does not tell."""
    locations: tuple[str, ...] | None = None
    """Of a shop: where goods leave from, by name; None where the system does not tell."""
    test_payments: tuple[str, ...] = ()
    """Of a shop: by what its newest orders were paid for a test, so that no money came."""
    country: str = ""
    """Of a carrier's account: where its parcels leave from."""


class Holding(Record):
    """One object that a system holds for a reference: what `trace` shows. Carries no personal data."""

    kind: str
    id: str
    state: str = ""
    key: str = ""
    amount: str = ""
    page: str = ""
