"""A customer's return: what comes back and why, what became of it on the desk, and what the customer is told."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, Field

from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.money import Money
from seamline.records.reference import Reference
from seamline.records.remedy import GoodsLine
from seamline.records.shipping import MailLine
from seamline.records.stock import StockLine


class ReturnState(StrEnum):
    """How far a return is in the shop."""

    REQUESTED = "requested"
    OPEN = "open"
    CLOSED = "closed"
    OVER = "over"
    """Declined or cancelled."""


class ReturnedLine(Record):
    """Pieces of one line that come back, and why. `shipped` is how many were fulfilled of it."""

    order_line_id: str
    sku: str = ""
    title: str = ""
    quantity: int = Field(ge=0)
    reason: str = ""
    """The shop's word, in lower case with hyphens."""
    note: str = ""


class CustomerReturn(Record):
    """A return as the shop has it."""

    id: str
    number: str
    order_reference: Reference
    state: ReturnState
    opened_at: AwareDatetime
    lines: tuple[ReturnedLine, ...] = ()


class ReturnRequest(Record):
    """Which return, by the shop's own id."""

    return_id: str = Field(min_length=1, max_length=40)


class DeclineRequest(Record):
    """Which return is declined; `note` is what the customer may read in the shop."""

    return_id: str
    note: str = Field(default="", max_length=500)


class InspectedLine(Record):
    """What is accepted of one line, and what of that goes back on the shelf."""

    order_line_id: str
    sku: str
    quantity: int = Field(ge=0, le=100_000)
    """Accepted: to be refunded."""
    restock: int = Field(default=0, ge=0, le=100_000)


class Inspection(Record):
    """What came back, as staff judge it: pieces accepted of each line, and how much is given back for them."""

    lines: tuple[InspectedLine, ...]
    amount: Money

    @property
    def accepted(self) -> tuple[GoodsLine, ...]:
        """The pieces to be refunded."""
        return tuple(
            GoodsLine(order_line_id=one.order_line_id, quantity=one.quantity) for one in self.lines if one.quantity
        )

    @property
    def restocked(self) -> tuple[tuple[str, int], ...]:
        """SKU and pieces to be put back on the shelf."""
        return tuple((one.sku, one.restock) for one in self.lines if one.restock)


class ReceiptRequest(Record):
    """Goods of a return that arrived: those for the shelf, and those that are scrapped."""

    reference: Reference
    order_reference: Reference
    address: Address
    lines: tuple[StockLine, ...] = Field(min_length=1, max_length=500)


class Receipt(Record):
    """Goods taken back into stock. `id` is the inventory system's own."""

    id: str
    number: str = ""
    key: str
    lines: tuple[StockLine, ...] = ()


class ReturnMail(Record):
    """The mail that brings a customer the label to send goods back with."""

    reference: Reference
    to: str = Field(max_length=254)
    name: str = ""
    number: str = Field(max_length=50)
    """The order's."""
    locale: str = "en"
    label_page: str
    lines: tuple[MailLine, ...] = ()
