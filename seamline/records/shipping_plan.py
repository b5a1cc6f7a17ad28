"""What is to be shipped of an order, and the requests to each system that follow from it. Pure, without I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import Field

from seamline.errors import Problem
from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.cents import from_cents, spread, to_cents
from seamline.records.customs_rules import customs_of, undeclarable
from seamline.records.followed import SentParcel
from seamline.records.money import Money
from seamline.records.order import FulfilmentLine, FulfilmentOrder, Order, OrderLine
from seamline.records.parcel import Label, LabelState, ParcelRequest, Rate
from seamline.records.policy import Policy
from seamline.records.shipping import FulfilmentRequest, MailLine, ShippedMail, Tracked
from seamline.records.shortage import Substitute
from seamline.records.stock import PackedParcel, Reservation, ShipmentState, ShortLine, StockLine, StockRequest

R = TypeVar("R", bound=Record)
_OF_GOODS = {"unit_price": "value"}
PACKED = (ShipmentState.PACKED, ShipmentState.DONE)


class Plan(Record):
    """One fulfilment order of an order, as it is to be shipped; it stands alone in `order` and `found`."""

    order: Order
    """As staff may have amended it."""
    found: Order
    """As the shop had it when it was last looked at: what it has later is compared with this."""
    partial: bool = False
    """Whether other parts of the order are shipped apart."""
    part_id: str = ""
    """The fulfilment order that is shipped; the first that is open where empty."""
    substitutes: dict[str, str] = Field(default={})
    """What is sent in place of articles that are short, by SKU."""
    declared: dict[str, Substitute] = Field(default={})
    """What is told of those to customs, by their own SKU."""

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

    def substituted(self, chosen: Mapping[str, str], goods: Sequence[Substitute] = ()) -> Plan:
        """The plan with other articles in place of some; one that is sent in another's place can be replaced too."""
        earlier = {sku: chosen.get(sent, sent) for sku, sent in self.substitutes.items()}
        declared = {**self.declared, **{one.sku: one for one in goods}}
        return self.model_copy(update={"substitutes": {**chosen, **earlier}, "declared": declared})

    def known_of(self, chosen: Mapping[str, str]) -> tuple[Substitute, ...]:
        """What the order tells of these articles: all where it has them too, else what is paid for what was ordered."""
        known = {line.sku: line for line in self.order.lines}
        ordered = {sent: sku for sku, sent in self.substitutes.items()}
        goods = []
        for sku, sent in chosen.items():
            line, asked = known.get(sent), known[ordered.get(sku, sku)]
            told = {"title": line.title, "hs_code": line.hs_code, "origin": line.origin} if line else {"title": sent}
            goods.append(Substitute(sku=sent, value=(line or asked).worth, **told))
        return tuple(goods)

    def undeclared(self, goods: Sequence[Substitute], policy: Policy) -> list[Problem]:
        """What customs ask of these articles that are sent in others' place and nobody told, by their places."""
        sent, places = self.as_sent, {one.sku: place for place, one in enumerate(goods)}
        lines = tuple(one for one in self.part.lines if self.sent(one) in places)
        return [
            Problem(field=f"goods.{places[sent.lines[int(place)].sku]}.{_OF_GOODS.get(name, name)}", reason=one.reason)
            for one in undeclarable(sent, self.part.model_copy(update={"lines": lines}), policy)
            for kind, place, name in [one.field.split(".")]
            if kind == "lines"
        ]

    @property
    def as_sent(self) -> Order:
        """The order as if what is sent in an article's place had been ordered, as far as that is declared."""
        sent = (self.declared.get(self.substitutes.get(line.sku, "")) for line in self.order.lines)
        lines = tuple(one.of(line) if one else line for one, line in zip(sent, self.order.lines, strict=True))
        return self.order.model_copy(update={"lines": lines})

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


class Parcel(Record):
    """A parcel that left: its label and what that cost."""

    label_id: str
    carrier: str
    service: str
    tracking_number: str
    label_price: str


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
    others: tuple[Parcel, ...] = ()
    """The parcels beyond the first, which the fields above are of."""
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


def parcel_requests(
    plan: Plan, address: Address, stock: Reservation, policy: Policy, *, early: bool
) -> list[ParcelRequest]:
    """The parcels known so far: with an early label one of all the goods, then each further one as it was packed.

    None weighs less than a gram.
    """
    packed = stock.parcels if stock.state in PACKED else ()
    whole = (max(1, plan.order.weight_grams(plan.part)), plan.order.value(plan.part), plan.part.lines)
    contents = _contents(plan, packed) if len(packed) > 1 else [plan.part.lines for _ in packed]
    weights = (max(1, one.weight_grams) for one in packed)
    known = list(zip(weights, _values(plan, packed), contents, strict=True))
    if early or (not known and stock.state in PACKED):
        known[:1] = [whole]
    return [
        ParcelRequest(
            reference=plan.order.reference,
            address=address,
            weight_grams=weight,
            value=value,
            customs=customs_of(plan.as_sent, plan.part.model_copy(update={"lines": lines}), address, policy),
        )
        for weight, value, lines in known
    ]


