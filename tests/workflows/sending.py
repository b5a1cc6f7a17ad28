"""Orders on their way out, in memory: a shop whose people change them, a warehouse that moves by hand, a carrier."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from temporalio.service import RPCError

from seamline.errors import Problem, Refusal
from seamline.process.view import View
from seamline.records.order import FulfilmentLine, FulfilmentOrder, Order
from seamline.records.parcel import Label, LabelRequest, LabelState
from seamline.records.remedy import RefundPart
from seamline.records.shipping import Fulfilment, FulfilmentRequest, PartRequest
from seamline.records.shortage import CancelGoodsRequest, CancelledGoods, SplitRequest
from seamline.records.stock import Reservation, ShipmentState, ShortLine, StockRequest
from seamline.records.undo import Undone, UndoState
from tests.process.theatre import Handle
from tests.workflows.dispatch import ADDRESS, Dispatch, PaperCarrier, PaperShelf, PaperShop, gbp

FIRST, SECOND = "77", "78"


class OpenShop(PaperShop):
    """An order that is to be sent: what is left of each line in each fulfilment order, and where it leaves from."""

    def __init__(self) -> None:
        super().__init__()
        self.left: dict[str, dict[str, int]] = {FIRST: dict(self.quantities)}
        self.locations: dict[str, str] = {FIRST: "Main", SECOND: "North"}
        self.fulfilments: list[Fulfilment] = []
        self.cancelled_goods: dict[str, CancelledGoods] = {}

    async def fetch_order(self, reference: str) -> Order:
        order = await super().fetch_order(reference.partition(".")[0])
        parts = tuple(
            FulfilmentOrder(
                id=id_,
                location=self.locations[id_],
                open=any(left.values()),
                lines=tuple(
                    FulfilmentLine(id=f"{id_}-{line}", order_line_id=line, sku=f"SKU-{line}", quantity=count)
                    for line, count in left.items()
                    if count
                ),
            )
            for id_, left in self.left.items()
        )
        return order.model_copy(update={"fulfilment_orders": parts})

    async def find_fulfilments(self, request: PartRequest) -> Sequence[Fulfilment]:
        await self.called("find_fulfilments")
        return list(self.fulfilments)

    async def create_fulfilment(self, key: str, request: FulfilmentRequest) -> Fulfilment:
        await self.called("create_fulfilment")
        left = self.left[request.fulfilment_order_id]
        for one in request.lines:
            if left.get(one.order_line_id, 0) < one.quantity:
                problem = Problem(field="lines", reason="has nothing left to fulfil")
                raise Refusal("user-error", "nothing is left to fulfil", problems=[problem])
            left[one.order_line_id] -= one.quantity
        self.fulfilments.append(Fulfilment(id=self.next_id("f"), tracking_number=request.tracking_number))
        self.did("post-fulfilment", key, "create_fulfilment")
        return self.fulfilments[-1]

    async def find_cancelled_goods(self, reference: str, key: str, currency: str) -> CancelledGoods | None:
        return self.cancelled_goods.get(key)

    async def cancel_goods(
        self, reference: str, key: str, request: CancelGoodsRequest, parts: Sequence[RefundPart], currency: str
    ) -> CancelledGoods:
        await self.called("cancel_goods")
        for one in request.lines:
            self.take_off(one.order_line_id, one.quantity, request.fulfilment_order_id)
        made = CancelledGoods(id=self.next_id("refund"), key=key, amount=gbp(0))
        self.cancelled_goods[key] = made
        self.did("cancel-goods", key, "cancel_goods")
        return made

    async def split_part(self, reference: str, request: SplitRequest) -> None:
        await self.called("split_part")
        self.left[SECOND] = {one.order_line_id: one.quantity for one in request.lines}
        for line, count in self.left[SECOND].items():
            self.left[request.fulfilment_order_id][line] -= count
        self.did("split", reference, "split_part")

    def take_off(self, line: str, count: int, part: str = FIRST) -> None:
        """Pieces come off the order."""
        self.quantities[line] -= count
        self.left[part][line] -= count


class Floor(PaperShelf):
    """A warehouse that does only what the test does in it."""

    def __init__(self) -> None:
        super().__init__()
        self.lacking: dict[str, int] = {}
        """How many pieces of an article are missing, by SKU."""

    async def create_reservation(self, key: str, request: StockRequest) -> Reservation:
        await self.called("create_reservation")
        made = Reservation(
            id=self.next_id("sale"),
            key=key,
            shipment_id=self.next_id("shipment"),
            state=ShipmentState.ASSIGNED,
            lines=request.lines,
            address=request.address,
        )
        self.held.append(made)
        self.did("reserve", key, "create_reservation")
        return made

    async def advance_reservation(self, reservation: Reservation) -> Reservation:
        await self.called("advance_reservation")
        now = self._now(reservation)
        if now.state is ShipmentState.CANCELLED:
            raise Refusal("not-reserved", "the sale has no shipment that could hold stock")
        short = tuple(
            ShortLine(sku=one.sku, wanted=one.quantity, there=max(0, one.quantity - self.lacking[one.sku]))
            for one in now.lines
            if self.lacking.get(one.sku)
        )
        return now.model_copy(update={"short": () if now.state is ShipmentState.DONE else short})

    async def cancel_reservation(self, reservation: Reservation) -> Undone:
        await self.called("cancel_reservation")
        if self._now(reservation).state is ShipmentState.DONE:
            return Undone(state=UndoState.TOO_LATE)
        self._set(reservation.id, ShipmentState.CANCELLED)
        self.did("release", reservation.key, "cancel_reservation")
        return Undone(state=UndoState.UNDONE)

    def move(self, reference: str, state: ShipmentState) -> None:
        """Somebody moves the goods of an order, or of a part."""
        for one in self.held:
            if one.key.partition("/")[0] == reference and one.state is not ShipmentState.CANCELLED:
                self._set(one.id, state)

    async def find_reservations(self, reference: str) -> Sequence[Reservation]:
        found = await super().find_reservations(reference)
        return [one for one in found if one.key.partition("/")[0] == reference]

    def _now(self, reservation: Reservation) -> Reservation:
        return next(one for one in self.held if one.id == reservation.id)

    def _set(self, identity: str, state: ShipmentState) -> None:
        self.held = [one.model_copy(update={"state": state}) if one.id == identity else one for one in self.held]


class Counter(PaperCarrier):
    """A carrier that sells some orders no label to the address that the test's orders have."""

    def __init__(self) -> None:
        super().__init__()
        self.picky: set[str] = set()
        """The references of these."""
        self.bought_for: dict[str, str] = {}
        """The postcode of the last label of each reference."""

    async def buy_label(self, key: str, request: LabelRequest) -> Label:
        reference, postcode = key.partition("/")[0], request.parcel.address.postcode
        if reference in self.picky and postcode == ADDRESS.postcode:
            problem = Problem(field="parcel.address.postcode", reason="is unknown")
            raise Refusal("label-refused", "the address is unknown", problems=[problem])
        self.bought_for[reference] = postcode
        return await super().buy_label(key, request)


