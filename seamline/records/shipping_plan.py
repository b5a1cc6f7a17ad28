"""What is to be shipped of an order, and the requests to each system that follow from it. Pure, without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import Field

from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.followed import SentParcel
from seamline.records.order import FulfilmentLine, FulfilmentOrder, Order, OrderLine
from seamline.records.parcel import Label, ParcelRequest, Rate
from seamline.records.shipping import FulfilmentRequest, MailLine, ShippedMail
from seamline.records.stock import Reservation, ShortLine, StockLine, StockRequest

R = TypeVar("R", bound=Record)


class Plan(Record):
    """One fulfilment order of an order, as it is to be shipped."""

    order: Order
    """As staff may have amended it."""
    found: Order
    """As the shop had it when it was last looked at: what it has later is compared with this."""
    part_id: str = ""
    """The fulfilment order that is shipped; the first that is open where empty."""
    substitutes: dict[str, str] = Field(default={})
    """What is sent in place of articles that are short, by SKU."""

    @property
    def part(self) -> FulfilmentOrder:
        """What is shipped."""
        parts = self.order.open_fulfilment_orders
        return next((one for one in parts if one.id == self.part_id), parts[0])

    def part_in(self, order: Order) -> FulfilmentOrder:
        """The same fulfilment order in another state of the order; without lines once it is closed or gone."""
        mine = next((one for one in order.open_fulfilment_orders if one.id == self.part.id), None)
        return mine or self.part.model_copy(update={"open": False, "on_hold": False, "lines": ()})

    @property
    def left(self) -> tuple[FulfilmentLine, ...]:
        """What the shop can still be told of: no more than it has left, unless others told it of all."""
        left = {one.id: one.quantity for one in self.part_in(self.found).lines}
        lines = [
            one.model_copy(update={"quantity": min(one.quantity, left[one.id])})
            for one in self.part.lines
            if one.id in left
        ]
        return tuple(lines) or self.part.lines

    def seen(self, now: Order) -> Plan:
        """The same plan, when people were told what the shop has now."""
        return self.model_copy(update={"found": now, "part_id": self.part.id})

    def anew(self, now: Order) -> Plan:
        """The plan of what the shop has now. What staff amended stays, unless it was changed in the shop since."""
        order = merged(self.order, self.found, now)
        return self.model_copy(update={"order": order, "found": now, "part_id": self.part.id})

    def sent(self, shipped: FulfilmentLine) -> str:
        """The SKU that is sent for a line."""
        return self.substitutes.get(shipped.sku, shipped.sku)

    def substituted(self, chosen: Mapping[str, str]) -> Plan:
        """The plan with other articles in place of some; one that is sent in another's place can be replaced too."""
        earlier = {sku: chosen.get(sent, sent) for sku, sent in self.substitutes.items()}
        return self.model_copy(update={"substitutes": {**chosen, **earlier}})

    def ordered(self, short: tuple[ShortLine, ...]) -> tuple[ShortLine, ...]:
        """What is short, by the SKUs that were ordered."""
        original = {sent: sku for sku, sent in self.substitutes.items()}
        return tuple(one.model_copy(update={"sku": original.get(one.sku, one.sku)}) for one in short)

    def title(self, shipped: FulfilmentLine) -> str:
        """What the customer reads of a line: its title, and what is sent in its place."""
        title, sent = self.line(shipped).title, self.sent(shipped)
        return title if sent == shipped.sku else f"{sent} ({title})"

    def line(self, shipped: FulfilmentLine) -> OrderLine:
        """The order's line that a line to ship is of."""
        return self.order.line(shipped.order_line_id)


def merged(mine: R, before: R, now: R) -> R:
    """What was mine, with all that changed between before and now."""
    fields = type(mine).model_fields
    return now.model_copy(
        update={name: getattr(mine, name) for name in fields if getattr(before, name) == getattr(now, name)}
    )


class Shipment(Record):
    """What came of an order: the ids in each system, and what carrying it cost."""

    sale_id: str = ""
    shipment_id: str = ""
    label_id: str = ""
    carrier: str = ""
    service: str = ""
    tracking_number: str = ""
    label_price: str = ""
    message_id: str = ""
    """The mail to the customer; empty when the order had no address for one."""
    planned_anew: int = 0
    """How often people changed something that made the plan be made anew."""


def no_dearer(rate: Rate, approved: Rate) -> bool:
    """Whether an approval of one rate holds for another."""
    return rate.price.currency == approved.price.currency and rate.price.amount <= approved.price.amount


def stock_request(plan: Plan, address: Address) -> StockRequest:
    """What to reserve."""
    return StockRequest(
        reference=plan.order.reference,
        number=plan.order.number,
        currency=plan.order.currency,
        address=address,
        lines=tuple(
            StockLine(sku=plan.sent(one), quantity=one.quantity, unit_price=plan.line(one).unit_price)
            for one in plan.part.lines
        ),
    )


def parcel_request(plan: Plan, address: Address) -> ParcelRequest:
    """One parcel with all of it. Goods without a weight count as one gram."""
    return ParcelRequest(
        reference=plan.order.reference,
        address=address,
        weight_grams=max(1, plan.order.weight_grams(plan.part)),
        value=plan.order.value(plan.part),
    )


def fulfilment_request(plan: Plan, label: Label) -> FulfilmentRequest:
    """What the shop is told."""
    return FulfilmentRequest(
        reference=plan.order.reference,
        fulfilment_order_id=plan.part.id,
        lines=plan.left,
        tracking_number=label.tracking_number,
        tracking_page=label.tracking_page,
        carrier=label.carrier,
    )


def shipped_mail(plan: Plan, name: str, label: Label) -> ShippedMail:
    """What the customer is told; `name` is the one that the label was finally bought for."""
    return ShippedMail(
        reference=plan.order.reference,
        to=plan.order.email,
        name=name,
        number=plan.order.number,
        locale=plan.order.locale,
        carrier=label.carrier,
        tracking_number=label.tracking_number,
        tracking_page=label.tracking_page,
        lines=tuple(MailLine(title=plan.title(one), quantity=one.quantity) for one in plan.part.lines),
    )


def sent_parcel(plan: Plan) -> SentParcel:
    """What is mended when the parcel does not arrive."""
    shipped = sum(one.quantity for one in plan.order.lines if one.needs_shipping)
    return SentParcel(
        order_number=plan.order.number,
        fulfilment_order_id=plan.part.id,
        lines=plan.part.lines,
        whole=sum(one.quantity for one in plan.part.lines) == shipped,
    )


def shipment(stock: Reservation, label: Label, message_id: str, planned_anew: int = 0) -> Shipment:
    """The outcome's record."""
    return Shipment(
        sale_id=stock.id,
        shipment_id=stock.shipment_id,
        label_id=label.id,
        carrier=label.carrier,
        service=label.service,
        tracking_number=label.tracking_number,
        label_price=str(label.price or ""),
        message_id=message_id,
        planned_anew=planned_anew,
    )
