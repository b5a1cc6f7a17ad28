"""Inventory: stock is reserved, picked and packed, and leaves the building."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

from activities.ensure import ensure
from activities.tracing import Traceable
from seamline.errors import NotYet, Problem, Refusal
from seamline.process.effect import IRREVERSIBLE, Call, Effect, Foreseen, Read, Wait, operation
from seamline.records.address import Address
from seamline.records.event import EventKind
from seamline.records.returning import Receipt, ReceiptRequest
from seamline.records.stock import (
    Availabilities,
    Availability,
    AvailabilityRequest,
    Reservation,
    RestockRequest,
    ShipmentState,
    StockRequest,
)
from seamline.records.system import FORESEEN, Repeat
from seamline.records.undo import Undone, UndoState

_PACKED = (ShipmentState.PACKED, ShipmentState.DONE)


class InventorySystem(Traceable, Protocol):
    """What a system that holds stock must be able to do. Adapters raise the errors of `seamline.errors`."""

    repeats: Mapping[str, Repeat]

    async def find_reservations(self, reference: str) -> Sequence[Reservation]:
        """All reservations for a reference that are not cancelled, whoever made them, however far they got."""

    async def find_marked(self, reference: str, marks: Sequence[str]) -> Sequence[Reservation]:
        """Reservations that are not cancelled and that others named in one of these ways; none has a key."""

    async def create_reservation(self, key: str, request: StockRequest) -> Reservation:
        """Make a reservation that carries `key`. It may need `advance_reservation` before stock is held."""

    async def advance_reservation(self, reservation: Reservation) -> Reservation:
        """Bring it on until stock is assigned; again is harmless. Its `short` names what there is too little of."""

    async def cancel_reservation(self, reservation: Reservation) -> Undone:
        """Take it back and free the stock; `too late` when the goods have left, then nothing was changed."""

    async def read_reservation(self, reservation: Reservation) -> Reservation:
        """The reservation as it is now."""

    async def availability(self, connection: str, skus: Sequence[str]) -> Sequence[Availability]:
        """What is free of each article, and held for orders of this shop; those that are not known are left out."""


@runtime_checkable
class TakesBack(Protocol):
    """What an inventory system must be able to do besides, where it takes goods of returns back by itself."""

    async def find_receipts(self, reference: str) -> Sequence[Receipt]:
        """The goods taken back for a return, whoever took them, those left out that were cancelled."""

    async def create_receipt(self, key: str, request: ReceiptRequest) -> Receipt:
        """Take goods back that carry `key`. They may need `finish_receipt` before they are on the shelf."""

    async def finish_receipt(self, receipt: Receipt) -> Receipt:
        """Put them on the shelf; again is harmless."""


class Inventory:
    """The inventory's activities over any system that fills the role."""

    def __init__(self, system: InventorySystem) -> None:
        self.system = system

    @operation("inventory.reserve")
    async def reserve(self, call: Call[StockRequest]) -> Reservation:
        """Hold stock for the order: in an ERP a confirmed sale with an assigned shipment. It may come back short."""
        reservation = await ensure(
            call,
            self.system.repeats["reserve"],
            find=lambda: self._found(call),
            matches=lambda found: (
                _pieces(found) == _pieces(call.request) and _same_place(found.address, call.request.address)
            ),
            create=lambda: self.system.create_reservation(call.key, call.request),
            take_back=self.system.cancel_reservation,
        )
        return await self.system.advance_reservation(reservation)

    async def _found(self, call: Call[StockRequest]) -> Sequence[Reservation]:
        found = await self.system.find_reservations(call.reference)
        if call.taken_over and not found:
            return await self.system.find_marked(call.reference, call.taken_over.marks)
        return found

    @operation("inventory.release")
    async def release(self, call: Call[StockRequest]) -> Undone:
        """Take the shipment back, free the stock. The gate: answers too late once the goods have left."""
        ours = [one for one in await self.system.find_reservations(call.reference) if one.key == call.key]
        answers = [await self.system.cancel_reservation(one) for one in ours]
        late = [answer for answer in answers if answer.state is UndoState.TOO_LATE]
        return (late or answers or [Undone(state=UndoState.NOTHING)])[0]

    @operation("inventory.restocked")
    async def restocked(self, call: Call[RestockRequest]) -> Reservation:
        """The reservation once nothing is short of it any more; still short when the time is over."""
        request = call.request
        now = await self.system.advance_reservation(request.reservation)
        if now.short and not (request.until and request.until <= datetime.now(UTC)):
            raise NotYet("not-restocked", f"{len(now.short)} articles are short")
        return now

    @operation("inventory.availability")
    async def availability(self, call: Call[AvailabilityRequest]) -> Availabilities:
        """What is there of some articles."""
        found = await self.system.availability(call.request.connection, call.request.skus)
        return Availabilities(articles=tuple(found))

    @operation("inventory.look", about="id")
    async def look(self, call: Call[Reservation]) -> Reservation:
        """The reservation as it is now, whatever people made of it."""
        return await self.system.read_reservation(call.request)

    @operation("inventory.receive")
    async def receive(self, call: Call[ReceiptRequest]) -> Receipt:
        """Take goods of a return back into stock, once. Refusal `takes-nothing-back` where people must do it."""
        system = self.system
        if not isinstance(system, TakesBack):
            problem = Problem(field="lines", reason="must be put back into stock there by hand: do it, then skip")
            raise Refusal("takes-nothing-back", "the inventory system takes no returns", problems=[problem])
        found = await system.find_receipts(call.reference)
        receipt = next((one for one in found if one.key == call.key), None)
        if receipt is None:
            receipt = await system.create_receipt(call.key, call.request)
        return receipt if receipt.done else await system.finish_receipt(receipt)

    @operation("inventory.packed")
    async def packed(self, call: Call[Reservation]) -> Reservation:
        """The reservation once it is packed."""
        return await self._reached(call.request, _PACKED)

    @operation("inventory.handed_over")
    async def handed_over(self, call: Call[Reservation]) -> Reservation:
        """The reservation once the parcel left the building."""
        return await self._reached(call.request, (ShipmentState.DONE,))

    async def _reached(self, reservation: Reservation, states: Sequence[ShipmentState]) -> Reservation:
        now = await self.system.read_reservation(reservation)
        if now.state in states:
            return now
        if now.state is ShipmentState.CANCELLED:
            raise Refusal("cancelled-there", f"shipment {now.shipment_id} was cancelled in the inventory system")
        raise NotYet("not-there-yet", f"shipment {now.shipment_id} is {now.state}")


