"""The control API of the simulated shop: what customers, staff and installers do there."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from seamline.simulator import shopify_money as money
from seamline.simulator import shopify_people as people
from seamline.simulator.shopify_account import set_up
from seamline.simulator.shopify_acts import SYSTEM, Acts, By, UserError, not_cancellable
from seamline.simulator.shopify_orders import (
    LINES_MAX,
    MAIN_LOCATION,
    AddressWanted,
    LineWanted,
    OrderWanted,
    make_order,
)
from seamline.simulator.shopify_returns import Returns
from seamline.simulator.shopify_stock import Shelf
from seamline.simulator.shopify_webhooks import Webhooks
from seamline.simulator.vendor import WorldError
from seamline.simulator.world import Body, World

DELIVERIES_MAX = 100
Topic = Annotated[str, Field(pattern=r"^[a-z_]{1,40}/[a-z_]{1,40}$")]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Subscribe(_Asked):
    """A topic, as `orders/paid`, and where its events go."""

    topic: Topic
    url: str = Field(pattern=r"^https?://\S+$", max_length=500)


class Redeliver(_Asked):
    """The same event `times` more times, `at_once` of them at the same moment."""

    topic: Topic = "orders/paid"
    times: int = Field(default=1, ge=1, le=DELIVERIES_MAX)
    at_once: int = Field(default=1, ge=1, le=DELIVERIES_MAX)


class Cancel(_Asked):
    """Why a person cancels an order in the shop's admin, and whether what was paid goes back."""

    reason: Literal["CUSTOMER", "DECLINED", "FRAUD", "INVENTORY", "STAFF", "OTHER"] = "CUSTOMER"
    refund: bool = False


class PaymentAct(_Asked):
    """What happens to an order's money by hand or by itself. Without `amount`, all that is possible.

    `capture`, `refund` and `void`: staff do it. `lapse`: the time of the authorisation is over. `pay`: the customer
    pays what is owed. `reject-refund`: the bank sends refunds that are pending back.
    """

    action: Literal["capture", "refund", "void", "lapse", "pay", "reject-refund"]
    amount: Decimal | None = Field(default=None, gt=0, max_digits=18, decimal_places=2)
    quantities: dict[str, Annotated[int, Field(gt=0, le=100_000)]] = Field(
        default={}, description="Of a refund: for which pieces, by SKU; none for money alone."
    )


class ReturnWanted(_Asked):
    """What a customer wants to return, by SKU, and why. `requested`: it waits to be approved; else staff opened it."""

    quantities: dict[str, Annotated[int, Field(gt=0, le=100_000)]] = Field(min_length=1)
    reason: Literal[
        "SIZE_TOO_SMALL", "SIZE_TOO_LARGE", "UNWANTED", "NOT_AS_DESCRIBED", "WRONG_ITEM", "DEFECTIVE", "OTHER"
    ] = "UNWANTED"
    note: str = Field(default="", max_length=255)
    requested: bool = False


class Edit(_Asked):
    """What staff change in an order: quantities by SKU, lines added, and fields of the address by Shopify's names."""

    quantities: dict[str, Annotated[int, Field(ge=0, le=100_000)]] = {}
    add: list[LineWanted] = Field(default=[], max_length=LINES_MAX)
    address: AddressWanted | None = None


class StockSet(_Asked):
    """What staff count on a location's shelves, by SKU."""

    quantities: dict[str, Annotated[int, Field(ge=0, le=1_000_000)]] = Field(min_length=1)
    location: str = Field(default=MAIN_LOCATION, max_length=100)


class Holding(_Asked):
    """Whether what is left of the order is put on hold, or what others hold is released and a pre-order opened."""

    held: bool


class FulfilledByHand(_Asked):
    """What staff fulfil by hand: all that is left, or these pieces by SKU, under this tracking number if any."""

    tracking_number: str = Field(default="", max_length=100)
    quantities: dict[str, Annotated[int, Field(gt=0, le=100_000)]] = {}


