"""A shop, its warehouse and its carrier in memory: what becomes of goods that have left is played in it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.carrier import Carrier, CarrierSystem
from activities.inventory import Inventory, InventorySystem
from activities.mail import Mail
from activities.shop import Shop, ShopSystem
from seamline import catalog
from seamline.errors import Problem, Refusal
from seamline.process import attributes
from seamline.process.start import workflow_id
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
from seamline.records.payment import Transaction, TransactionKind, TransactionState
from seamline.records.policy import Policy
from seamline.records.remedy import Goods, GoodsWorth, KnownRefund, RefundPart, RetrackRequest
from seamline.records.returning import CustomerReturn, Receipt, ReceiptRequest, ReturnedLine, ReturnState
from seamline.records.shipping import Fulfilment
from seamline.records.stock import Reservation, ShipmentState, StockRequest
from seamline.records.system import Repeat
from seamline.records.undo import Undone, UndoState
from tests.process.theatre import QUICK, Handle, Watching, sandbox
from tests.workflows.letterbox import Letterbox
from tests.workflows.scripted import Scripted
from worker.connections import activities_of

MUG, LAMP = "901", "902"
LOST = ParcelNumber(carrier="evri", number="H-1")
ADDRESS = Address(name="Jo Fielding", street1="12 Mill Lane", city="Cambridge", postcode="CB2 1RX", country="GB")


def gbp(amount: str | int) -> Money:
    """An amount."""
    return Money(amount=Decimal(amount), currency="GBP")


class PaperShop(Scripted):
    """The part of `activities.shop.ShopSystem` that goods need which have left: one order of two mugs and a lamp."""

    role = "shop"
    repeats: Mapping[str, Repeat] = {"refund_goods": Repeat.LOOK_UP, "retrack": Repeat.LOOK_UP}

    def __init__(self) -> None:
        super().__init__()
        self.quantities = {MUG: 2, LAMP: 1}
        self.prices = {MUG: gbp(10), LAMP: gbp(80)}
        self.refunds: list[KnownRefund] = []
        self.numbers = [LOST.number]
        self.slow = False
        self.coming_back = {MUG: 1}
        self.return_state = ReturnState.OPEN
        self.ordered = datetime.now(UTC)
        self.sent_from: tuple[str, ...] = ("Main",)
        self.address: Address | None = ADDRESS

    async def fetch_order(self, reference: str) -> Order:
        await self.called("fetch_order")
        lines = tuple(
            OrderLine(id=id_, sku=f"SKU-{id_}", title=f"Thing {id_}", quantity=count, unit_price=self.prices[id_])
            for id_, count in self.quantities.items()
        )
        zero, goods = gbp(0), Money.total((one.unit_price * one.quantity for one in lines), "GBP")
        return Order(
            reference=reference,
            number="#5001",
            created_at=self.ordered,
            currency="GBP",
            payment=Payment.PAID,
            lines=lines,
            fulfilment_orders=(FulfilmentOrder(id="77", location="Main", open=False),),
            totals=Totals(
                lines=goods,
                shipping=zero,
                duties=zero,
                tips=zero,
                discounts=zero,
                taxes=zero,
                taxes_included=True,
                rounding=zero,
                total=goods,
            ),
            address=self.address,
            email="jo@example.com",
            service="standard",
        )

    async def find_transactions(self, reference: str) -> Sequence[Transaction]:
        await self.called("find_transactions")
        paid = Transaction(id="t1", kind=TransactionKind.SALE, state=TransactionState.DONE, amount=gbp(105))
        back = [
            Transaction(id=one.id, kind=TransactionKind.REFUND, state=one.state, amount=one.amount, parent_id="t1")
            for one in self.refunds
        ]
        return [paid, *back]

    async def worth_of(self, reference: str, goods: Goods) -> GoodsWorth:
        await self.called("worth_of")
        worth = Money.total((self.prices[one.order_line_id] * one.quantity for one in goods.lines), "GBP")
        return GoodsWorth(amount=worth + gbp(5) if goods.shipping else worth)

    async def find_refunds(self, reference: str) -> Sequence[KnownRefund]:
        await self.called("find_refunds")
        return list(self.refunds)

    async def refund_goods(
        self, reference: str, key: str, native_key: str, goods: Goods, parts: Sequence[RefundPart]
    ) -> KnownRefund:
        await self.called("refund_goods")
        made = self.give_back(Money.total((one.amount for one in parts), "GBP"), goods, key)
        self.did("refund-payment", key, "refund_goods")
        return made

    async def find_tracked(self, request: RetrackRequest) -> Sequence[Fulfilment]:
        await self.called("find_tracked")
        return [Fulfilment(id="f1", tracking_number=one) for one in self.numbers]

    async def retrack(self, request: RetrackRequest, fulfilment: Fulfilment) -> Fulfilment:
        await self.called("retrack")
        self.numbers[self.numbers.index(request.lost_number)] = request.tracking_number
        self.did("retrack", request.tracking_number, "retrack")
        return Fulfilment(id=fulfilment.id, tracking_number=request.tracking_number)

    async def fetch_return(self, reference: str) -> CustomerReturn:
        await self.called("fetch_return")
        lines = tuple(
            ReturnedLine(order_line_id=id_, sku=f"SKU-{id_}", title=f"Thing {id_}", quantity=count, reason="unwanted")
            for id_, count in self.coming_back.items()
        )
        return CustomerReturn(
            id="9001",
            number="#5001-R1",
            order_reference=reference.partition("-R")[0],
            state=self.return_state,
            opened_at=datetime.now(UTC),
            lines=lines,
            sent_from=self.sent_from,
        )

    async def approve_return(self, return_id: str) -> None:
        await self.called("approve_return")
        self.return_state = ReturnState.OPEN
        self.did("approve-return", return_id, "approve_return")

    async def decline_return(self, return_id: str, note: str) -> None:
        await self.called("decline_return")
        self.return_state = ReturnState.OVER
        self.did("decline-return", note, "decline_return")

    async def close_return(self, return_id: str) -> None:
        await self.called("close_return")
        self.return_state = ReturnState.CLOSED
        self.did("close-return", return_id, "close_return")

    def give_back(self, amount: Money, goods: Goods | None = None, key: str = "") -> KnownRefund:
        """Money goes back; without a key somebody did it by hand."""
        lines = goods.lines if goods else ()
        for one in lines:
            self.quantities[one.order_line_id] -= one.quantity
        state = TransactionState.PENDING if self.slow else TransactionState.DONE
        self.refunds.append(KnownRefund(id=self.next_id("refund"), key=key, lines=lines, amount=amount, state=state))
        return self.refunds[-1]


class PaperCarrier(Scripted):
    """The part of `activities.carrier.CarrierSystem` that is used for parcels sent again."""

    role = "carrier"
    repeats: Mapping[str, Repeat] = {"buy_label": Repeat.LOOK_UP}

    def __init__(self) -> None:
        super().__init__()
        self.words: dict[str, Tracking] = {}
        self.labels: list[Label] = []
        self.price = gbp(4)
        self.asked_for: list[ParcelRequest] = []

    async def check_address(self, address: Address) -> CheckedAddress:
        await self.called("check_address")
        return CheckedAddress(address=address)

    async def quote(self, key: str, request: ParcelRequest) -> Quote:
        await self.called("quote")
        self.asked_for.append(request)
        rate = Rate(id=self.next_id("rate"), carrier="evri", service="evri_next", price=self.price, days=2)
        return Quote(id="q", rates=(rate,))

    async def find_labels(self, reference: str, rate_ids: Sequence[str]) -> Sequence[Label]:
        await self.called("find_labels")
        return [one for one in self.labels if one.rate_id in rate_ids]

    async def buy_label(self, key: str, request: LabelRequest) -> Label:
        await self.called("buy_label")
        number = self.next_id("H-again")
        label = Label(
            id=self.next_id("label"),
            rate_id=request.rate.id,
            key=key,
            state=LabelState.BOUGHT,
            carrier="evri",
            tracking_number=number,
            label_page=f"https://labels.example/{number}",
            price=request.rate.price,
        )
        self.labels.append(label)
        self.did("buy-label", key, "buy_label")
        return label

    async def read_label(self, label: Label) -> Label:
        await self.called("read_label")
        return next(one for one in self.labels if one.id == label.id)

    async def refund_label(self, label: Label) -> Label:
        await self.called("refund_label")
        self.labels = [
            one.model_copy(update={"state": LabelState.REFUNDED}) if one.id == label.id else one for one in self.labels
        ]
        self.did("request-refund", label.key, "refund_label")
        return await self.read_label(label)

    async def track(self, parcel: ParcelNumber) -> Tracking:
        await self.called("track")
        return self.words.get(parcel.number, Tracking())

    def say(self, state: TrackingState, number: str = LOST.number, substate: str = "") -> None:
        """The carrier's word, now."""
        self.words[number] = Tracking(state=state, at=datetime.now(UTC), substate=substate, detail=f"it is {state}")