class Sending(Dispatch):
    """One test's business, with an order that is to be sent."""

    shop: OpenShop
    shelf: Floor
    carrier: Counter

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.shop, self.shelf, self.carrier = OpenShop(), Floor(), Counter()

    @property
    def part(self) -> str:
        """The second fulfilment order's own reference."""
        return f"{self.reference}.2"

    def in_parts(self) -> None:
        """The lamp leaves from elsewhere."""
        mugs, lamp = self.shop.quantities
        self.shop.left = {FIRST: {mugs: self.shop.quantities[mugs]}, SECOND: {lamp: self.shop.quantities[lamp]}}

    def refund_labels(self) -> None:
        """Somebody has every label refunded at the carrier."""
        gone = {"state": LabelState.REFUNDED}
        self.carrier.labels = [one.model_copy(update=gone) for one in self.carrier.labels]

    async def step(self, handle: Handle, name: str) -> View:
        """Once the process has come to this step."""
        return await self.until(handle, lambda view: view.steps and view.steps[-1].name == name)

    async def handed_over(self, handle: Handle, reference: str) -> dict[str, Any]:
        """The goods of an order, or of a part, leave; what came of it."""
        await self.step(handle, "packed")
        self.shelf.move(reference, ShipmentState.DONE)
        return await self.finished(handle)

    async def close(self) -> None:
        for reference in (self.reference, self.part):
            with suppress(RPCError):
                await self.handed("order-to-shipment", reference).terminate()
            with suppress(RPCError):
                await self.handed("follow-parcel", reference).terminate()
        await super().close()
