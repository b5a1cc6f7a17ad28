"""Stock for what is to be shipped, and what people choose where some of it is short."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from temporalio import workflow

from activities import inventory, shop
from activities.shop import OrderRequest
from seamline.process.asking import Answer, Choice, Question
from seamline.process.taking_back import Stopped
from seamline.records.address import Address
from seamline.records.event import EventKind
from seamline.records.order import Order
from seamline.records.shipping_plan import Plan, stock_request
from seamline.records.shortage import (
    CancelGoodsRequest,
    Shortage,
    Substitute,
    Substitutes,
    missing_lines,
    some_is_there,
    split_request,
    substitution_note,
)
from seamline.records.stock import Reservation, RestockRequest
from workflows.parting import Parting

SHIP_AVAILABLE = Choice("ship-available", "Send what is there; the rest is back-ordered and sent apart")
WAIT = Choice("wait", "Wait until all of it is there; it goes on by itself")
SUBSTITUTE = Choice("substitute", "Send other articles in place: write over their SKU, lines.0.sku=OTHER-SKU")
CANCEL_LINES = Choice("cancel-lines", "Take what is not there off the order, and give its money back")

NEWS = (EventKind.ORDER_EDITED, EventKind.ORDER_REFUNDED, EventKind.ORDER_FULFILLED, EventKind.LABEL_REFUNDED)
"""What may change a plan under way."""
GONE = ("not-reserved",)
"""What the inventory says of stock that is waited for once people cancelled its shipment."""
SHORT_CHANGES = "short-changes"
"""The change since which an order that is edited while its stock is short is planned anew: earlier runs wait on."""
RESERVES_FIRST = "reserves-before-the-rest"
"""The change since which what is there is reserved before the rest is sent apart: the rest took it in earlier runs."""
WAITS_ON = "waits-on"
"""The change since which stock is waited for on when what is told changes no goods: earlier runs ask people anew."""
OTHERS = (WAIT, SUBSTITUTE, CANCEL_LINES)


class Reserving(Parting):
    """A process that reserves stock."""

    def __init__(self) -> None:
        super().__init__()
        self.known = 0
        """How much had been told of the order and its label when they were last looked at."""
        self.cancelled = 0
        """How often lines were cancelled."""
        self.split = 0
        """How often lines were split off."""
        self.split_off = ""
        """The fulfilment order that was split off this one, and is sent apart once this one has its stock."""
        self.whole: Order | None = None
        """The whole order since then."""
        self.backordered = False
        """Whether it is known that the goods are not there: they are waited for before anybody is asked."""

    async def checked_address(self, plan: Plan) -> Address:
        """The address as the carrier prints it."""
        raise NotImplementedError

    async def changed_meanwhile(self, plan: Plan, stock: Reservation) -> tuple[Plan, bool]:
        """The plan for what the systems have now, while its stock is waited for; whether people gave that back."""
        raise NotImplementedError

    async def reserved(self, plan: Plan, address: Address) -> tuple[Plan, Address, Reservation]:
        """Stock for all of the plan. Where some is short it is what people made of it; stock that comes ends that."""
        stock = await self.do(inventory.reserve, stock_request(plan, address))
        try:
            while stock.short:
                before, plan = plan, await self.mended(plan, stock)
                if plan.order.address != before.order.address:
                    address = await self.checked_address(plan)
                stock = await self.do(inventory.reserve, stock_request(plan, address))
                await self.ship_rest()
        except Stopped:
            if self.split_off:
                rest = f"fulfilment order {self.split_off} was split off, and no process sends it"
                self.manual.append(f"{rest}: start the order again, or cancel it in the shop")
            raise
        return plan, address, stock

    async def mended(self, plan: Plan, stock: Reservation) -> Plan:
        """What is to be shipped now, by what people chose; the same once stock has come."""
        if self.backordered:
            self.backordered = False
            return await self.wait_for_stock(plan, stock)
        question, request = short_stock(plan, stock, workflow.now()), RestockRequest(reservation=stock)
        news = NEWS if workflow.patched(SHORT_CHANGES) else ()
        answer = None
        while answer is None:
            answer = await self.ask_or_until(question, inventory.restocked, request, unless=news, since=self.known)
            if answer is None:
                plan, waits_on = await self.looked_at_short(plan, stock)
                if not waits_on:
                    return plan
        if isinstance(answer, Reservation):
            return plan
        return await self.remedies[answer.choice](plan, stock, answer)

    async def looked_at_short(self, plan: Plan, stock: Reservation) -> tuple[Plan, bool]:
        """The plan after something was told of the order, and whether it is the same stock that is waited for."""
        now, gone = await self.changed_meanwhile(plan, stock)
        wanted, before = (stock_request(one, one.order.address or Address()) for one in (now, plan))
        return now, not gone and wanted.same(before) and workflow.patched(WAITS_ON)

    @property
    def remedies(self) -> Mapping[str, Callable[[Plan, Reservation, Answer], Awaitable[Plan]]]:
        """What each choice does."""
        return {
            SHIP_AVAILABLE.name: self.ship_available,
            WAIT.name: self.wait_for_stock,
            SUBSTITUTE.name: self.substitute,
            CANCEL_LINES.name: self.cancel_lines,
        }

    async def ship_available(self, plan: Plan, stock: Reservation, _: Answer) -> Plan:
        """What is not there becomes a fulfilment order of its own in the shop, which a process of its own waits for."""
        self.split += 1
        request = split_request(plan.order, plan.part, plan.ordered(stock.short))
        self.split_off = (await self.do(shop.split, request, number=self.split)).id
        self.whole = order = await self.do(shop.fetch_order, OrderRequest())
        if not workflow.patched(RESERVES_FIRST):
            await self.ship_rest()
        return plan.anew(self.mine(order)).model_copy(update={"partial": True})

    async def ship_rest(self) -> None:
        """Have what was split off sent apart. It waits for stock too, and would take what is there for this one."""
        if self.whole and self.split_off:
            await self.ship_apart(self.whole, self.split_off, backordered=True)
            self.split_off = ""

    async def wait_for_stock(self, plan: Plan, stock: Reservation, _: Answer | None = None) -> Plan:
        """Nothing changes but that stock comes; after `restock_hours` people are asked again."""
        until = workflow.now() + timedelta(hours=self.policy.restock_hours)
        request = RestockRequest(reservation=stock, until=until)
        waits_on = True
        while waits_on:
            told = await self.until(inventory.restocked, request, unless=NEWS, since=self.known, refused=GONE)
            if told:
                return plan
            plan, waits_on = await self.looked_at_short(plan, stock)
        return plan

    async def cancel_lines(self, plan: Plan, stock: Reservation, _: Answer) -> Plan:
        """What is not there comes off the order in the shop, and its money goes back; with nothing left it is over."""
        self.cancelled += 1
        missing = missing_lines(plan.part, plan.ordered(stock.short))
        request = CancelGoodsRequest(fulfilment_order_id=plan.part.id, lines=missing)
        await self.do(shop.cancel_goods, request, number=self.cancelled)
        return await self.anew(plan)

    async def anew(self, plan: Plan) -> Plan:
        """The plan of what the shop has now. Raises Stopped when that is nothing, unless the goods have left."""
        order = await self.do(shop.fetch_order, OrderRequest())
        if not plan.part_in(order).lines:
            await self.stop("what was left to ship was cancelled in the shop")
            # The goods left meanwhile, as they were planned: the shop has nothing left to name for them.
            self.manual.append("the goods left while they were cancelled in the shop: settle it with the customer")
            return plan.seen(self.mine(order))
        return plan.anew(self.mine(order))

    async def substitute(self, plan: Plan, stock: Reservation, answer: Answer) -> Plan:
        """Other articles in place of some. The shop's order keeps its lines, so people there are told by its note."""
        shortage = Shortage(lines=stock.short)
        chosen = shortage.substitutes(answer.amended) if isinstance(answer.amended, Shortage) else {}
        if not chosen:
            self.note("substitute was chosen without saying what to send: write over an SKU, lines.0.sku=OTHER-SKU")
            return plan
        goods = await self.declarable(plan, chosen)
        if goods is None:
            return plan
        await self.do(shop.add_note, substitution_note(chosen))
        return plan.substituted(chosen, goods)

    async def declarable(self, plan: Plan, chosen: Mapping[str, str]) -> tuple[Substitute, ...] | None:
        """What customs are told of these articles, asked for where it is missing; None when nobody tells it."""
        goods = plan.known_of(chosen)
        while lacking := plan.substituted(chosen, goods).undeclared(goods, self.policy):
            told = "; ".join(f"{one.field} {one.reason}" for one in lacking)
            about = Substitutes(goods=goods)
            answer = await self.ask(
                Question("declare-substitute", "Declare what is sent in its place", told, about=about, amendable=True)
            )
            if not isinstance(answer.amended, Substitutes):
                self.note("nothing was said to customs of what would be sent in its place, so it is not sent")
                return None
            goods = answer.amended.goods
        return goods


def short_stock(plan: Plan, stock: Reservation, asked: datetime) -> Question:
    """What is to become of goods that are short."""
    shortage = Shortage(lines=stock.short)
    some = some_is_there(plan.part, plan.ordered(stock.short))
    return Question(
        "short-stock",
        "Decide on goods that are short",
        shortage.told,
        about=shortage,
        choices=(SHIP_AVAILABLE, *OTHERS) if some else OTHERS,
        asked=asked,
    )
