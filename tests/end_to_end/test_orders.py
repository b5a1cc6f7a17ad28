"""Every kind of order: those that are not ours, those that are broken, and those that a system refuses."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest

from seamline.process.view import Status, StepState
from tests.end_to_end.world import ByHand, World
from tests.simulator.tryton_client import ErpClient

ALL = Counter(("reserve", "buy-label", "ship", "post-fulfilment", "send-mail"))
GOOD_ADDRESS = {
    "name": "Jo Fielding",
    "street1": "12 Mill Lane",
    "city": "Cambridge",
    "postcode": "CB2 1RX",
    "country": "GB",
}


async def label_of(world: World, reference: str) -> dict[str, Any]:
    """The shipment, in the carrier's books, of the last label bought."""
    effects = [one for one in await world.effects(reference) if one["operation"] == "buy-label"]
    get = world.simulator.world.get
    label = get(world.names.carrier, "transaction", effects[-1]["object_id"])
    assert label
    rate = get(world.names.carrier, "rate", label["rate"])
    assert rate
    shipment = get(world.names.carrier, "shipment", rate["shipment"])
    assert shipment
    return dict(shipment)


async def test_a_plain_paid_order_is_shipped_and_followed_to_the_door(world: World) -> None:
    reference = await world.order()
    outcome = await world.outcome(await world.start(reference))
    assert outcome["kind"] == "completed"
    assert await world.counted(reference) == ALL
    followed = await world.outcome(world.handle("follow-parcel", reference))
    assert followed["result"]["course"] == "delivered"


# ---- not ours -----------------------------------------------------------------------------------------------------


async def test_an_order_cancelled_in_the_shop_is_ignored(world: World) -> None:
    reference = await world.order()
    await world.post(f"shops/shop-uk/orders/{reference.partition(':')[2]}/cancel", {})
    outcome = await world.outcome(await world.start(reference))
    assert (outcome["kind"], outcome["reason"]) == ("ignored", "cancelled in the shop")
    assert await world.operations(reference) == []


async def test_a_test_order_is_shipped_where_this_is_not_production(world: World) -> None:
    reference = await world.order(test=True)
    assert (await world.outcome(await world.start(reference, production=False)))["kind"] == "completed"
    assert await world.counted(reference) == ALL


# ---- broken orders ------------------------------------------------------------------------------------------------


async def test_all_that_is_broken_is_named_at_once_and_mended_in_the_shop(world: World) -> None:
    reference = await world.order(
        address={"firstName": None, "lastName": None, "address1": None},
        lines=[{"sku": ""}],
        total="1.00",
        financial_status="AUTHORIZED",
    )
    handle = await world.start(reference)
    [wait] = (await world.waiting(handle)).waits
    assert (wait.name, wait.cause) == ("fetch-order#1", "shop-uk refusal broken-rules")
    assert {one.field for one in wait.problems} == {
        "address.name",
        "address.street1",
        "fulfilment_orders.0.lines.0.sku",
        "totals.total",
    }
    number = reference.partition(":")[2]
    good = world.body("order", (await world.order()).partition(":")[2])
    broken = world.body("order", number)
    lines = [broken["lines"][0] | {"sku": "MUG-BLUE"}]
    total = str(10 + 4.95)
    money, paid = broken["money"] | {"total": total}, good["transactions"][0] | {"amount": total}
    world.edit("order", number, address=good["address"], transactions=[paid], lines=lines, money=money)
    await world.decide(handle, wait=wait.name, action="retry", why="mended in the shop")
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ALL


@pytest.mark.parametrize(
    ("wanted", "field", "change"),
    [
        ({"address": None}, "address", {"address": GOOD_ADDRESS}),
        ({"total": "1.00"}, "totals.total", {"totals": {"total": {"amount": "19.45", "currency": "GBP"}}}),
        (
            {"lines": [{"sku": ""}]},
            "fulfilment_orders.0.lines.0.sku",
            {"fulfilment_orders": {"0": {"lines": {"0": {"sku": "MUG-BLUE"}}}}},
        ),
    ],
    ids=["address", "total", "sku"],
)
async def test_a_broken_order_goes_on_once_staff_amend_what_was_fetched(
    world: World, wanted: dict[str, Any], field: str, change: dict[str, Any]
) -> None:
    reference = await world.order(**wanted)
    handle = await world.start(reference)
    [wait] = (await world.waiting(handle)).waits
    assert [one.field for one in wait.problems] == [field]
    await world.decide(handle, wait=wait.name, action="amend", change=change)
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ALL