class PaperShelf(Scripted):
    """The part of `activities.inventory.InventorySystem` that is used for goods sent again: all there is, at once."""

    role = "inventory"
    repeats: Mapping[str, Repeat] = {"reserve": Repeat.LOOK_UP}

    def __init__(self) -> None:
        super().__init__()
        self.held: list[Reservation] = []
        self.stuck = False
        """Whether nobody packs."""
        self.receipts: list[tuple[Receipt, ReceiptRequest]] = []

    async def find_receipts(self, reference: str) -> Sequence[Receipt]:
        await self.called("find_receipts")
        return [one for one, _ in self.receipts]

    async def create_receipt(self, key: str, request: ReceiptRequest) -> Receipt:
        await self.called("create_receipt")
        self.receipts.append((Receipt(id=self.next_id("receipt"), key=key), request))
        self.did("receive-return", key, "create_receipt")
        return self.receipts[-1][0]

    async def finish_receipt(self, receipt: Receipt) -> Receipt:
        await self.called("finish_receipt")
        return receipt.model_copy(update={"done": True})

    async def find_reservations(self, reference: str) -> Sequence[Reservation]:
        await self.called("find_reservations")
        return [one for one in self.held if one.state is not ShipmentState.CANCELLED]

    async def create_reservation(self, key: str, request: StockRequest) -> Reservation:
        await self.called("create_reservation")
        state = ShipmentState.ASSIGNED if self.stuck else ShipmentState.DONE
        made = Reservation(id=self.next_id("sale"), key=key, shipment_id="s", state=state, lines=request.lines)
        self.held.append(made)
        self.did("reserve", key, "create_reservation")
        return made

    async def advance_reservation(self, reservation: Reservation) -> Reservation:
        await self.called("advance_reservation")
        return reservation

    async def cancel_reservation(self, reservation: Reservation) -> Undone:
        await self.called("cancel_reservation")
        self.held.remove(reservation)
        self.did("release", reservation.key, "cancel_reservation")
        return Undone(state=UndoState.UNDONE)

    async def read_reservation(self, reservation: Reservation) -> Reservation:
        await self.called("read_reservation")
        found = next((one for one in self.held if one.id == reservation.id), None)
        if found is None:
            raise Refusal("not-found", "gone", problems=[Problem(field="id", reason="is gone")])
        return found