def control(world: World, webhooks: Webhooks) -> APIRouter:
    """The routes below `/_simulator`."""
    shop = APIRouter(prefix="/shops/{connection}")
    _orders(shop, world, webhooks)
    _deliveries(shop, world, webhooks)
    _shelves(shop, world)
    set_up(shop, world)
    routes = APIRouter()
    routes.include_router(shop)

    @routes.get("/authorizations")
    async def authorizations() -> list[Body]:
        return [_authorized(order) for name in _shops(world) for order in world.find(name, "order") if _kept(order)]

    @routes.get("/unsent")
    async def unsent() -> list[Body]:
        return [one for name in _shops(world) for one in people.unsent(world, name)]

    @routes.get("/reachable")
    async def reachable() -> list[str]:
        return [f"{name}:{one['id']}" for name in _shops(world) for one in world.find(name, "order") if one["email"]]

    @routes.get("/undeclared")
    async def undeclared() -> list[Body]:
        return [one for name in _shops(world) for one in people.undeclared(world, name)]

    return routes


def _orders(routes: APIRouter, world: World, webhooks: Webhooks) -> None:
    @routes.post("/orders", status_code=201)
    async def order(connection: str, wanted: OrderWanted) -> dict[str, str]:
        world.connect(connection, SYSTEM)
        with world.transaction():
            try:
                made = make_order(world, connection, wanted)
            except ValueError as error:
                raise WorldError(str(error), 409) from None
            if wanted.webhooks:
                webhooks.order_event("orders/create", made)
            if wanted.webhooks and money.financial_status(made) == "PAID":
                webhooks.order_event("orders/paid", made)
        return _named(made)

    @routes.post("/orders/{order_id}/cancel")
    async def cancel(connection: str, order_id: str, wanted: Cancel) -> dict[str, str]:
        made = _order(world, connection, order_id)
        if problem := not_cancellable(world, made):
            raise WorldError(problem, 409)
        with world.transaction():
            acts = Acts(world, connection, webhooks)
            acts.cancel(made, reason=wanted.reason, staff_note=None, refund=wanted.refund, by=By.STAFF)
        return _named(made)

    @routes.post("/orders/{order_id}/payment")
    async def payment(connection: str, order_id: str, wanted: PaymentAct) -> dict[str, str]:
        made = _order(world, connection, order_id)
        try:
            with world.transaction():
                _pay(Acts(world, connection, webhooks), made, wanted)
        except UserError as error:
            raise WorldError(f"{wanted.action}: {error}", 409) from None
        return _named(made) | {"financial_status": money.financial_status(_order(world, connection, order_id))}

    @routes.post("/orders/{order_id}/returns", status_code=201)
    async def returned(connection: str, order_id: str, wanted: ReturnWanted) -> dict[str, str]:
        made = _order(world, connection, order_id)
        returns = Returns(world, connection, webhooks)
        status = "REQUESTED" if wanted.requested else "OPEN"
        try:
            with world.transaction():
                one = returns.make(made, wanted.quantities, reason=wanted.reason, note=wanted.note, status=status)
        except UserError as error:
            raise WorldError(f"quantities: {error}", 409) from None
        return {"id": one["id"], "name": one["name"], "reference": returns.reference_of(one)}

    @routes.post("/orders/{order_id}/edit")
    async def edit(connection: str, order_id: str, wanted: Edit) -> dict[str, str]:
        made = _order(world, connection, order_id)
        if unknown := wanted.quantities.keys() - {line["sku"] for line in made["lines"]}:
            raise WorldError(f"quantities: the order has no {', '.join(sorted(unknown))}")
        address = wanted.address.model_dump(exclude_unset=True) if wanted.address else {}
        with world.transaction():
            people.edit(Acts(world, connection, webhooks), made, wanted.quantities, wanted.add, address)
        return _named(made)

    @routes.post("/orders/{order_id}/fulfil")
    async def fulfil(connection: str, order_id: str, wanted: FulfilledByHand) -> dict[str, str]:
        made = _order(world, connection, order_id)
        tracking = {"number": wanted.tracking_number} if wanted.tracking_number else {}
        with world.transaction():
            if not people.fulfil(Acts(world, connection, webhooks), made, tracking, wanted.quantities):
                raise WorldError("fulfil: nothing of it is left to fulfil", 409)
        return _named(made)

    @routes.post("/orders/{order_id}/holds")
    async def hold(connection: str, order_id: str, wanted: Holding) -> dict[str, str]:
        made = _order(world, connection, order_id)
        act = people.hold if wanted.held else people.release
        with world.transaction():
            if not act(Acts(world, connection, webhooks), made):
                raise WorldError(f"held: nothing of it can be {'held' if wanted.held else 'released'}", 409)
        return _named(made)

    @routes.post("/orders/{order_id}/returns/{return_id}/cancel")
    async def cancel_return(connection: str, order_id: str, return_id: str) -> dict[str, str]:
        returns = Returns(world, connection, webhooks)
        found = next((one for one in returns.of(order_id) if one["id"] == return_id), None)
        if found is None or found["status"] not in ("REQUESTED", "OPEN"):
            raise WorldError("return: there is none that can be cancelled", 409)
        with world.transaction():
            returns.set_status(found, "CANCELED")
        return {"id": return_id, "reference": returns.reference_of(found)}