async def test_an_amendment_that_mends_only_half_waits_again_with_the_rest(world: World) -> None:
    reference = await world.order(address=None, total="1.00")
    handle = await world.start(reference)
    await world.waiting(handle)
    await world.decide(handle, wait="fetch-order#1", action="amend", change={"address": GOOD_ADDRESS})
    view = await world.until(handle, lambda view: [one.name for one in view.waits] == ["fetch-order#2"])
    assert [one.field for one in view.waits[0].problems] == ["totals.total"]
    total = {"totals": {"total": {"amount": "19.45", "currency": "GBP"}}}
    await world.decide(handle, wait="fetch-order#2", action="amend", change=total)
    assert (await world.outcome(handle))["kind"] == "completed"


# ---- stock --------------------------------------------------------------------------------------------------------


async def test_short_stock_waits_naming_the_line_until_stock_arrives(world: World) -> None:
    await world.change("stock/erp-main", {"LAMP-ASH": 1})
    reference = await world.order(lines=[{"sku": "MUG-BLUE"}, {"sku": "LAMP-ASH", "quantity": 3}])
    handle = await world.start(reference)
    [wait] = (await world.waiting(handle)).waits
    assert (wait.cause, wait.reason) == ("seamline approval short-stock", "1 of 3 LAMP-ASH are there")
    assert await world.operations(reference) == []
    await world.change("stock/erp-main", {"LAMP-ASH": 5})
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ALL
    assert await world.stock("LAMP-ASH") == 3


async def test_a_colleagues_sale_is_not_adopted_in_silence_but_staff_can_use_it(world: World) -> None:
    reference = await world.order()
    async with httpx.AsyncClient(base_url=world.simulator.url, timeout=10) as http:
        erp = ErpClient(http, world.names.inventory)
        body = await erp.sale_body(reference, ("MUG-BLUE", 1), description="by hand")
        sale = int((await erp.done("POST", "sale.sale", json=body))["id"])
        await erp.press("sale.sale", sale, "quote")
        await erp.press("sale.sale", sale, "confirm")
        (shipment,) = (await erp.read("sale.sale", sale, "shipments"))["shipments"]
        await erp.press("stock.shipment.out", shipment, "assign_try")
    handle = await world.start(reference)
    [wait] = (await world.waiting(handle)).waits
    assert wait.cause == "erp-main refusal already-there"
    assert str(sale) in wait.reason
    result = {"id": str(sale), "key": "", "state": "assigned"}
    await world.decide(handle, wait=wait.name, action="skip", result=result, why="the colleague's sale it is")
    outcome = await world.outcome(handle)
    assert (outcome["kind"], outcome["result"]["sale_id"]) == ("completed", str(sale))
    assert (await world.counted(reference)) == dict.fromkeys(ALL, 1)
    view = await world.until(handle, lambda view: view.outcome)
    assert next(one for one in view.steps if one.name == "reserve").state is StepState.SKIPPED


# ---- the carrier --------------------------------------------------------------------------------------------------


async def test_an_address_that_the_carrier_refuses_is_amended_and_used_everywhere(world: World) -> None:
    reference = await world.order(address={"zip": "ZZ9 9ZZ"})
    handle = await world.start(reference)
    [wait] = (await world.waiting(handle)).waits
    assert (wait.name, [one.field for one in wait.problems]) == ("check-address#1", ["postcode"])
    assert await world.operations(reference) == []
    await world.decide(handle, wait=wait.name, action="amend", change={"postcode": "CB3 0AA"})
    assert (await world.outcome(handle))["kind"] == "completed"
    assert (await label_of(world, reference))["address_to"]["zip"] == "CB3 0AA"
    async with httpx.AsyncClient(base_url=world.simulator.url, timeout=10) as http:
        erp = ErpClient(http, world.names.inventory)
        [sale] = await erp.search("sale.sale", [["reference", "=", reference]], "shipment_address")
        address = await erp.read("party.address", sale["shipment_address"], "postal_code")
    assert address["postal_code"] == "CB3 0AA"


