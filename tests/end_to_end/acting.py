"""People who act in the shop, the ERP and at the carrier, a warehouse that works by hand, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from seamline.process.view import Status, View
from seamline.simulator.server import running
from seamline.simulator.tryton_buttons import Buttons
from seamline.simulator.tryton_records import Records
from seamline.temporal import embedded_temporal
from tests.end_to_end.conftest import NONE_KEPT
from tests.end_to_end.people import TABLES, Act, Goods, Part, Stage
from tests.end_to_end.test_events import MOVES_AFTER, Told, door
from tests.end_to_end.world import SECONDS_MAX, Handle, Names, World

MUG, POT = "MUG-BLUE", "BOOK-TIDE"
LAMP, NORTH = "LAMP-OAK", "North warehouse"
_OWN = ({"sku": MUG, "quantity": 2}, {"sku": POT})
LINES: Mapping[Part, Sequence[Mapping[str, Any]]] = {
    Part.ALONE: _OWN,
    Part.FIRST: _OWN,
    Part.SECOND: [{"sku": LAMP, "location": NORTH}],
}
POSTCODE, NEW_POSTCODE = "CB2 1RX", "CB3 0AA"
AT_ONCE_MAX = 6
ENDING = PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED
PLENTY = 1000

T = TypeVar("T")
Cell = tuple[Act, Stage, Part]


PLANNED, OTHER = Counter({MUG: 2, POT: 1}), Counter({LAMP: 1})
NEW = {
    Act.MORE: Counter({MUG: 3, POT: 1}),
    Act.FEWER: Counter({MUG: 1, POT: 1}),
    Act.ADDED: Counter({MUG: 2, POT: 1, "TEE-M": 1}),
    Act.REMOVED: Counter({MUG: 2}),
}


@dataclass
class Ended:
    """What became of one order."""

    kind: str
    reason: str
    view: View
    waited: list[str]
    goods: Counter[str]
    postcodes: set[str]
    """Where the reservation and the label that stand at the end go to."""
    effects: Counter[str]


class Shop:
    """What people do in one world's systems."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def ask(self, reference: str, path: str, **body: object) -> None:
        number = reference.partition(":")[2]
        await self.world.post(f"shops/{self.world.names.shop}/orders/{number}/{path}", body)

    async def edit(self, reference: str, pays: bool, **body: object) -> None:
        """An edit, and the money that follows from it."""
        before = float(self.total(reference))
        await self.ask(reference, "edit", **body)
        if pays:
            await self.ask(reference, "payment", action="pay")
        elif (back := before - float(self.total(reference))) > 0:
            await self.ask(reference, "payment", action="refund", amount=f"{back:.2f}")

    def total(self, reference: str) -> str:
        return str(self.world.body("order", reference.partition(":")[2])["money"]["total"])

    def standing(self, reference: str, operation: str, undone: str) -> str:
        """The id of the object of ours that stands."""
        found: list[str] = []
        for one in self.world.simulator.world.effects(reference=reference):
            if one["operation"] == operation:
                found.append(str(one["object_id"]))
            elif one["operation"] == undone:
                found.remove(str(one["undoes"]))
        return found[-1]

    def shipment(self, reference: str) -> str:
        return self.standing(reference, "reserve", "release")

    def label(self, reference: str) -> str:
        return self.standing(reference, "buy-label", "request-refund")

    async def move(self, reference: str, state: str) -> None:
        path = f"warehouse/{self.world.names.inventory}/shipments/{self.shipment(reference)}"
        await self.world.post(path, {"state": state})

    async def unassign(self, reference: str) -> None:
        world, connection = self.world.simulator.world, self.world.names.inventory
        buttons, identity = Buttons(Records(world, connection, {})), self.shipment(reference)
        for button in ("wait", "assign_try"):
            shipment = world.get(connection, "stock.shipment.out", identity)
            assert shipment
            buttons.press("stock.shipment.out", shipment, button)

    async def refund_label(self, reference: str) -> None:
        answer = await self.world.http.post(
            f"{self.world.simulator.url}/shippo/{self.world.names.carrier}/refunds",
            json={"transaction": self.label(reference)},
            headers={"Authorization": f"ShippoToken shippo-test-{self.world.names.carrier}"},
        )
        assert answer.is_success, answer.text

    def number(self, reference: str) -> str:
        label = self.world.simulator.world.get(self.world.names.carrier, "transaction", self.label(reference))
        assert label
        return str(label["tracking_number"])


