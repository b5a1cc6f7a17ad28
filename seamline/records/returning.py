"""A customer's return: what comes back and why, what became of it on the desk, and what the customer is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field

from seamline.errors import Problem
from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.customs import Customs
from seamline.records.customs_rules import customs_of, undeclarable
from seamline.records.followed import SentParcel
from seamline.records.money import Currency, Money
from seamline.records.order import FulfilmentLine, FulfilmentOrder, Order
from seamline.records.parcel import Label, ParcelRequest
from seamline.records.policy import Policy
from seamline.records.reference import Reference
from seamline.records.remedy import Goods, GoodsLine
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
    """Pieces of one line that come back, and why."""

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
    sent_from: tuple[str, ...] = ()
    """The shop's locations that the goods left from; empty where it does not tell it of all."""


@dataclass(frozen=True)
class Way:
    """A location that goods can go back to, with the connections of its warehouse and of who carries them there."""

    place: str
    inventory: str
    carrier: str


class ReturnRequest(Record):
    """Nothing beyond the call's reference is needed for a return."""


class DeclineRequest(Record):
    """`note` is what the customer may read in the shop."""

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
    def accepted(self) -> int:
        """Pieces that are refunded."""
        return sum(one.quantity for one in self.lines)

    @staticmethod
    def goods_of(lines: Sequence[InspectedLine]) -> Goods:
        """Those accepted, as goods of the order."""
        return Goods(
            lines=tuple(
                GoodsLine(order_line_id=one.order_line_id, quantity=one.quantity) for one in lines if one.quantity
            )
        )

    @property
    def rejected(self) -> Inspection:
        """The same with nothing accepted."""
        return self.model_copy(
            update={"lines": tuple(one.model_copy(update={"quantity": 0, "restock": 0}) for one in self.lines)}
        )

    @property
    def scrapped(self) -> Inspection:
        """The same with nothing put back on the shelf."""
        return self.model_copy(update={"lines": tuple(one.model_copy(update={"restock": 0}) for one in self.lines)})

    @property
    def restocked(self) -> int:
        """Pieces that go back on the shelf."""
        return sum(one.restock for one in self.lines)


class ReceiptRequest(Record):
    """Goods of a return that go back on the shelf. The customer is the one of the order."""

    reference: Reference
    order_reference: Reference
    currency: Currency
    lines: tuple[StockLine, ...] = Field(min_length=1, max_length=500)


class Receipt(Record):
    """Goods taken back into stock. `id` is the inventory system's own."""

    id: str
    number: str = ""
    key: str
    done: bool = False


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


class ReturnEnd(Record):
    """What came of a return."""

    ended: str
    """In words."""
    tracking_number: str = ""
    refunded: str = ""
    restocked: int = 0
    """Pieces that went back on the shelf."""


def doubts(back: CustomerReturn, order: Order, policy: Policy, now: datetime) -> list[str]:
    """Why somebody must decide on the return; none when the rules take it."""
    found = []
    days = (now - order.created_at).days
    if days > policy.aftersales.return_days:
        found.append(f"the order is {days} days old, and returns are taken for {policy.aftersales.return_days}")
    left = {line.id: line.quantity for line in order.lines}
    for line in back.lines:
        if line.quantity > left.get(line.order_line_id, 0):
            pieces = left.get(line.order_line_id, 0)
            found.append(f"{line.quantity} of {line.title} come back, and {pieces} are not refunded or removed yet")
    return found or ([] if back.lines else ["no line of the order comes back"])


def ways_back(back: CustomerReturn, policy: Policy, route: Mapping[str, str]) -> dict[str, Way]:
    """Where the goods may go, by the connection of the warehouse: to where they left from; anywhere if nobody knows."""
    ways: dict[str, Way] = {}
    for place in back.sent_from or ("", *policy.locations):
        at = policy.location(place)
        way = Way(place, at.inventory or route.get("inventory", ""), at.carrier or route.get("carrier", ""))
        if way.inventory and way.carrier:
            ways.setdefault(way.inventory, way)
    return ways


def unserved(back: CustomerReturn, policy: Policy, route: Mapping[str, str]) -> list[Problem]:
    """Why nobody knows which warehouse takes the goods; empty when one is known."""
    if ways_back(back, policy, route):
        return []
    reason = "are locations of which no inventory and carrier are known: amend them to one set in policy.locations"
    return [Problem(field="sent_from", reason=reason)]


def undeclared(back: CustomerReturn, order: Order, policy: Policy) -> list[Problem]:
    """What customs ask of goods that come back from abroad, and nobody told."""
    part = _coming_back(back, order)
    return undeclarable(order, part, policy) if part else []


def parcel_request(back: CustomerReturn, order: Order, address: Address, policy: Policy) -> ParcelRequest:
    """One parcel with all that comes back, from the customer. Goods without a weight count as one gram."""
    lines = [(order.line(one.order_line_id), one.quantity) for one in back.lines]
    return ParcelRequest(
        reference=order.reference,
        address=address,
        back=True,
        weight_grams=max(1, sum(line.weight_grams * count for line, count in lines)),
        value=Money.total((line.unit_price * count for line, count in lines), order.currency),
        customs=_customs(back, order, address, policy),
    )


def _customs(back: CustomerReturn, order: Order, address: Address, policy: Policy) -> Customs | None:
    part = _coming_back(back, order)
    customs = customs_of(order, part, address, policy) if part else None
    return customs.model_copy(update={"returned": True}) if customs else None


def _coming_back(back: CustomerReturn, order: Order) -> FulfilmentOrder | None:
    """What comes back, as a part of the order: to where it left from, else the first part. None where none left."""
    lines = tuple(
        FulfilmentLine(id=one.order_line_id, order_line_id=one.order_line_id, sku=one.sku, quantity=one.quantity)
        for one in back.lines
        if one.quantity
    )
    place = {"location": back.sent_from[0]} if back.sent_from else {}
    return next((one.model_copy(update={"lines": lines, **place}) for one in order.fulfilment_orders), None)


def return_mail(back: CustomerReturn, order: Order, label: Label) -> ReturnMail:
    """What the customer is told."""
    return ReturnMail(
        reference=order.reference,
        to=order.email,
        name=order.address.name if order.address else "",
        number=order.number,
        locale=order.locale,
        label_page=label.label_page,
        lines=tuple(MailLine(title=one.title, quantity=one.quantity) for one in back.lines),
    )


def put_back(sent: SentParcel, order: Order, sold_as: str) -> ReceiptRequest:
    """What came back undelivered and goes on the shelf again; `sold_as` is the reference that it was reserved under."""
    return ReceiptRequest(
        reference=order.reference,
        order_reference=sold_as,
        currency=order.currency,
        lines=tuple(
            StockLine(sku=one.sku, quantity=one.quantity, unit_price=order.line(one.order_line_id).unit_price)
            for one in sent.lines
        ),
    )


def receipt_request(inspection: Inspection, back: CustomerReturn, order: Order) -> ReceiptRequest:
    """What goes back on the shelf."""
    return ReceiptRequest(
        reference=order.reference,
        order_reference=back.order_reference,
        currency=order.currency,
        lines=tuple(
            StockLine(sku=one.sku, quantity=one.restock, unit_price=order.line(one.order_line_id).unit_price)
            for one in inspection.lines
            if one.restock
        ),
    )