def unpacked(parcels: Sequence[PackedParcel], *, early: bool) -> list[Problem]:
    """What must be known of the parcels that were packed before they get their labels; the first may have one early."""
    if not parcels and not early:
        remedy = "amend with the weight of each, or skip for one parcel by the weight of the goods"
        return [Problem(field="parcels", reason=f"were packed, and nobody told how many: {remedy}")]
    return [
        Problem(field=f"parcels.{place}.weight_grams", reason="is not known: weigh it, and amend")
        for place, one in enumerate(parcels)
        if place >= early and not one.weight_grams
    ]


def fulfilment_request(plan: Plan, labels: Sequence[Label]) -> FulfilmentRequest:
    """What the shop is told."""
    first, *others = labels
    return FulfilmentRequest(
        reference=plan.order.reference,
        fulfilment_order_id=plan.part.id,
        lines=plan.left,
        tracking_number=first.tracking_number,
        tracking_page=first.tracking_page,
        carrier=first.carrier,
        others=_tracked(others),
    )


def shipped_mail(plan: Plan, name: str, labels: Sequence[Label]) -> ShippedMail:
    """What the customer is told; `name` is the one that the labels were finally bought for."""
    first, *others = labels
    return ShippedMail(
        reference=plan.order.reference,
        to=plan.order.email,
        name=name,
        number=plan.order.number,
        locale=plan.order.locale,
        carrier=first.carrier,
        tracking_number=first.tracking_number,
        tracking_page=first.tracking_page,
        others=_tracked(others),
        partial=plan.partial,
        lines=tuple(MailLine(title=plan.title(one), quantity=one.quantity) for one in plan.part.lines),
    )


def sent_parcel(plan: Plan, number: int = 1, parcels: int = 1, packed: Sequence[PackedParcel] = ()) -> SentParcel:
    """What is mended when a parcel does not arrive; all that was shipped where nobody told what was in it."""
    shipped = sum(one.quantity for one in plan.order.lines if one.needs_shipping)
    told = _contents(plan, packed) if parcels > 1 and len(packed) == parcels else []
    lines = (told[number - 1] if told else ()) or plan.part.lines
    return SentParcel(
        order_number=plan.order.number,
        fulfilment_order_id=plan.part.id,
        lines=tuple(one.model_copy(update={"sku": plan.sent(one)}) for one in lines),
        whole=parcels == 1 and sum(one.quantity for one in plan.part.lines) == shipped,
        number=number,
        parcels=parcels,
    )


def bought_by_others(parcel: Tracked) -> Label:
    """The label of a parcel as far as those who bought it tell of it."""
    return Label(
        id=parcel.tracking_number,
        rate_id="",
        key="",
        state=LabelState.BOUGHT,
        tracking_number=parcel.tracking_number,
        tracking_page=parcel.tracking_page,
    )


def shipment(stock: Reservation, labels: Sequence[Label], message_id: str, planned_anew: int = 0) -> Shipment:
    """The outcome's record."""
    first, *others = (
        Parcel(
            label_id=one.id,
            carrier=one.carrier,
            service=one.service,
            tracking_number=one.tracking_number,
            label_price=str(one.price or ""),
        )
        for one in labels
    )
    return Shipment(
        **first.model_dump(),
        sale_id=stock.id,
        shipment_id=stock.shipment_id,
        message_id=message_id,
        others=tuple(others),
        planned_anew=planned_anew,
    )


def _tracked(labels: Sequence[Label]) -> tuple[Tracked, ...]:
    return tuple(Tracked(tracking_number=one.tracking_number, tracking_page=one.tracking_page) for one in labels)


def _values(plan: Plan, packed: Sequence[PackedParcel]) -> list[Money]:
    """What the goods in each parcel are worth; where it is not told what is in them, the whole is shared by weight."""
    whole = plan.order.value(plan.part)
    if len(packed) <= 1:
        return [whole] * len(packed)
    prices = {plan.sent(one): plan.line(one).unit_price for one in plan.part.lines}
    if all(one.lines and all(line.sku in prices for line in one.lines) for one in packed):
        return [Money.total((prices[line.sku] * line.quantity for line in one.lines), whole.currency) for one in packed]
    cents = spread(to_cents(whole.amount, whole.currency), [max(1, one.weight_grams) for one in packed])
    return [Money(amount=from_cents(one, whole.currency), currency=whole.currency) for one in cents]


def _contents(plan: Plan, packed: Sequence[PackedParcel]) -> list[tuple[FulfilmentLine, ...]]:
    """What of each line went into each parcel, as far as that is told."""
    left = {one.id: one.quantity for one in plan.part.lines}
    found = []
    for parcel in packed:
        pieces: Counter[str] = Counter()
        for one in parcel.lines:
            pieces[one.sku] += one.quantity
        inside = []
        for line in plan.part.lines:
            taken = min(left[line.id], pieces[plan.sent(line)])
            left[line.id] -= taken
            pieces[plan.sent(line)] -= taken
            inside += [line.model_copy(update={"quantity": taken})] if taken else []
        found.append(tuple(inside))
    return found