def _deliveries(routes: APIRouter, world: World, webhooks: Webhooks) -> None:
    @routes.post("/orders/{order_id}/deliveries")
    async def deliveries(connection: str, order_id: str, wanted: Redeliver) -> dict[str, list[int]]:
        made = _order(world, connection, order_id)
        at_once = min(wanted.at_once, wanted.times)
        return {"statuses": await webhooks.redeliver(made, wanted.topic, times=wanted.times, at_once=at_once)}

    @routes.get("/deliveries")
    async def delivered(connection: str) -> list[Body]:
        return webhooks.deliveries(connection)

    @routes.post("/subscriptions", status_code=201)
    async def subscription(connection: str, wanted: Subscribe) -> dict[str, str]:
        world.connect(connection, SYSTEM)
        made = webhooks.subscribe(connection, wanted.topic, wanted.url)
        return {"id": made["id"], "topic": made["topic"], "url": made["url"]}


def _shelves(routes: APIRouter, world: World) -> None:
    @routes.get("/stock")
    async def stock(connection: str) -> list[Body]:
        return Shelf(world, connection).all_levels()

    @routes.put("/stock")
    async def count(connection: str, wanted: StockSet) -> list[Body]:
        world.connect(connection, SYSTEM)
        shelf = Shelf(world, connection)
        shelf.items()
        with world.transaction():
            for sku, pieces in wanted.quantities.items():
                shelf.set(shelf.level(sku, wanted.location), pieces)
        return shelf.all_levels()


def _pay(acts: Acts, order: Body, wanted: PaymentAct) -> None:
    if wanted.action == "lapse":
        acts.lapse(order)
    elif wanted.action == "pay":
        acts.pay(order)
    elif wanted.action == "reject-refund":
        for one in order["transactions"]:
            if (one["kind"], one["status"]) == ("REFUND", "PENDING"):
                acts.settle_refund(f"{order['id']}/{one['id']}", rejected=True)
    elif wanted.action == "capture":
        one, left = _first(order, money.capturable, "there is nothing to capture")
        acts.capture(order, one, wanted.amount or left, By.STAFF)
    elif wanted.action == "refund":
        one, left = _first(order, money.refundable, "there is nothing to refund")
        acts.refund(order, [(one, wanted.amount or left)], By.STAFF, lines=_lines(order, wanted.quantities))
    else:
        _first(order, money.capturable, "there is nothing to void")
        acts.void(order)


def _first(order: Body, left_of: money.Left, problem: str) -> tuple[Body, Decimal]:
    """The first transaction of which something is left, and what."""
    for one in order["transactions"]:
        if left := left_of(order, one):
            return one, left
    raise UserError(problem)


def _lines(order: Body, quantities: Mapping[str, int]) -> dict[str, int]:
    """Pieces by the line's id."""
    known = {line["sku"]: line["id"] for line in order["lines"]}
    if unknown := quantities.keys() - known.keys():
        raise UserError(f"the order has no {', '.join(sorted(unknown))}")
    return {known[sku]: count for sku, count in quantities.items()}


def _shops(world: World) -> list[str]:
    return [name for name, system in world.connections().items() if system == SYSTEM]


def _kept(order: Body) -> list[Body]:
    return [one for one in order["transactions"] if one["kind"] == "AUTHORIZATION"]


def _authorized(order: Body) -> Body:
    """What a customer let be kept for an order, and every total that the order has had."""
    return {
        "reference": f"{order['connection']}:{order['id']}",
        "amount": str(sum(Decimal(one["amount"]) for one in _kept(order))),
        "sold": str(sum(Decimal(one["amount"]) for one in order["transactions"] if one["kind"] == "SALE")),
        "currency": order["currency"],
        "totals": order["totals"],
    }


def _named(order: Body) -> dict[str, str]:
    return {"id": order["id"], "reference": f"{order['connection']}:{order['id']}"}


def _order(world: World, connection: str, order_id: str) -> Body:
    made = world.get(connection, "order", order_id)
    if made is None:
        raise WorldError(f"order {order_id} is not in {connection}", 404)
    return made
