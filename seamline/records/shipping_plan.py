"""What is to be shipped of an order, and the requests to each system that follow from it. Pure, without I/O."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.followed import SentParcel
from seamline.records.order import FulfilmentLine, FulfilmentOrder, Order, OrderLine
from seamline.records.parcel import Label, ParcelRequest, Rate
from seamline.records.shipping import FulfilmentRequest, MailLine, ShippedMail
from seamline.records.stock import Reservation, StockLine, StockRequest


class Plan(Record):
    """One fulfilment order of an order, as it is to be shipped."""

    order: Order
    """As staff may have amended it."""
    found: Order
    """As the shop had it then: what it has later is compared with this."""
    substitutes: dict[str, str] = Field(default={})
    """What is sent in place of articles that are short, by SKU."""

    @property
    def part(self) -> FulfilmentOrder:
        """What is shipped: the first that is open."""
        return self.order.open_fulfilment_orders[0]

    def sent(self, shipped: FulfilmentLine) -> str:
        """The SKU that is sent for a line."""
        return self.substitutes.get(shipped.sku, shipped.sku)

    def substituted(self, chosen: Mapping[str, str]) -> Plan:
        """The plan with other articles in place of some; one that is sent in another's place can be replaced too."""
        earlier = {sku: chosen.get(sent, sent) for sku, sent in self.substitutes.items()}
        return self.model_copy(update={"substitutes": {**chosen, **earlier}})

    def title(self, shipped: FulfilmentLine) -> str:
        """What the customer reads of a line: its title, and what is sent in its place."""
        title, sent = self.line(shipped).title, self.sent(shipped)
        return title if sent == shipped.sku else f"{sent} ({title})"

    def line(self, shipped: FulfilmentLine) -> OrderLine:
        """The order's line that a line to ship is of."""
        return self.order.line(shipped.order_line_id)


class Shipment(Record):
    """What came of an order: the ids in each system, and what carrying it cost."""

    sale_id: str
    shipment_id: str
    label_id: str
    carrier: str
    service: str
    tracking_number: str
    label_price: str
    message_id: str = ""
    """The mail to the customer; empty when the order had no address for one."""


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
        lines=plan.part.lines,
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


def shipment(stock: Reservation, label: Label, message_id: str) -> Shipment:
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
    )