Doing = Callable[[Shop, str], Awaitable[None]]
DOING: Mapping[Act, Doing] = {
    Act.MORE: lambda shop, one: shop.edit(one, True, quantities={MUG: 3}),
    Act.FEWER: lambda shop, one: shop.edit(one, False, quantities={MUG: 1}),
    Act.ADDED: lambda shop, one: shop.edit(one, True, add=[{"sku": "TEE-M"}]),
    Act.REMOVED: lambda shop, one: shop.edit(one, False, quantities={POT: 0}),
    Act.MOVED: lambda shop, one: shop.edit(one, False, address={"zip": NEW_POSTCODE}),
    Act.REFUNDED: lambda shop, one: shop.ask(one, "payment", action="refund", amount="5.00"),
    Act.ALL_REFUNDED: lambda shop, one: shop.ask(one, "payment", action="refund"),
    Act.GIVEN_UP: lambda shop, one: given_up(shop, one),
    Act.CANCELLED: lambda shop, one: shop.ask(one, "cancel"),
    Act.SHIPPED: lambda shop, one: shop.ask(one, "fulfil", tracking_number="BYHAND1"),
    Act.OURS_SHIPPED: lambda shop, one: shop.ask(one, "fulfil", tracking_number=shop.number(one)),
    Act.CAPTURED: lambda shop, one: shop.ask(one, "payment", action="capture"),
    Act.PACKED: lambda shop, one: shop.move(one, "packed"),
    Act.UNASSIGNED: lambda shop, one: shop.unassign(one),
    Act.SHIPMENT_CANCELLED: lambda shop, one: shop.move(one, "cancelled"),
    Act.LABEL_REFUNDED: lambda shop, one: shop.refund_label(one),
}


async def given_up(shop: Shop, reference: str) -> None:
    await shop.ask(reference, "payment", action="refund")
    await shop.ask(reference, "edit", quantities={MUG: 0, POT: 0})


