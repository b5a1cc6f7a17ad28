"""What people do by hand to a simulated order and its goods: edit it, add to it, fulfil it, hold it.

The ledger names a fulfilment that they post `post-fulfilment-by-hand`: it is none of ours; likewise `hold-by-hand` and
`release-by-hand`, which is also that a pre-order is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from seamline.simulator.shopify_acts import SYSTEM, Acts, By
from seamline.simulator.shopify_aftersales import tracking_of
from seamline.simulator.shopify_orders import (
    LineWanted,
    edited_money,
    fulfilment_orders,
    fulfilments,
    gid,
    make_line,
    object_id,
    time_text,
    touch,
)
from seamline.simulator.world import Body, World

_FULFILLABLE = ("OPEN", "IN_PROGRESS")
_HELD = ("ON_HOLD", "SCHEDULED")


def edit(
    acts: Acts,
    order: Body,
    quantities: Mapping[str, int],
    added: Sequence[LineWanted],
    address: Mapping[str, str | None],
) -> None:
    """Staff set lines' quantities, by SKU, add lines, and set fields of the address; nothing is refunded by it."""
    world, connection = acts.world, acts.connection
    before = [one | {"current_quantity": quantities.get(one["sku"], one["current_quantity"])} for one in order["lines"]]
    lines = [*before, *(make_line(world, connection, one) for one in added)]
    money = edited_money(order, lines)
    _set_left(acts, order, lines)
    where = order["address"] | dict(address) if order["address"] else (dict(address) or None)
    changed = {"lines": lines, "money": money, "address": where, "totals": [*order["totals"], money["total"]]}
    order = touch(world, connection, order | changed)
    if quantities or added:
        told = {"id": int(object_id(world, connection)), "order_id": int(order["id"])}
        edited = {"order_edit": told | {"committed_at": order["updated_at"]}}
        acts.webhooks.order_event("orders/edited", order, edited)
    acts.webhooks.order_event("orders/updated", order)


def _set_left(acts: Acts, order: Body, lines: Sequence[Body]) -> None:
    """Bring what is left to ship up to date: less at once, more and what is new in the first part that is open."""
    world, connection = acts.world, acts.connection
    known = {one["id"]: one["current_quantity"] for one in order["lines"]}
    more = {one["id"]: one["current_quantity"] - known.get(one["id"], 0) for one in lines}
    for part in fulfilment_orders(world, connection, order["id"]):
        is_open = part["status"] != "CLOSED"
        for line in part["lines"]:
            step = more.get(line["line_id"], 0)
            used = step if is_open else 0
            line["remaining"] = max(0, line["remaining"] + used) if is_open else 0
            line["total"] += max(0, used)
            more[line["line_id"]] = step - used
        if part["status"] in _FULFILLABLE:
            for line_id in [one for one, count in more.items() if count > 0]:
                count = more.pop(line_id)
                made = {"id": object_id(world, connection), "line_id": line_id, "total": count, "remaining": count}
                part["lines"].append(made)
        world.put(connection, "fulfillment-order", part["id"], part)


