"""An order's activities called one after the other, as its story has them: thousands of orders in seconds.

The engine is left out, and with it what the story waits for; the same worlds are played on Temporal too.
"""

from __future__ import annotations

from typing import Any, cast

from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import carrier, inventory, mail, shop
from seamline.errors import Failure
from seamline.process.effect import Call, Effect, Operation
from seamline.records.base import Record
from seamline.records.order import Order, Payment
from seamline.records.order_rules import not_ours
from seamline.records.parcel import LabelRequest
from seamline.records.payment import CaptureRequest, PaymentMode
from seamline.records.policy import Policy
from seamline.records.reference import effect_key
from seamline.records.shipping_plan import (
    Plan,
    fulfilment_request,
    parcel_requests,
    shipped_mail,
    stock_request,
)
from seamline.records.take_over import once_reserved, only_owes, taken_over
from tests.workflows.half_done import Depot, Warehouse, World


class Straight:
    """One order's way through the roles."""

    def __init__(self, world: World, reference: str, policy: Policy) -> None:
        self.reference = reference
        self.policy = policy
        self.taken_over: Any = None
        self.roles: dict[str, Any] = {
            "shop": shop.Shop(cast(Any, world)),
            "inventory": inventory.Inventory(cast(Any, Warehouse(world))),
            "carrier": carrier.Carrier(cast(Any, Depot(world))),
            "mail": mail.Mail(cast(Any, world)),
        }

    async def run(self) -> Failure | str:
        """How it ended: `completed`, `paid`, `ignored`, or the failure that a person would be asked about."""
        try:
            return await self._ship()
        except ApplicationError as error:
            return Failure.model_validate(error.details[0])

    async def do(self, operation: Operation[Any, Any], request: Record) -> Any:
        """The activity, called as the engine calls it the first time."""
        key = effect_key(self.reference, operation.purpose) if isinstance(operation, Effect) else ""
        call = Call[Any](reference=self.reference, key=key, request=request, taken_over=self.taken_over)
        method = operation.method.__get__(self.roles[operation.role])  # type: ignore[attr-defined]
        return await ActivityEnvironment().run(method, call)

    async def _ship(self) -> str:
        order: Order = await self.do(shop.fetch_order, shop.OrderRequest())
        if only_owes(order, self.policy):
            await self._collect(order)
            return "paid"
        if not_ours(order, self.policy):
            return "ignored"
        self.taken_over = taken_over(order, self.policy)
        plan = Plan(order=order, found=order)
        assert order.address
        stock = await self.do(inventory.reserve, stock_request(plan, order.address))
        self.taken_over = once_reserved(self.taken_over, stock)
        (parcel,) = parcel_requests(plan, order.address, stock, self.policy, early=True)
        quote = await self.do(carrier.quote, parcel)
        rate = self.policy.cheapest_rate(order.service, quote)
        label = await self.do(carrier.buy_label, LabelRequest(parcel=parcel, rate=rate))
        await self._collect(await self.do(shop.fetch_order, shop.OrderRequest()))
        await self.do(shop.post_fulfilment, fulfilment_request(plan, [label]))
        await self.do(mail.send_shipped, shipped_mail(plan, order.address.name, [label]))
        return "completed"

    async def _collect(self, order: Order) -> None:
        if order.payment_mode is PaymentMode.OURS and order.payment is Payment.AUTHORIZED and order.authorization:
            request = CaptureRequest(authorization_id=order.authorization.id, amount=order.to_collect)
            await self.do(shop.capture, request)