class Dispatch(Watching):
    """One test's business, with connections of its own."""

    def __init__(self, env: WorkflowEnvironment) -> None:
        self.env = env
        self.client = env.client
        self.run = uuid.uuid4().hex[:8]
        self.queue = f"stories-{self.run}"
        self.shop, self.carrier, self.shelf, self.letterbox = PaperShop(), PaperCarrier(), PaperShelf(), Letterbox()
        self.begun: set[str] = set()

    @property
    def reference(self) -> str:
        """The order."""
        return f"shop-{self.run}:5001"

    @property
    def route(self) -> dict[str, str]:
        """Which connection fills which role."""
        return {role: f"{role}-{self.run}" for role in ("shop", "carrier", "inventory", "mail")}

    @property
    def lines(self) -> list[FulfilmentLine]:
        """What left in the parcel."""
        return [
            FulfilmentLine(id=f"p{id_}", order_line_id=id_, sku=f"SKU-{id_}", quantity=count)
            for id_, count in self.shop.quantities.items()
        ]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve every connection, and run all processes that there are."""
        served = {
            "shop": Shop(cast(ShopSystem, self.shop)),
            "carrier": Carrier(cast(CarrierSystem, self.carrier)),
            "inventory": Inventory(cast(InventorySystem, self.shelf)),
            "mail": Mail(self.letterbox),
        }
        async with AsyncExitStack() as running:
            for role, activities in served.items():
                await running.enter_async_context(self.serving(self.route[role], activities))
            stories = catalog.workflows()
            await running.enter_async_context(
                Worker(self.client, task_queue=self.queue, workflows=stories, workflow_runner=sandbox())
            )
            running.push_async_callback(self.close)
            yield

    def serving(self, connection: str, activities: Any) -> Worker:
        """A worker of one connection, to be entered."""
        return Worker(self.client, task_queue=connection, activities=activities_of(activities))

    async def close(self) -> None:
        """End what still runs: the server skips no time while anything on it waits for a worker that is gone."""
        for process in ("follow-parcel", "reship-order", "claim-parcel", "return-order"):
            for reference in (self.reference, f"{self.reference}.0.2", f"{self.reference}-R9001"):
                with suppress(RPCError):
                    await self.handed(process, reference).terminate()

    async def begin(self, process: str, reference: str = "", policy: Policy = QUICK, **fields: Any) -> Handle:
        """Start a process about the order, or another reference."""
        reference = reference or self.reference
        known = {"reference": reference, "route": self.route, "policy": policy.model_dump(mode="json")}
        start = {**known, **fields}
        return await self.client.start_workflow(
            process,
            start,
            id=workflow_id(process, reference),
            task_queue=self.queue,
            search_attributes=attributes.at_start(reference),
        )

    def handed(self, process: str, reference: str = "") -> Handle:
        """The process that another one handed on to."""
        return self.client.get_workflow_handle(workflow_id(process, reference or self.reference))

    async def happens(self, handle: Handle, kind: str) -> None:
        """Have a system tell the process something."""
        await handle.signal("happened", {"kind": kind, "topic": kind, "delivery_id": uuid.uuid4().hex})

    async def asked(self, handle: Handle, name: str) -> str:
        """The name of the wait once a question of this name is asked."""
        view = await self.until(handle, lambda view: any(one.name.startswith(f"{name}#") for one in view.waits))
        return next(one.name for one in view.waits if one.name.startswith(f"{name}#"))

    async def choose(self, handle: Handle, name: str, choice: str, **more: Any) -> None:
        """Answer the question once it is asked."""
        wait = await self.asked(handle, name)
        await self.decide(handle, wait=wait, action="choose", choice=choice, who="kim", why="so it is", **more)

    async def answer(self, handle: Handle, name: str, action: str) -> None:
        """Approve or reject once it is asked."""
        wait = await self.asked(handle, name)
        await self.decide(handle, wait=wait, action=action, who="fin", why="so it is")
