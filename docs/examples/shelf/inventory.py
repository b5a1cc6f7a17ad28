"""Shelf in the role of the inventory: a reservation is a hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from docs.examples.shelf import mapping, wire
from docs.examples.shelf.client import ShelfClient, open_client
from seamline.errors import Refusal
from seamline.http import HttpFactory, located
from seamline.records.stock import Availability, Reservation, ShipmentState, StockRequest
from seamline.records.system import Card, Holding, Repeat
from seamline.records.undo import Undone, UndoState


class Account(BaseModel):
    """What the settings give below `connections.NAME.account`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: HttpUrl = Field(description="Where Shelf answers.")
    token: SecretStr = Field(description="The token of our user.")


def connect(name: str, account: Account, http: HttpFactory) -> ShelfInventory:
    """The adapter of the connection `name`. Nothing is sent yet."""
    return ShelfInventory(name, open_client(name, str(account.url), account.token.get_secret_value(), http))


class ShelfInventory:
    """Satisfies `activities.inventory.InventorySystem`."""

    # Shelf knows no idempotency key. A hold carries ours as its note and is found by its reference.
    repeats: Final[Mapping[str, Repeat]] = {"reserve": Repeat.LOOK_UP}

    def __init__(self, name: str, client: ShelfClient) -> None:
        self.name = name
        self._client = client

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    @located
    async def find_reservations(self, reference: str) -> Sequence[Reservation]:
        """The holds for a reference that were not dropped."""
        found = await self._holds(reference)
        return [one for one in found if one.state is not ShipmentState.CANCELLED]

    @located
    async def find_marked(self, reference: str, marks: Sequence[str]) -> Sequence[Reservation]:
        """The holds that others made under one of these names, as they write their reference themselves."""
        found = [hold for mark in marks for hold in await self._holds(mark)]
        return [one for one in found if not one.key and one.state is not ShipmentState.CANCELLED]

    @located
    async def create_reservation(self, key: str, request: StockRequest) -> Reservation:
        """A new hold. Refusal with a problem for each line that Shelf does not know."""
        body = mapping.NEW_HOLD.write(request, key=key)
        return mapping.HOLD.read(await self._client.ask("create", "POST", "/holds", wire.Hold, json=body))

    @located
    async def advance_reservation(self, reservation: Reservation) -> Reservation:
        """Take the goods from the shelf, all or none; what there is too little of is `short`."""
        if reservation.state is not ShipmentState.DRAFT:
            return reservation
        try:
            hold = await self._client.ask("assign", "POST", f"/holds/{reservation.id}/assign", wire.Hold)
        except Refusal as error:
            if error.failure.code != "short-stock":
                raise
            free = await self._free(sorted({line.sku for line in reservation.lines}))
            return reservation.model_copy(update={"short": mapping.short(reservation.lines, free)})
        return mapping.HOLD.read(hold)

    @located
    async def availability(self, connection: str, skus: Sequence[str]) -> Sequence[Availability]:
        """What is free of each article, and what live holds of the shop's orders keep."""
        held = mapping.held(await self._client.ask("held", "GET", "/holds", list[wire.Hold]), connection)
        free = await self._free(skus)
        return [Availability(sku=sku, free=pieces, held=held[sku]) for sku, pieces in free.items()]

    @located
    async def cancel_reservation(self, reservation: Reservation) -> Undone:
        """Drop the hold. Too late once the goods were sent."""
        now = await self.read_reservation(reservation)
        if now.state is ShipmentState.DONE:
            return Undone(state=UndoState.TOO_LATE)
        if now.state is not ShipmentState.CANCELLED:
            await self._client.ask("drop", "POST", f"/holds/{reservation.id}/drop", wire.Hold)
        return Undone(state=UndoState.UNDONE)

    @located
    async def read_reservation(self, reservation: Reservation) -> Reservation:
        """The hold as it is now."""
        return mapping.HOLD.read(await self._client.ask("read", "GET", f"/holds/{reservation.id}", wire.Hold))

    @located
    async def holdings(self, reference: str) -> Sequence[Holding]:
        """Every hold for the reference, dropped ones too."""
        found = await self._holds(reference)
        return [Holding(kind="shipment", id=one.id, state=one.state.value, key=one.key) for one in found]

    @located
    async def references(self, external_id: str) -> Sequence[str]:
        """What the hold with this number is for."""
        if not external_id.isdigit():
            return []
        try:
            hold = await self._client.ask("resolve", "GET", f"/holds/{external_id}", wire.Hold)
        except Refusal as error:
            if error.failure.code == "not-found":
                return []
            raise
        return [hold.reference]

    @located
    async def card(self) -> Card:
        """Reach Shelf and describe the connection."""
        about = await self._client.ask("about", "GET", "/about", wire.About)
        return Card(
            connection=self.name,
            system="shelf",
            role="inventory",
            holds=("stock", "holds"),
            connected="REST over HTTPS",
            authentication="token",
            limits="10 calls a second from here",
            repeats=self.repeats,
            account=about.shop,
        )

    async def _free(self, skus: Sequence[str]) -> Mapping[str, int]:
        """Pieces on the shelf, by the SKUs that Shelf knows."""
        found = await self._client.ask("stock", "GET", "/stock", list[wire.Stock], query={"sku": list(skus)})
        return {one.sku: one.free for one in found}

    async def _holds(self, reference: str) -> list[Reservation]:
        query = {"reference": reference}
        found = await self._client.ask("find", "GET", "/holds", list[wire.Hold], query=query)
        return [mapping.HOLD.read(hold) for hold in found]
