"""Tryton in the role of the inventory: a reservation is a sale with its shipments."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from seamline.errors import Outage, Problem, Refusal
from seamline.http import HttpFactory, located
from seamline.records.address import Address
from seamline.records.reference import is_reference
from seamline.records.stock import Availability, PackedParcel, Reservation, ShipmentState, ShortLine, StockRequest
from seamline.records.system import Card, Holding, Repeat
from seamline.records.undo import Undone, UndoState
from seamline.systems.tryton import mapping, wire
from seamline.systems.tryton.client import Domain, TrytonClient, open_client
from seamline.systems.tryton.returns import TrytonReturns

STEPS_MAX = 20
PRESSES_MAX = 4
"""Under load some assignments stay waiting though stock is ample: pressed this often before it is called a shortage."""
PRESS_PAUSE_SECONDS = 0.25
_ID = re.compile(r"[1-9][0-9]{0,8}")

_READY = (ShipmentState.ASSIGNED, ShipmentState.PICKED, ShipmentState.PACKED, ShipmentState.DONE)
_PACKED = (ShipmentState.PACKED, ShipmentState.DONE)
Plan = Callable[[wire.Sale], Sequence[mapping.Step]]


class Account(BaseModel):
    """A Tryton database and the company in it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: HttpUrl = Field(description="Where trytond answers, without the database: https://erp.example.com")
    database: str = Field(pattern=r"^[A-Za-z0-9_-]{1,63}$", description="The database's name.")
    key: SecretStr = Field(description="The key of a user application of kind REST, confirmed by the user.")
    company: int = Field(default=1, gt=0, description="The id of the company that sells.")
    shipment_cost_module: bool = Field(
        default=True, description="Whether the module sale_shipment_cost is installed, whose field must then be given."
    )
    package_modules: bool = Field(
        default=False,
        description="Whether the modules stock_package and stock_shipment_measurements are installed, which tell the "
        "parcels that were packed and their weights.",
    )
    shipping_module: bool = Field(
        default=False,
        description="Whether the module stock_package_shipping is installed too, which tells the tracking numbers of "
        "labels that others buy.",
    )
    page: str = Field(
        default="{url}/#{database}/model/sale.sale/{id}",
        description="Where staff see a sale; {url} and {database} are those above, {id} the sale's id.",
    )
    calls_per_second_max: float = Field(default=20, gt=0, le=200, description="How often Tryton may be called.")
    calls_at_once_max: int = Field(default=8, gt=0, le=100, description="How many calls may run at the same time.")


def connect(name: str, account: Account, http: HttpFactory) -> TrytonInventory:
    """The adapter of the connection `name`. Nothing is sent yet."""
    client = open_client(
        name,
        str(account.url).rstrip("/"),
        account.database,
        account.key.get_secret_value(),
        account.company,
        http,
        calls_per_second_max=account.calls_per_second_max,
        calls_at_once_max=account.calls_at_once_max,
    )
    return TrytonInventory(name, account, client)