async def test_a_label_refused_is_quoted_anew_for_the_amended_address_and_so_is_the_mail(world: World) -> None:
    reason = "The postal code is not served by this carrier"
    await world.fault(world.names.carrier, "transactions.create", "refuse", count=1, reason=reason)
    reference = await world.order(email="amended@example.com")
    handle = await world.start(reference)
    [wait] = (await world.waiting(handle)).waits
    assert (wait.name, wait.cause) == ("buy-label#1", "shippo-main refusal label-refused")
    assert ["postcode" in one.field for one in wait.problems] == [True]
    change = {"parcel": {"address": {"postcode": "CB3 0AA", "name": "Robin Reed"}}}
    await world.decide(handle, wait=wait.name, action="amend", change=change)
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == dict.fromkeys(ALL, 1)
    sent_to = (await label_of(world, reference))["address_to"]
    assert (sent_to["zip"], sent_to["name"]) == ("CB3 0AA", "Robin Reed")
    [mail] = await world.get("mails", to="amended@example.com")
    assert "Robin Reed" in mail["text"]


async def test_a_label_bought_before_the_address_was_amended_is_taken_back(world: World, by_hand: ByHand) -> None:
    """The first label's answer was lost and it could not be looked up: it is found at its rate, and refunded."""
    carrier = world.names.carrier
    await world.fault(carrier, "transactions.create", "lost-reply", count=1)
    reference = await world.order()
    handle = await world.start(reference)
    await world.happened(reference, "buy-label")
    await world.fault(carrier, "transactions.list", "down")
    view = await world.waiting(handle, Status.HELD_UP)
    change = {"parcel": {"address": {"postcode": "CB3 0AA"}}}
    await world.decide(handle, wait=view.waits[0].name, action="amend", change=change)
    await world.mended()
    await world.step(handle, "packed")
    await by_hand.hand_over(reference)
    assert (await world.outcome(handle))["kind"] == "completed"
    operations = [one for one in await world.operations(reference) if one in ("buy-label", "request-refund", "refund")]
    assert operations.count("buy-label") == 2
    assert operations.count("request-refund") == 1
    assert (await label_of(world, reference))["address_to"]["zip"] == "CB3 0AA"


async def test_a_label_above_the_price_limit_is_approved_once(world: World) -> None:
    reference = await world.order()
    handle = await world.start(reference, label_price_max={"GBP": 1})
    [wait] = (await world.waiting(handle)).waits
    assert (wait.name, wait.team, wait.cause) == ("dear-label#1", "operations", "seamline approval dear-label")
    assert "above the limit of 1.00" in wait.reason
    assert "buy-label" not in await world.operations(reference)
    await world.decide(handle, wait=wait.name, action="approve", why="worth it")
    assert (await world.outcome(handle))["kind"] == "completed"
    assert [one.name for one in (await world.view(handle)).steps].count("quote") == 2


async def test_a_dear_label_rejected_takes_the_order_back(world: World, by_hand: ByHand) -> None:
    reference = await world.order()
    handle = await world.start(reference, label_price_max={"USD": 1})
    [wait] = (await world.waiting(handle)).waits
    assert "no label_price_max is set for GBP" in wait.reason
    await world.decide(handle, wait=wait.name, action="reject", why="not worth it")
    outcome = await world.outcome(handle)
    assert (outcome["kind"], outcome["reason"]) == ("undone", "rejected by sam: not worth it")
    assert await world.operations(reference) == ["reserve", "release"]


@pytest.mark.parametrize(
    ("chosen", "bought"), [("standard", "hermes_uk_courier_service"), ("express", "royal_mail_48"), (None, "hermes")]
)
async def test_the_cheapest_rate_that_keeps_the_promise_is_bought(
    world: World, chosen: str | None, bought: str
) -> None:
    reference = await world.order(service=chosen)
    outcome = await world.outcome(await world.start(reference))
    assert outcome["result"]["service"].startswith(bought)


async def test_a_promise_that_no_rate_keeps_waits(world: World, by_hand: ByHand) -> None:
    reference = await world.order(service="express", address={"countryCodeV2": "DE", "zip": "10115"})
    handle = await world.start(reference, service_days_max={"express": 1})
    [wait] = (await world.waiting(handle)).waits
    assert [(one.field, one.reason) for one in wait.problems] == [("rates", "has no rate within 1 days")]
    await handle.cancel()
    await world.undone(handle)


async def test_a_customer_without_an_address_for_mail_is_not_mailed_and_that_is_noted(world: World) -> None:
    reference = await world.order(email=None)
    handle = await world.start(reference)
    assert (await world.outcome(handle))["result"]["message_id"] == ""
    assert "send-mail" not in await world.operations(reference)
    view = await world.until(handle, lambda view: view.outcome)
    assert view.notes == ("the customer was not mailed: the order has no email address",)


async def test_the_checker_agrees(world: World) -> None:
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings
