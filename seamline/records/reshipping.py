"""Goods that are sent once more, and the requests to each system that follow from it. Pure, without I/O."""

from __future__ import annotations

from seamline.errors import Problem
from seamline.records.address import Address
from seamline.records.customs import Customs
from seamline.records.customs_rules import customs_of, undeclarable
from seamline.records.followed import SentParcel
from seamline.records.money import Money
from seamline.records.order import FulfilmentOrder, Order
from seamline.records.parcel import Label, ParcelRequest
from seamline.records.policy import Policy
from seamline.records.shipping import MailLine, ShippedMail
from seamline.records.stock import StockLine, StockRequest


def stock_request(order: Order, sent: SentParcel, address: Address) -> StockRequest:
    """What to reserve."""
    return StockRequest(
        reference=order.reference,
        number=order.number,
        currency=order.currency,
        address=address,
        lines=tuple(
            StockLine(sku=one.sku, quantity=one.quantity, unit_price=order.line(one.order_line_id).unit_price)
            for one in sent.lines
        ),
    )


def parcel_request(
    order: Order, sent: SentParcel, address: Address, policy: Policy, *, back: bool = False
) -> ParcelRequest:
    """One parcel with all of it. Goods without a weight count as one gram."""
    lines = [(order.line(one.order_line_id), one.quantity) for one in sent.lines]
    return ParcelRequest(
        reference=order.reference,
        address=address,
        back=back,
        weight_grams=max(1, sum(line.weight_grams * count for line, count in lines)),
        value=Money.total((line.unit_price * count for line, count in lines), order.currency),
        customs=None if back else _customs(order, sent, address, policy),
    )


def undeclared(order: Order, sent: SentParcel, policy: Policy) -> list[Problem]:
    """What customs ask of the goods and nobody told, each with its field."""
    part = _part(order, sent)
    return undeclarable(order, part, policy) if part else []


def _customs(order: Order, sent: SentParcel, address: Address, policy: Policy) -> Customs | None:
    """The same goods are declared once more."""
    part = _part(order, sent)
    return customs_of(order, part, address, policy) if part else None


def _part(order: Order, sent: SentParcel) -> FulfilmentOrder | None:
    """The fulfilment order that it was a part of, with the goods that are sent again."""
    part = next((one for one in order.fulfilment_orders if one.id == sent.fulfilment_order_id), None)
    return part.model_copy(update={"lines": sent.lines}) if part else None


def reshipped_mail(order: Order, sent: SentParcel, name: str, label: Label) -> ShippedMail:
    """What the customer is told; `name` is the one that the label was finally bought for."""
    return ShippedMail(
        reference=order.reference,
        to=order.email,
        name=name,
        number=order.number,
        locale=order.locale,
        carrier=label.carrier,
        tracking_number=label.tracking_number,
        tracking_page=label.tracking_page,
        lines=tuple(MailLine(title=order.line(one.order_line_id).title, quantity=one.quantity) for one in sent.lines),
    )
