"""Shelf's JSON, as it comes: nothing is renamed or judged here."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict


class Wire(BaseModel):
    """The base: Shelf may add fields at any time."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Line(Wire):
    """Pieces of one article and the price of one."""

    sku: str
    pieces: int
    price: Decimal


class Hold(Wire):
    """Goods that Shelf keeps for somebody. `note` is free text: our effect key lives there."""

    id: int
    reference: str
    note: str = ""
    status: str
    currency: str
    lines: tuple[Line, ...]


class Stock(Wire):
    """What is on the shelf of one article and held for nobody."""

    sku: str
    free: int


class About(Wire):
    """Who the token belongs to."""

    shop: str