class Play:
    """Acts at one stage: an order in these parts for each of them, played all at once."""

    def __init__(
        self, world: Told, stage: Stage, acts: Sequence[Act] = tuple(Act), parts: Sequence[Part] = (Part.ALONE,)
    ) -> None:
        self.world = world
        self.shop = Shop(world)
        self.stage = stage
        self.parts = parts
        self.acts = [act for act in acts if stage in TABLES[parts[0]][act]]
        self.orders: dict[Act, str] = {}
        self.gate = asyncio.Semaphore(AT_ONCE_MAX)

    async def run(self) -> dict[Cell, Ended]:
        """What became of each part of each order."""
        for act in self.acts:
            self.orders[act] = await self.world.order(
                lines=[line for part in self.parts for line in LINES[part]],
                financial_status="AUTHORIZED" if act is Act.CAPTURED else "PAID",
                webhooks=False,
            )
        if self.stage is Stage.BEFORE:
            await self.each(self.act)
        elif self.stage is Stage.LABEL:
            await self.world.fault(self.world.names.carrier, "shipments.create", "down")
        elif self.stage is Stage.SHORT:
            await self.world.change(f"stock/{self.world.names.inventory}", {POT: 0})
        await self.each(self.start)
        for part in self.parts:
            await self.each(partial(self.reach, part))
        if self.stage is not Stage.BEFORE:
            await self.each(self.act)
            await self.told()
        await self.world.mended()
        if self.stage is Stage.SHORT:
            await self.world.change(f"stock/{self.world.names.inventory}", {POT: PLENTY})
        cells = [(act, part) for act in self.acts for part in self.parts]
        ended = await asyncio.gather(*(self.gated(act, self.end(act, part)) for act, part in cells))
        return {(act, self.stage, part): one for (act, part), one in zip(cells, ended, strict=True)}

    async def each(self, what: Callable[[Act], Awaitable[None]]) -> None:
        """The same for all of them."""
        await asyncio.gather(*(self.gated(act, what(act)) for act in self.acts))

    async def gated(self, act: Act, work: Awaitable[T]) -> T:
        """Not all at once."""
        async with self.gate:
            try:
                return await work
            except Exception as error:
                error.add_note(f"{act.name} at {self.stage.name}")
                raise

    def handle(self, act: Act, part: Part) -> Handle:
        """The process of a part."""
        return self.world.handle("order-to-shipment", self.orders[act] + part.suffix)

    async def start(self, act: Act) -> None:
        """The order's own process begins."""
        await self.world.start(self.orders[act])

    async def told(self) -> None:
        """Until the door has all that the shop tells of it: the warehouse does not work meanwhile."""
        deadline = time.monotonic() + SECONDS_MAX
        while pending := [
            one for one in await self.world.get(f"shops/{self.world.names.shop}/deliveries") if one["status"] != 200
        ]:
            assert time.monotonic() < deadline, pending
            await asyncio.sleep(0.05)

    async def act(self, act: Act) -> None:
        """Somebody does it."""
        await DOING[act](self.shop, self.orders[act])

    async def reach(self, part: Part, act: Act) -> None:
        """Bring a part of the order to the stage."""
        handle = self.handle(act, part)
        if self.stage is Stage.SHORT:
            await self.world.until(handle, lambda view: any(one.name.startswith("short-stock") for one in view.waits))
        elif self.stage is Stage.LABEL:
            await self.world.until(handle, lambda view: any(one.name.startswith("quote") for one in view.waits))
        elif self.stage in (Stage.PACKING, Stage.UNTOLD):
            await self.world.step(handle, "packed")
        elif self.stage is Stage.LEAVING:
            await self.world.step(handle, "packed")
            await self.shop.move(self.orders[act] + part.suffix, "packed")
            await self.world.step(handle, "handed-over")

    async def end(self, act: Act, part: Part) -> Ended:
        """Answer what is asked as the table says, do the warehouse's work, and see what came of it."""
        handle, reference, waited = self.handle(act, part), self.orders[act] + part.suffix, list[str]()
        told = TABLES[part][act][self.stage]
        while True:
            await self.heeded(handle)
            view = await self.world.until(handle, lambda view: view.outcome or view.waits or _idle(view))
            if view.outcome:
                break
            if view.waits and view.status is Status.WAITING:
                await self.answer(handle, view, told.wait, told.answer, waited)
            elif not view.waits:
                await self.work(reference, view.steps[-1].name)
        await handle.result()
        return self.seen(reference, view, waited)

    async def heeded(self, handle: Handle) -> None:
        """Until the process has heeded what it was told: it still looks as before while its wait is being ended."""
        deadline = time.monotonic() + SECONDS_MAX
        while True:
            now = (await handle.describe()).raw_description
            if not now.HasField("pending_workflow_task") and all(one.state != ENDING for one in now.pending_activities):
                return
            assert time.monotonic() < deadline, now
            await asyncio.sleep(0.05)

    async def answer(self, handle: Handle, view: View, wait: str, answer: str, waited: list[str]) -> None:
        one = view.waits[0]
        name = one.name.partition("#")[0]
        if name != wait:
            # Not asked for by the table: it may only be passing, until the customer has paid, or stock has come.
            assert name in ("fetch-order", "short-stock"), view.waits
            await self.world.until(handle, lambda view: one.name not in [wait.name for wait in view.waits])
            return
        waited.append(name)
        decision = {"action": answer} if answer == "cancel" else {"action": "choose", "choice": answer}
        await self.world.decide(handle, wait=one.name, **decision)
        await self.world.until(handle, lambda view: one.name not in [wait.name for wait in view.waits])

    async def work(self, reference: str, step: str) -> None:
        state = {"packed": "packed", "handed-over": "done"}[step]
        shipment = self.world.simulator.world.get(
            self.world.names.inventory, "stock.shipment.out", self.shop.shipment(reference)
        )
        assert shipment
        if shipment["state"] not in (state, "done", "cancelled"):
            await self.shop.move(reference, state)
        await asyncio.sleep(0.1)

    def seen(self, reference: str, view: View, waited: list[str]) -> Ended:
        outcome = view.outcome
        assert outcome
        simulated, names = self.world.simulator.world, self.world.names
        goods, postcodes = Counter[str](), set[str]()
        if outcome.result:
            records = Records(simulated, names.inventory, {})
            sale = records.known("sale.sale", int(outcome.result["sale_id"]))
            for line in records.find("sale.line", sale=sale["id"]):
                goods[str(records.known("product.product", line["product"])["code"])] += int(line["quantity"])
            label = simulated.get(names.carrier, "transaction", outcome.result["label_id"])
            assert label
            rate = simulated.get(names.carrier, "rate", label["rate"])
            assert rate
            address = records.known("party.address", sale["shipment_address"])
            postcodes = {str(rate["private"]["postcode"]), str(address["postal_code"])}
        effects = Counter(one["operation"] for one in simulated.effects(reference=reference))
        return Ended(outcome.kind.value, outcome.reason, view, waited, goods, postcodes, effects)