def _same_place(found: Address | None, wanted: Address) -> bool:
    """Whether goods go where they should; where the system does not tell, they do. The region it may not know."""
    return found is None or _words(found) == _words(wanted)


def _words(place: Address) -> list[str]:
    lines = (place.company, place.name, place.street1, place.street2, place.postcode, place.city, place.country)
    return " ".join(lines).casefold().split()


def _pieces(goods: Reservation | StockRequest | ReceiptRequest) -> Mapping[str, int]:
    pieces: dict[str, int] = {}
    for line in goods.lines:
        pieces[line.sku] = pieces.get(line.sku, 0) + line.quantity
    return pieces


def _reservation(call: Call[StockRequest], _: Reservation | None) -> Reservation:
    return Reservation(id=FORESEEN, key=call.key, state=ShipmentState.ASSIGNED, lines=call.request.lines)


def _at(state: ShipmentState) -> Callable[[Reservation], Reservation]:
    return lambda reservation: reservation.model_copy(update={"state": state})


def _goods(request: StockRequest | ReceiptRequest) -> str:
    return ", ".join(f"{count} {sku}" for sku, count in _pieces(request).items())


reserve = Effect(
    Inventory.reserve,
    undo=Inventory.release,
    gate=True,
    title="Reserve stock",
    foreseen=Foreseen(_reservation, _goods, "sale"),
)
restocked = Wait(
    Inventory.restocked,
    title="Wait for stock",
    news=(EventKind.STOCK_CHANGED,),
    poll_max=timedelta(hours=1),
    foreseen=lambda request: request.reservation.model_copy(update={"short": ()}),
)
availability = Read(Inventory.availability, title="See what is in stock")
look = Read(Inventory.look, title="Look at the shipment")
receive = Effect(
    Inventory.receive,
    undo=IRREVERSIBLE,
    title="Put the goods back into stock",
    foreseen=Foreseen(lambda call, _: Receipt(id=FORESEEN, key=call.key, done=True), lambda request: _goods(request)),
)
packed = Wait(Inventory.packed, title="Wait until packed", foreseen=_at(ShipmentState.PACKED))
handed_over = Wait(
    Inventory.handed_over, title="Wait until handed over to the carrier", foreseen=_at(ShipmentState.DONE)
)
