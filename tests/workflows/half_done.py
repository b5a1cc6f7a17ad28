"""A shop, a warehouse, a carrier and a mail server in memory, where people had begun orders before we came."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any

from seamline.records.address import Address
from seamline.records.money import Money
from seamline.records.order import FulfilmentLine, FulfilmentOrder, Order, OrderLine, Payment, Totals
from seamline.records.parcel import (
    CheckedAddress,
    Label,
    LabelRequest,
    LabelState,
    ParcelNumber,
    ParcelRequest,
    Quote,
    Rate,
    Tracking,
    TrackingState,
)
from seamline.records.payment import (
    Authorization,
    CaptureRequest,
    PaymentMode,
    Transaction,
    TransactionKind,
    TransactionState,
)
from seamline.records.shipping import Fulfilment, FulfilmentRequest, PartRequest, Sent, ShippedMail
from seamline.records.stock import Reservation, ShipmentState, StockLine, StockRequest
from seamline.records.system import Repeat
from seamline.records.undo import Undone

CREATED = datetime(2026, 11, 20, 9, tzinfo=UTC)
PRICE = Money(amount=Decimal("14.50"), currency="GBP")
NOTHING = Money(amount=Decimal(0), currency="GBP")
COST = Money(amount=Decimal("5.20"), currency="GBP")
ADDRESS = Address(name="Jo Fielding", street1="12 Mill Lane", city="Cambridge", postcode="CB2 1RX", country="GB")


class Stage(IntEnum):
    """How far people had come with an order, when they stopped."""

    NOTHING = 0
    SOLD = 1
    LABELLED = 2
    PACKED = 3
    CAPTURED = 4
    LEFT = 5
    TOLD = 6
    """Fulfilled in the shop."""


ODDITIES = ("two sales", "other goods", "two labels", "no label")
"""What nobody can tell by itself: it waits for a person."""
_STATES = {
    Stage.SOLD: ShipmentState.ASSIGNED,
    Stage.LABELLED: ShipmentState.PICKED,
    Stage.PACKED: ShipmentState.PACKED,
    Stage.CAPTURED: ShipmentState.PACKED,
}


@dataclass(frozen=True)
class Begun:
    """An order that people had begun: how far, how they marked what they made, whether they took the money."""

    number: int
    stage: Stage
    mark: str
    ours: bool
    captured: bool
    pieces: int
    oddity: str = ""


def begun(number: int, dice: random.Random) -> Begun:
    """An order stopped at a random stage; one in a hundred is odd. Odd is only what people had begun to sell."""
    stage = dice.choice(list(Stage))
    ours = dice.random() < 0.5
    late = stage >= Stage.LEFT and dice.random() < 0.2
    oddity = dice.choice(ODDITIES) if Stage.SOLD <= stage < Stage.TOLD and dice.random() < 0.01 else ""
    if oddity == "no label":
        stage = Stage.LEFT
    if oddity == "two labels":
        stage = max(stage, Stage.LABELLED)
    mark = dice.choice(("reference", "#number", "number", "id"))
    return Begun(number, stage, mark, ours, stage >= Stage.CAPTURED and not late, dice.randint(1, 3), oddity)


@dataclass
class Sale:
    """A sale in the ERP: by whatever reference its maker wrote."""

    id: str
    reference: str
    key: str
    state: ShipmentState
    pieces: int


@dataclass
class World:
    """All systems, and what was made there by whom. Satisfies every role of an order."""

    shop: str
    orders: dict[str, Begun] = field(default_factory=dict)
    sales: list[Sale] = field(default_factory=list)
    labels: list[tuple[str, Label]] = field(default_factory=list)
    """With what is written on each."""
    captures: dict[str, list[Transaction]] = field(default_factory=lambda: defaultdict(list))
    fulfilments: dict[str, list[Fulfilment]] = field(default_factory=lambda: defaultdict(list))
    mails: Counter[str] = field(default_factory=Counter)
    repeats: Any = None

    def __post_init__(self) -> None:
        self.repeats = defaultdict(lambda: Repeat.LOOK_UP)

    # ---- what people did ------------------------------------------------------------------------------------------

    def begin(self, order: Begun) -> str:
        """People do an order up to where they stopped; its reference."""
        reference = f"{self.shop}:{order.number + 100_000}"
        self.orders[reference] = order
        marks = {"reference": reference, "#number": f"#{order.number}", "number": str(order.number)}
        mark = marks.get(order.mark, str(order.number + 100_000))
        if order.stage >= Stage.SOLD:
            pieces = order.pieces + (order.oddity == "other goods")
            state = _STATES.get(order.stage, ShipmentState.DONE)
            for _ in range(1 + (order.oddity == "two sales")):
                self.sales.append(Sale(f"S{len(self.sales)}", mark, "", state, pieces))
        if order.stage >= Stage.LABELLED and order.oddity != "no label":
            written = mark if order.mark == "reference" else f"Order {mark}"
            for _ in range(1 + (order.oddity == "two labels")):
                self.labels.append((written, self._label("")))
        if order.captured and order.ours:
            self.captures[reference].append(self._capture(order))
        if order.stage >= Stage.TOLD:
            self.fulfilments[reference].append(Fulfilment(id="F", tracking_number=self.labels[-1][1].tracking_number))
        return reference

    def made_for(self, reference: str) -> dict[str, int]:
        """How many of each there are for an order, whoever made them."""
        order = self.orders[reference]
        names = {reference, f"#{order.number}", str(order.number), str(order.number + 100_000)}
        return {
            "sales": sum(sale.reference in names for sale in self.sales),
            "labels": sum(text.partition("/")[0].removeprefix("Order ") in names for text, _ in self.labels),
            "captures": len(self.captures[reference]),
            "fulfilments": len(self.fulfilments[reference]),
        }

    # ---- the shop -------------------------------------------------------------------------------------------------

    async def fetch_order(self, reference: str) -> Order:
        order = self.orders[reference]
        part = FulfilmentLine(id="P1", order_line_id="L1", sku="MUG-BLUE", quantity=order.pieces)
        told = bool(self.fulfilments[reference])
        total = PRICE * order.pieces
        held = Authorization(id="A1", amount=total, expires_at=datetime(2199, 1, 1, tzinfo=UTC))
        paid = not order.ours or bool(self.captures[reference])
        totals = Totals(
            lines=total,
            shipping=NOTHING,
            duties=NOTHING,
            tips=NOTHING,
            discounts=NOTHING,
            taxes=NOTHING,
            taxes_included=True,
            rounding=NOTHING,
            total=total,
        )
        return Order(
            reference=reference,
            number=f"#{order.number}",
            created_at=CREATED,
            currency="GBP",
            payment=Payment.PAID if paid else Payment.AUTHORIZED,
            payment_mode=PaymentMode.OURS if order.ours else PaymentMode.PAID,
            authorization=held,
            lines=(OrderLine(id="L1", sku="MUG-BLUE", title="Mug", quantity=order.pieces, unit_price=PRICE),),
            fulfilment_orders=(
                FulfilmentOrder(id=reference, location="Main", open=not told, lines=() if told else (part,)),
            ),
            totals=totals,
            address=ADDRESS,
            email="jo.fielding@example.com",
        )

    async def find_fulfilments(self, request: PartRequest) -> Sequence[Fulfilment]:
        return self.fulfilments[request.reference]

    async def create_fulfilment(self, key: str, request: FulfilmentRequest) -> Fulfilment:
        made = Fulfilment(id=key, tracking_number=request.tracking_number)
        self.fulfilments[request.reference].append(made)
        return made

    async def find_transactions(self, reference: str) -> Sequence[Transaction]:
        total = PRICE * self.orders[reference].pieces
        kept = Transaction(id="A1", kind=TransactionKind.AUTHORIZATION, state=TransactionState.DONE, amount=total)
        return [kept, *self.captures[reference]]

    async def capture(self, reference: str, request: CaptureRequest) -> Transaction:
        made = self._capture(self.orders[reference])
        self.captures[reference].append(made)
        return made

    def _capture(self, order: Begun) -> Transaction:
        amount = PRICE * order.pieces
        done, kind = TransactionState.DONE, TransactionKind.CAPTURE
        return Transaction(id="C1", kind=kind, state=done, amount=amount, parent_id="A1")

    # ---- the warehouse --------------------------------------------------------------------------------------------

    async def find_reservations(self, reference: str) -> Sequence[Reservation]:
        return [self._reservation(sale) for sale in self.sales if sale.reference == reference]

    async def find_marked(self, reference: str, marks: Sequence[str]) -> Sequence[Any]:
        raise NotImplementedError

    async def create_reservation(self, key: str, request: StockRequest) -> Reservation:
        sale = Sale(f"S{len(self.sales)}", request.reference, key, ShipmentState.ASSIGNED, request.lines[0].quantity)
        self.sales.append(sale)
        return self._reservation(sale)

    async def advance_reservation(self, reservation: Reservation) -> Reservation:
        return reservation

    async def cancel_reservation(self, reservation: Reservation) -> Undone:
        raise NotImplementedError

    async def read_reservation(self, reservation: Reservation) -> Reservation:
        """The warehouse gets on with it whenever somebody looks."""
        sale = next(one for one in self.sales if one.id == reservation.id)
        packed = sale.state in (ShipmentState.PACKED, ShipmentState.DONE)
        sale.state = ShipmentState.DONE if packed else ShipmentState.PACKED
        return self._reservation(sale)

    def _reservation(self, sale: Sale) -> Reservation:
        lines = (StockLine(sku="MUG-BLUE", quantity=sale.pieces, unit_price=PRICE),)
        return Reservation(id=sale.id, key=sale.key, state=sale.state, lines=lines, shipment_id=sale.id)

    # ---- the carrier ----------------------------------------------------------------------------------------------

    async def check_address(self, address: Address) -> CheckedAddress:
        return CheckedAddress(address=address)

    async def quote(self, key: str, request: ParcelRequest) -> Quote:
        return Quote(
            id="Q", rates=(Rate(id=f"R-{request.reference}", carrier="usps", service="priority", price=COST, days=2),)
        )

    async def find_labels(self, reference: str, rate_ids: Sequence[str]) -> Sequence[Label]:
        return [one for _, one in self.labels if one.rate_id in rate_ids and one.key]

    async def buy_label(self, key: str, request: LabelRequest) -> Label:
        self.labels.append((key, self._label(key, request.rate.id)))
        return self.labels[-1][1]

    async def refund_label(self, label: Label) -> Label:
        raise NotImplementedError

    async def track(self, parcel: ParcelNumber) -> Tracking:
        return Tracking(state=TrackingState.DELIVERED)

    def _label(self, key: str, rate_id: str = "theirs") -> Label:
        name = f"L{len(self.labels)}"
        state = LabelState.BOUGHT
        return Label(id=name, rate_id=rate_id, key=key, state=state, carrier="usps", tracking_number=f"T{name}")

    # ---- mail -----------------------------------------------------------------------------------------------------

    async def send_shipped(self, key: str, mail: ShippedMail) -> Sent:
        self.mails[mail.reference] += 1
        return Sent(message_id=key)


class Warehouse(World):
    """The same, as the role inventory sees it. Both roles ask for what others marked, each for its own things."""

    def __init__(self, world: World) -> None:
        self.__dict__ = world.__dict__

    async def find_marked(self, reference: str, marks: Sequence[str]) -> Sequence[Reservation]:
        named = {sign + mark for mark in marks for sign in ("", "#")}
        return [self._reservation(sale) for sale in self.sales if sale.reference in named]


class Depot(World):
    """The same, as the role carrier sees it."""

    def __init__(self, world: World) -> None:
        self.__dict__ = world.__dict__

    async def find_marked(self, reference: str, marks: Sequence[str]) -> Sequence[Label]:
        named = {reference, *(sign + mark for mark in marks for sign in ("", "#"))}
        return [one for text, one in self.labels if text.removeprefix("Order ") in named]