def _idle(view: View) -> bool:
    """Whether the process waits for the warehouse."""
    last = view.steps[-1] if view.steps else None
    return last is not None and last.name in ("packed", "handed-over") and last.state.value == "running"


@asynccontextmanager
async def watched_shops(state: Path) -> AsyncIterator[tuple[Told, Told]]:
    """A shop whose webhooks come and one that tells nothing, with warehouses that stand still and full shelves."""
    async with (
        embedded_temporal(state) as temporal,
        running(state / "world.db") as simulator,
        httpx.AsyncClient(timeout=30, limits=NONE_KEPT) as http,
    ):
        client = await Client.connect(temporal.address, data_converter=pydantic_data_converter)
        told = Told(simulator, client, http, payment_mode="ours")
        names = Names(shop="shop-quiet", inventory="erp-quiet", carrier="shippo-quiet", mail="mail-quiet")
        quiet = Told(simulator, client, http, names, workflows=False, payment_mode="ours")
        await told.change("settings", {**MOVES_AFTER, "autopilot": False, "refund_after_seconds": 0.2})
        async with door(told, temporal.address, state) as address, told.working(), quiet.working():
            await told.listen(address)
            for topic in ("orders/updated", "refunds/create", "fulfillments/create"):
                url = f"{address}/webhooks/{told.names.shop}"
                await told.post(f"shops/{told.names.shop}/subscriptions", {"topic": topic, "url": url})
            await told.change(f"stock/{told.names.inventory}", dict.fromkeys((MUG, POT, LAMP), PLENTY))
            yield told, quiet


def check(cell: Cell, seen: Ended) -> None:
    """What came of it is what the table says."""
    act, stage, part = cell
    told = TABLES[part][act][stage]
    assert seen.waited == ([told.wait] if told.wait else [])
    if told.goods is Goods.NONE:
        # A cancellation's webhook may come when the process has just begun, and stops it before it has looked.
        assert seen.kind in (("ignored", "undone") if stage is Stage.BEFORE else ("undone",))
        assert stage is not Stage.BEFORE or not {"reserve", "buy-label"} & seen.effects.keys()
        return
    assert seen.kind == "completed"
    planned = OTHER if part is Part.SECOND else PLANNED
    anew = told.goods is Goods.NEW
    assert seen.goods == (NEW.get(act, planned) if anew and part is not Part.SECOND else planned)
    assert seen.postcodes == {NEW_POSTCODE if anew and act is Act.MOVED else POSTCODE}
    assert seen.effects["buy-label"] - seen.effects["request-refund"] == 1
    assert seen.effects["reserve"] - seen.effects["release"] == 1