class TrytonInventory(TrytonReturns):
    """Satisfies `activities.inventory.InventorySystem`."""

    # There is no idempotency key; a sale is found by its reference and carries the effect key as its description.
    repeats: Final[Mapping[str, Repeat]] = {"reserve": Repeat.LOOK_UP, "receive": Repeat.LOOK_UP}

    def __init__(self, name: str, account: Account, client: TrytonClient) -> None:
        self.name = name
        self._account = account
        self._company = account.company
        self._client = client

    async def close(self) -> None:
        """Close the connections to Tryton."""
        await self._client.close()

    @located
    async def find_reservations(self, reference: str) -> Sequence[Reservation]:
        """The sales for the reference that are not cancelled and have goods that are not."""
        found = [
            mapping.RESERVATION.read(sale, reference=reference, page=self._page(sale.id))
            for sale in await self._sales(reference)
        ]
        return [one for one in found if one.state is not ShipmentState.CANCELLED]

    @located
    async def find_marked(self, reference: str, marks: Sequence[str]) -> Sequence[Reservation]:
        """The same for sales whose reference is one of the marks, with or without a `#` before it."""
        written = [sign + mark for mark in marks for sign in ("", "#")]
        sales = await self._client.search(
            "find_marked", mapping.SALE, [["reference", "in", written]], wire.Sale, wire.SALE_FIELDS
        )
        found = [mapping.RESERVATION.read(one, reference=reference, page=self._page(one.id)) for one in sales]
        return [one for one in found if one.state is not ShipmentState.CANCELLED]

    @located
    async def create_reservation(self, key: str, request: StockRequest) -> Reservation:
        """A draft sale. Refusal `unknown-article`, `unknown-currency` or `unknown-country` with its field."""
        products = await self._products(request)
        currency = await self._coded("currency.currency", request.currency, "currency")
        party, address = await self._delivery(request)
        values = mapping.sale_out(
            key,
            request,
            company=self._account.company,
            party=party,
            address=address,
            currency=currency,
            products=products,
            shipment_cost_module=self._account.shipment_cost_module,
        )
        sale_id = await self._client.create("create_sale", mapping.SALE, values)
        return self._reservation(request.reference, await self._sale(sale_id))

    @located
    async def advance_reservation(self, reservation: Reservation) -> Reservation:
        """Quote, confirm, process, assign what is there; the rest is `short`."""
        sale, stuck = await self._drive(reservation, mapping.steps_forward)
        if stuck and stuck.button == "assign_try":
            return _with(reservation, sale, await self._short(reservation, stuck.id))
        state = mapping.reservation_state(sale)
        if stuck and stuck.button == mapping.QUEUED:
            raise Outage("no-progress", "Tryton's queue has not come to the confirmed sale yet")
        if stuck:
            raise Outage("no-progress", f"Tryton accepts {stuck.button} and leaves the state as it is")
        if state not in _READY:
            problem = Problem(field="reference", reason=f"is served by sale {sale.number or sale.id}, which is {state}")
            raise Refusal("not-reserved", "the sale has no shipment that could hold stock", problems=[problem])
        return _with(reservation, sale)

    @located
    async def cancel_reservation(self, reservation: Reservation) -> Undone:
        """Take back the shipments, then the sale where Tryton lets it go. TOO_LATE when goods have left."""
        sale, stuck = await self._drive(reservation, mapping.steps_back)
        if mapping.has_left(sale):
            return Undone(state=UndoState.TOO_LATE, detail=f"the goods of sale {sale.number or sale.id} have left")
        if stuck:
            raise Outage("no-progress", f"Tryton accepts {stuck.button} and leaves the state as it is")
        if sale.state == "cancelled":
            return Undone(state=UndoState.UNDONE, detail=f"sale {sale.number or sale.id} is cancelled")
        # Tryton cancels no sale that is processed: it shows a shipment exception, which is closed there by hand.
        detail = f"the goods are free; sale {sale.number or sale.id} stays, with its shipment cancelled"
        return Undone(state=UndoState.UNDONE, detail=detail)

    @located
    async def read_reservation(self, reservation: Reservation) -> Reservation:
        """The reservation as it is now. Refusal `not-found` when the sale was deleted."""
        sale = await self._sale(_number(reservation.id))
        now = _with(reservation, sale)
        return now.model_copy(update={"parcels": await self._parcels(sale)}) if now.state in _PACKED else now

    @located
    async def availability(self, connection: str, skus: Sequence[str]) -> Sequence[Availability]:
        """What is free in the warehouse's storage, and what orders of this shop hold that has not left."""
        context = {"locations": [await self._storage()], "stock_assign": True}
        domain = [["code", "in", list(skus)]]
        products = await self._client.search(
            "read_stock", "product.product", domain, wire.StockedProduct, wire.STOCKED_FIELDS, context=context
        )
        held = await self._client.pages(
            "read_held", "stock.move", mapping.held_domain(connection, skus), wire.Move, wire.MOVE_FIELDS
        )
        return mapping.availabilities(products, held)

    @located
    async def holdings(self, reference: str) -> Sequence[Holding]:
        """The sales for the reference and their shipments, cancelled ones too."""
        found = []
        for sale in await self._sales(reference):
            key = mapping.RESERVATION.read(sale, reference=reference, page="").key
            number, page = sale.number or str(sale.id), self._page(sale.id)
            found.append(Holding(kind="sale", id=number, state=sale.state, key=key, page=page))
            found += [Holding(kind="shipment", id=one.number or str(one.id), state=one.state) for one in sale.shipments]
        return found

    @located
    async def references(self, external_id: str) -> Sequence[str]:
        """What the sale with this number, or of the shipment with this number, is for; else by their ids."""
        numbers: Domain = ["OR", ["number", "=", external_id], ["shipments.number", "=", external_id]]
        found = await self._referring(numbers)
        if not found and _ID.fullmatch(external_id):
            identity = int(external_id)
            found = await self._referring(["OR", ["id", "=", identity], ["shipments", "=", identity]])
        return found

    @located
    async def card(self) -> Card:
        """Reach Tryton and describe the connection."""
        company = await self._client.read(
            "card", "company.company", self._account.company, wire.Company, ["party.name"]
        )
        return Card(
            connection=self.name,
            system="tryton",
            role="inventory",
            holds=("stock", "sales", "shipments"),
            connected="REST over HTTPS",
            authentication="user application key",
            limits=f"at most {self._account.calls_per_second_max:g} calls a second from here",
            repeats=self.repeats,
            account=f"{company.party.name} in {self._account.database}",
        )

    # -- driving a sale through its states --------------------------------------------------------------------------

    async def _drive(self, reservation: Reservation, plan: Plan) -> tuple[wire.Sale, mapping.Step | None]:
        """Press the plan's buttons until it names none; the sale, and the step that brought no progress, if one did.

        Buttons are guarded by the state, which others change too: what is refused is only raised when the state
        still asks for it. Of alternatives the next is tried. What Tryton's queue does by itself is not for every user
        to press; it may come to it in a moment.
        """
        sale_id = _number(reservation.id)
        pressed: Counter[mapping.Step] = Counter()
        refused: dict[mapping.Step, Refusal] = {}
        for _ in range(STEPS_MAX):
            sale = await self._sale(sale_id)
            steps = plan(sale)
            if not steps:
                return sale, None
            step = next((one for one in steps if one not in refused), None)
            if step is None:
                raise refused[steps[0]]
            if pressed[step] >= PRESSES_MAX:
                return sale, step
            if pressed[step]:
                await asyncio.sleep(PRESS_PAUSE_SECONDS)
            pressed[step] += 1
            try:
                await self._client.press(step.button, step.model, step.id, step.button)
            except Refusal as error:
                if error.failure.status != 400:
                    raise
                if step.button != mapping.QUEUED:
                    refused[step] = error
        raise Outage("no-progress", "the sale goes back and forth between its states")

    async def _parcels(self, sale: wire.Sale) -> tuple[PackedParcel, ...]:
        """What was packed; nothing where Tryton has no packages."""
        if not self._account.package_modules:
            return ()
        read = self._client.read
        fields = (*wire.PACKED_FIELDS, *(wire.LABELLED_FIELDS if self._account.shipping_module else ()))
        packed = [
            await read("read_packages", mapping.SHIPMENT, one.id, wire.Packed, fields) for one in mapping.live(sale)
        ]
        return tuple(parcel for one in packed for parcel in mapping.parcels(one))

    async def _short(self, reservation: Reservation, shipment_id: int) -> tuple[ShortLine, ...]:
        moves = await self._client.read("read_moves", mapping.SHIPMENT, shipment_id, wire.Moves, wire.SHIPMENT_FIELDS)
        return mapping.shortages(reservation.lines, moves)

    # -- reading -----------------------------------------------------------------------------------------------------

    async def _sale(self, sale_id: int) -> wire.Sale:
        return await self._client.read("read_sale", mapping.SALE, sale_id, wire.Sale, wire.SALE_FIELDS)

    async def _sales(self, reference: str) -> list[wire.Sale]:
        domain = [["reference", "=", reference]]
        return await self._client.search("find_sales", mapping.SALE, domain, wire.Sale, wire.SALE_FIELDS)

    async def _storage(self) -> int:
        """The location whose goods are sold. Refusal `several-warehouses` when the company has more than one."""
        domain = [["type", "=", "warehouse"]]
        found = await self._client.search(
            "find_warehouse", "stock.location", domain, wire.Warehouse, wire.WAREHOUSE_FIELDS
        )
        if len(found) != 1:
            problem = Problem(
                field="connection", reason=f"has {len(found)} warehouses: it must have one to share its stock"
            )
            raise Refusal("several-warehouses", "which warehouse's stock is meant is not known", problems=[problem])
        return found[0].storage_location

    async def _referring(self, domain: Domain) -> list[str]:
        sales = await self._client.search("resolve", mapping.SALE, domain, wire.Sale, wire.SALE_FIELDS)
        return list(dict.fromkeys(one.reference for one in sales if is_reference(one.reference)))

    async def _products(self, request: StockRequest) -> Mapping[str, wire.Product]:
        codes = sorted({line.sku for line in request.lines})
        products: dict[str, wire.Product] = {}
        for start in range(0, len(codes), 100):
            domain = [["code", "in", codes[start : start + 100]]]
            found = await self._client.search(
                "find_products", "product.product", domain, wire.Product, wire.PRODUCT_FIELDS
            )
            products |= {one.code: one for one in sorted(found, key=lambda one: -one.id)}
        if problems := mapping.unknown_articles(request, products):
            raise Refusal("unknown-article", "Tryton cannot sell every article", problems=problems)
        return products

    async def _coded(self, model: str, code: str, field: str) -> int:
        found = await self._client.search(f"find_{field}", model, [["code", "=", code]], wire.Coded, ["code"])
        if not found:
            name = field.rsplit(".", 1)[-1]
            problem = Problem(field=field, reason=f"is not a {name} that Tryton knows")
            raise Refusal(f"unknown-{name}", f"Tryton has no {name} of this code", problems=[problem])
        return found[0].id

    # -- the customer and the address --------------------------------------------------------------------------------

    async def _delivery(self, request: StockRequest) -> tuple[int, int]:
        """The ids of the order's party and of the address to ship to; both made where missing."""
        country = await self._coded("country.country", request.address.country, "address.country")
        subdivision = await self._subdivision(request.address)
        values = mapping.ADDRESS.write(request.address, country=country, subdivision=subdivision)
        party = await self._party(request)
        known = await self._client.search(
            "find_addresses", "party.address", [["party", "=", party]], wire.Address, wire.ADDRESS_FIELDS
        )
        same = next((one.id for one in known if mapping.same_address(one, values)), None)
        return party, same or await self._client.create("create_address", "party.address", {**values, "party": party})

    async def _party(self, request: StockRequest) -> int:
        code = mapping.party_code(request.reference)
        if (known := await self._find_party(code)) is not None:
            return known
        values = {"name": request.address.company or request.address.name, "code": code, "addresses": []}
        try:
            return await self._client.create("create_party", "party.party", values)
        except Refusal:
            # The code is unique: another part of the same order may have made the party in this moment.
            if (known := await self._find_party(code)) is not None:
                return known
            raise

    async def _find_party(self, code: str) -> int | None:
        found = await self._client.search("find_party", "party.party", [["code", "=", code]], wire.Coded, ["code"])
        return found[0].id if found else None

    async def _subdivision(self, address: Address) -> int | None:
        """The id of the state or province; None where there is none, or where Tryton does not have it."""
        if not address.region:
            return None
        domain = [["code", "=", f"{address.country}-{address.region}"]]
        found = await self._client.search("find_subdivision", "country.subdivision", domain, wire.Coded, ["code"])
        return found[0].id if found else None

    def _reservation(self, reference: str, sale: wire.Sale) -> Reservation:
        return mapping.RESERVATION.read(sale, reference=reference, page=self._page(sale.id))

    def _page(self, sale_id: int) -> str:
        values = {"url": str(self._account.url).rstrip("/"), "database": self._account.database, "id": str(sale_id)}
        page = self._account.page
        for name, value in values.items():
            page = page.replace(f"{{{name}}}", value)
        return page


def _with(reservation: Reservation, sale: wire.Sale, short: tuple[ShortLine, ...] = ()) -> Reservation:
    """The reservation as the sale is now; its key and lines are those it was made with."""
    shipments = mapping.live(sale)
    return reservation.model_copy(
        update={
            "number": sale.number,
            "shipment_id": str(shipments[0].id) if shipments else reservation.shipment_id,
            "state": mapping.reservation_state(sale),
            "short": short,
        }
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        problem = Problem(field="id", reason="must be the number of a sale in Tryton")
        raise Refusal("not-found", "this is not the id of a sale", problems=[problem])
    return int(text)
