"""The story of an order as one would write it by hand: the steps of order-to-shipment on its way without trouble.

It is written once for all engines; `do` is how an engine carries out a step. The requests are the product's, so that
every contender sends the vendors the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from activities import carrier, inventory, mail, shop
from activities.shop import OrderRequest
from seamline.process.effect import Call, Effect, Operation, Req, Res
from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.followed import ParcelNews, ParcelWatch
from seamline.records.parcel import LabelRequest, ParcelNumber
from seamline.records.policy import Policy
from seamline.records.reference import effect_key
from seamline.records.shipping_plan import (
    Plan,
    Shipment,
    fulfilment_request,
    parcel_requests,
    shipment,
    shipped_mail,
    stock_request,
)

POLICY = Policy()
OPERATIONS = (
    shop.fetch_order,
    carrier.check_address,
    inventory.reserve,
    carrier.quote,
    carrier.buy_label,
    inventory.packed,
    shop.capture,
    inventory.handed_over,
    shop.post_fulfilment,
    mail.send_shipped,
    carrier.moved,
)
"""All that the two stories do."""


class Do(Protocol):
    """How an engine carries out a step."""

    async def __call__(self, operation: Operation[Req, Res], call: Call[Req]) -> Res: ...


Follow = Callable[[str, ParcelNumber], Awaitable[object]]
"""How an engine starts the story of a parcel, which lives on by itself."""


async def ship(reference: str, do: Do, follow: Follow) -> Shipment:
    """Take an order to a parcel in the carrier's hands."""

    async def step(operation: Operation[Req, Res], request: Req) -> Res:
        return await do(operation, _call(reference, operation, request))

    order = await step(shop.fetch_order, OrderRequest())
    plan = Plan(order=order, found=order)
    given = order.address or Address()
    checked = await step(carrier.check_address, given)
    address = checked.address.model_copy(update={"email": given.email, "phone": given.phone})
    stock = await step(inventory.reserve, stock_request(plan, address))
    (parcel,) = parcel_requests(plan, address, stock, POLICY, early=True)
    rate = POLICY.cheapest_rate(order.service, await step(carrier.quote, parcel))
    label = await step(carrier.buy_label, LabelRequest(parcel=parcel, rate=rate))
    stock = await step(inventory.packed, stock)
    order = await step(shop.fetch_order, OrderRequest())
    if due := order.capture_due:
        await step(shop.capture, due)
    stock = await step(inventory.handed_over, stock)
    await step(shop.post_fulfilment, fulfilment_request(plan, [label]))
    sent = await step(mail.send_shipped, shipped_mail(plan, address.name, [label]))
    await follow(reference, ParcelNumber(carrier=label.carrier, number=label.tracking_number))
    return shipment(stock, [label], sent.message_id)


async def arrive(reference: str, parcel: ParcelNumber, since: datetime, do: Do) -> ParcelNews:
    """Follow a parcel until it arrived."""
    watch = ParcelWatch(parcel=parcel, since=since, silent_days=POLICY.aftersales.silent_days, known=None)
    return await do(carrier.moved, _call(reference, carrier.moved, watch))


def _call(reference: str, operation: Operation[Req, Res], request: Record) -> Call[Req]:
    key = effect_key(reference, operation.purpose) if isinstance(operation, Effect) else ""
    return Call[operation.request_type](reference=reference, key=key, request=request)  # type: ignore[name-defined]