def fulfil(acts: Acts, order: Body, tracking: Mapping[str, str], quantities: Mapping[str, int]) -> bool:
    """Staff post a fulfilment of all that is left, or of these pieces by SKU; False when there is nothing of it."""
    world, connection = acts.world, acts.connection
    skus = {one["id"]: one["sku"] for one in order["lines"]}
    taken = []
    for part in fulfilment_orders(world, connection, order["id"]):
        if part["status"] not in _FULFILLABLE:
            continue
        for line in part["lines"]:
            count = min(
                line["remaining"], quantities.get(skus[line["line_id"]], 0) if quantities else line["remaining"]
            )
            line["remaining"] -= count
            if count:
                taken.append((part["id"], line["line_id"], count))
        status = "IN_PROGRESS" if any(line["remaining"] for line in part["lines"]) else "CLOSED"
        world.put(connection, "fulfillment-order", part["id"], part | {"status": status, "updated_at": time_text()})
    if not taken:
        return False
    made_id = object_id(world, connection)
    lines = [
        {"id": object_id(world, connection), "fulfilment_order_id": part, "line_id": line, "quantity": count}
        for part, line, count in taken
    ]
    made = {
        "id": made_id,
        "order_id": order["id"],
        "name": f"{order['name']}-F{len(fulfilments(world, connection, order['id'])) + 1}",
        "status": "SUCCESS",
        "created_at": time_text(),
        "updated_at": time_text(),
        "tracking": tracking_of(tracking),
        "lines": lines,
    }
    world.put(connection, "fulfillment", made_id, made)
    reference = f"{connection}:{order['id']}"
    world.record_effect(
        connection, SYSTEM, f"post-fulfilment{By.STAFF}", object_id=gid("Fulfillment", made_id), reference=reference
    )
    told = {"id": int(made_id), "order_id": int(order["id"]), "status": "success", "name": made["name"]}
    acts.webhooks.order_event("fulfillments/create", order, told)
    acts.webhooks.order_event("orders/updated", order)
    return True


def hold(acts: Acts, order: Body) -> bool:
    """Another app, or staff, put all that is left on hold; False when nothing can be."""
    held = False
    for part in fulfilment_orders(acts.world, acts.connection, order["id"]):
        if part["status"] in _FULFILLABLE:
            made = {"id": object_id(acts.world, acts.connection), "reason": "OTHER", "notes": "", "handle": None}
            _set_held(acts, part | {"holds": [*part["holds"], made | {"ours": False}], "status": "ON_HOLD"})
            held = True
    return held and _held_by_hand(acts, order, "hold")


def release(acts: Acts, order: Body) -> bool:
    """What others hold is released, and a pre-order opened; False when there is none. Our own holds stay."""
    released = False
    for part in fulfilment_orders(acts.world, acts.connection, order["id"]):
        ours = [one for one in part["holds"] if one["ours"]]
        if part["status"] in _HELD and (part["status"] == "SCHEDULED" or ours != part["holds"]):
            _set_held(acts, part | {"holds": ours, "status": "ON_HOLD" if ours else "OPEN"})
            released = True
    return released and _held_by_hand(acts, order, "release")


def unsent(world: World, connection: str) -> Iterator[Body]:
    """What the shop itself has left to send, by order: what is picked up or sent by others is not its own."""
    for order in world.find(connection, "order"):
        parts = [] if order["cancelled_at"] else fulfilment_orders(world, connection, order["id"])
        own = [one for one in parts if one["method"] == "SHIPPING" and not one["location"]["service"]]
        pieces = sum(line["remaining"] for one in own if one["status"] != "CLOSED" for line in one["lines"])
        if pieces:
            yield {"reference": f"{connection}:{order['id']}", "pieces": pieces}


def _set_held(acts: Acts, part: Body) -> None:
    acts.world.put(acts.connection, "fulfillment-order", part["id"], part | {"updated_at": time_text()})


def _held_by_hand(acts: Acts, order: Body, what: str) -> bool:
    reference = f"{acts.connection}:{order['id']}"
    acts.world.record_effect(
        acts.connection, SYSTEM, f"{what}{By.STAFF}", object_id=gid("Order", order["id"]), reference=reference
    )
    acts.webhooks.order_event("orders/updated", order)
    return True


def undeclared(world: World, connection: str) -> Iterator[Body]:
    """Orders in one part, as they were made, with goods of which the shop tells no HS code or no origin."""
    for order in world.find(connection, "order"):
        whole = len(order["totals"]) == 1 and len(fulfilment_orders(world, connection, order["id"])) == 1
        goods = [one for one in order["lines"] if one["requires_shipping"] and one["current_quantity"]]
        if whole and order["address"] and not all(one["hs_code"] and one["origin"] for one in goods):
            yield {"reference": f"{connection}:{order['id']}", "country": order["address"]["countryCodeV2"]}
