"""What we say to Shopify and what the simulator says back, held to Shopify's schema; what real shops said is read."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema

from activities.shop_remedies import parts_of
from seamline.errors import Kind, Refusal
from seamline.http import Exchange, HttpFactory
from seamline.records.level import LevelChange
from seamline.records.payment import CaptureRequest, RefundRequest
from seamline.records.reference import external_id_of
from seamline.records.remedy import Goods, GoodsLine, RefundPart, RetrackRequest
from seamline.records.risk import CancelRequest, HoldRequest
from seamline.records.shortage import CancelGoodsRequest, split_request
from seamline.systems import shopify
from seamline.systems.shopify import client, documents, mapping, mapping_payment, wire
from seamline.systems.shopify.shop import Account, ShopifyShop, connect
from tests.checked import Against, Checks
from tests.contract.graphql_answers import answer_problems, document_problems
from tests.contract.judges import Hearing
from tests.systems.shop_stock_suite import ONE_SHORT
from tests.systems.shop_suite import fulfilment
from tests.systems.vendors import Simulated

CHECKS = Checks("shopify", Against.DESCRIPTION, "Shopify's Admin GraphQL schema 2026-07")
NAME = "shop-uk"


def _documents() -> Sequence[str]:
    """Every GraphQL document that the adapter has."""
    found = [one.name for one in pkgutil.iter_modules(shopify.__path__) if one.name.startswith("documents")]
    texts = (value for name in found for value in vars(importlib.import_module(f"{shopify.__name__}.{name}")).values())
    return [text for text in texts if isinstance(text, str) and text.lstrip().startswith(("query ", "mutation "))]


DOCUMENTS = _documents()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda text: text.split("(")[0].split("{")[0].strip())
def test_every_document_is_valid(shopify_schema: GraphQLSchema, document: str) -> None:
    assert document_problems(shopify_schema, document) == []


def test_a_wrong_document_is_found(shopify_schema: GraphQLSchema) -> None:
    assert document_problems(shopify_schema, documents.ORDER.replace("displayFinancialStatus", "financialStatus"))


async def test_requests_and_answers(
    shopify_schema: GraphQLSchema, simulated: Simulated, http: HttpFactory, exchanges: list[Exchange]
) -> None:
    secret = f"secret-{NAME}"
    values = {"url": f"{simulated.url}/shopify/{NAME}", "client_id": f"client-{NAME}", "client_secret": secret}
    shop = connect(NAME, Account.model_validate(values), http)
    lines = [{"sku": "MUG-BLUE", "location": f"Warehouse {place // 40}"} for place in range(80)]
    wanted: list[dict[str, Any]] = [
        {"duties": "3.00", "discounts": "1.00", "phone": "+441223000000"},
        {"address": None, "service": None, "email": None, "locale": None, "financial_status": "PENDING"},
        {"lines": lines + [{"sku": "TEE-M", "location": f"Shed {place}"} for place in range(5)]},
        {"lines": [{"sku": "GIFT-CARD", "gift_card": True}], "delivery": "NONE"},
    ]
    for one in wanted:
        await shop.fetch_order(await simulated.order(NAME, **one))
    order = await shop.fetch_order(await simulated.order(NAME))
    await shop.create_fulfilment("key", fulfilment(order))
    await shop.find_fulfilments(fulfilment(order))
    with pytest.raises(Refusal):
        await shop.create_fulfilment("key", fulfilment(order))
    await move_money(shop, simulated)
    await hold_and_cancel(shop, simulated)
    await remedy(shop, simulated)
    await keep_stock(shop, simulated)
    await shop.holdings(order.reference)
    for known in (order.number, external_id_of(order.reference), "999999999"):
        await shop.references(known)
    await shop.card()
    await shop.close()
    asked = [exchange for exchange in exchanges if exchange.operation != "token"]
    assert {document_of(one) for one in asked} == set(DOCUMENTS), "a document of the adapter was never sent"
    heard = Hearing().exchanges(asked)
    assert heard.problems == []
    assert heard.judged.total() == len(asked)


async def move_money(shop: ShopifyShop, simulated: Simulated) -> None:
    """Capture and refund, and every way in which they are refused or fail."""
    reference = await simulated.order(
        NAME, financial_status="AUTHORIZED", risk="CANCEL", risk_facts=["far"], terms=True
    )
    order = await shop.fetch_order(reference)
    assert order.authorization is not None
    request = CaptureRequest(authorization_id=order.authorization.id, amount=order.to_collect)
    made = await shop.capture(reference, request)
    back = RefundRequest(transaction_id=made.id, amount=made.amount, gateway=made.gateway)
    with pytest.raises(Refusal):
        await shop.capture(reference, request)
    await shop.refund(reference, "key", back)
    with pytest.raises(Refusal):
        await shop.refund(reference, "other key", back)
    await shop.find_transactions(reference)
    lapsed = await simulated.order(NAME, financial_status="AUTHORIZED", authorization_hours=0)
    kept = (await shop.fetch_order(lapsed)).authorization
    assert kept is not None
    await shop.capture(lapsed, CaptureRequest(authorization_id=kept.id, amount=kept.amount))


async def keep_stock(shop: ShopifyShop, simulated: Simulated) -> None:
    """Split what is short, note it, read and set levels, and how each is refused."""
    reference = await simulated.order(NAME, lines=[{"sku": "MUG-BLUE", "quantity": 3}])
    order = await shop.fetch_order(reference)
    request = split_request(order, order.open_fulfilment_orders[0], ONE_SHORT)
    await shop.split_part(reference, request)
    with pytest.raises(Refusal):
        await shop.split_part(reference, request)
    part = (await shop.fetch_order(reference)).open_fulfilment_orders[0]
    off = CancelGoodsRequest(fulfilment_order_id=part.id, lines=part.lines)
    await shop.find_cancelled_goods(reference, "nobody's", "GBP")
    parts = parts_of((await shop.worth_of(reference, off.goods)).amount, await shop.find_transactions(reference))
    await shop.cancel_goods(reference, "key-1", off, parts, "GBP")
    more = tuple(line.model_copy(update={"quantity": 9}) for line in part.lines)
    with pytest.raises(Refusal):
        await shop.cancel_goods(reference, "key-2", off.model_copy(update={"lines": more}), parts, "GBP")
    await shop.write_note(reference, await shop.read_note(reference) or "short")
    with pytest.raises(Refusal):
        await shop.write_note(f"{NAME}:999999", "nobody's")
    page = await shop.read_levels("")
    (mug,) = [one for one in page.levels if one.sku == "MUG-BLUE"]
    change = LevelChange(level=mug, on_hand=7)
    assert await shop.set_levels("first", [change]) == []
    assert await shop.set_levels("second", [change]) == ["MUG-BLUE"]
    nowhere = LevelChange(level=mug.model_copy(update={"location_id": "999999999"}), on_hand=7)
    with pytest.raises(Refusal):
        await shop.set_levels("third", [nowhere])


async def hold_and_cancel(shop: ShopifyShop, simulated: Simulated) -> None:
    """Hold, release, cancel, and how each is refused."""
    reference = await simulated.order(NAME)
    part = (await shop.fetch_order(reference)).open_fulfilment_orders[0].id
    held = await shop.place_hold(reference, HoldRequest(fulfilment_order_id=part, reason="high risk"))
    with pytest.raises(Refusal):
        await shop.place_hold(reference, HoldRequest(fulfilment_order_id=part))
    await shop.fetch_order(reference)
    await shop.find_hold(reference, part)
    await shop.release_hold(held)
    with pytest.raises(Refusal):
        await shop.release_hold(held.model_copy(update={"fulfilment_order_id": "1"}))
    begun = await shop.cancel_order(reference, f"{reference}/cancel-order#1", CancelRequest(note="rejected"))
    await shop.read_cancellation(reference, begun.job_id)
    await simulated.by_hand(reference, "cancel")
    with pytest.raises(Refusal):
        await shop.cancel_order(reference, "key", CancelRequest())


async def remedy(shop: ShopifyShop, simulated: Simulated) -> None:
    """Refund goods, tell another number, and take returns, and how each is refused."""
    order = await shop.fetch_order(await simulated.order(NAME, lines=[{"quantity": 3}]))
    request = fulfilment(order)
    await shop.create_fulfilment("key", request)
    goods = Goods(lines=(GoodsLine(order_line_id=order.lines[0].id, quantity=1),), shipping=True)
    worth = await shop.worth_of(order.reference, goods)
    (paid,) = await shop.find_transactions(order.reference)
    part = RefundPart(transaction_id=paid.id, amount=worth.amount, gateway=paid.gateway)
    await shop.refund_goods(order.reference, f"{order.reference}/refund-goods#1", "native", goods, [part])
    with pytest.raises(Refusal):
        await shop.refund_goods(
            order.reference,
            "key",
            "other",
            goods.model_copy(update={"shipping": False}),
            [part.model_copy(update={"amount": paid.amount})],
        )
    await shop.find_refunds(order.reference)
    retrack = RetrackRequest(
        reference=order.reference,
        fulfilment_order_id=request.fulfilment_order_id,
        lost_number=request.tracking_number,
        tracking_number="TRACK-2",
        carrier="Royal Mail",
    )
    (found,) = await shop.find_tracked(retrack)
    await shop.retrack(retrack, found)
    for close, requested in ((shop.close_return, False), (shop.approve_return, True)):
        reference = await simulated.send_back(order.reference, quantities={"MUG-BLUE": 1}, requested=requested)
        await close((await shop.fetch_return(reference)).id)
    with pytest.raises(Refusal):
        await shop.decline_return((await shop.fetch_return(reference)).id, "too late")


def document_of(exchange: Exchange) -> str:
    """The document that was sent."""
    return str(json.loads(exchange.request.content)["query"])


def test_a_wrong_answer_is_found(shopify_schema: GraphQLSchema) -> None:
    right = {"name": "x", "myshopifyDomain": "x", "currencyCode": "GBP", "plan": {"partnerDevelopment": True}}
    assert answer_problems(shopify_schema, documents.SHOP, {"shop": right}) == []
    wrong: Any
    for wrong in (
        {"more": 1},
        {"name": 7},
        {"name": None},
        {"currencyCode": "DM"},
        {"plan": {}},
        {"plan": {"partnerDevelopment": 1}},
        {"plan": []},
    ):
        assert len(answer_problems(shopify_schema, documents.SHOP, {"shop": right | wrong})) == 1
    assert answer_problems(shopify_schema, documents.ORDER, {"order": None}, {}) != [], "a variable is missing"


def recorded(folder: Path, name: str) -> Iterator[Any]:
    """Every value of this name in what real shops answered."""
    for path in sorted((folder / "shopify" / "recorded").glob("*.json")):
        yield from _named(json.loads(path.read_text()), name)


def _named(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name:
                yield inner
            yield from _named(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner, name)


def test_recorded_user_errors_are_read(specs: Path) -> None:
    payloads = [one for one in recorded(specs, "fulfillmentCreate") if isinstance(one, dict) and "userErrors" in one]
    assert len(payloads) > 5
    refused = 0
    for payload in payloads:
        read = wire.FulfillmentCreate.model_validate(payload)
        if read.user_errors:
            refused += 1
            failure = mapping.refused(read.user_errors).failure
            assert failure.reason
            assert all(problem.field for problem in failure.problems)
        elif read.fulfillment:
            mapping.fulfilments([read.fulfillment])
    assert refused > 2


def test_recorded_money_and_holds_are_read(specs: Path) -> None:
    fields = {"id", "kind", "status", "amountSet"}
    moved = [one for found in recorded(specs, "transactions") for one in found if fields <= one.keys()]
    moved = [one | {"amountSet": {"presentmentMoney": one["amountSet"]["shopMoney"]}} for one in moved]
    read = mapping_payment.transactions([wire.Transaction.model_validate(one) for one in moved])
    assert {one.kind.value for one in read} == {"authorization"}
    assert mapping_payment.authorization(read) is not None
    holds = [wire.FulfillmentHold.model_validate(one) for found in recorded(specs, "fulfillmentHolds") for one in found]
    assert any(hold.held_by_requesting_app for hold in holds)
    refusals = [
        one for one in recorded(specs, "fulfillmentOrderHold") if isinstance(one, dict) and one.get("userErrors")
    ]
    for payload in refusals:
        errors = wire.HoldCreate.model_validate(payload | {"fulfillmentHold": None}).user_errors
        failure = mapping_payment.refused(errors, {"reasonNotes": "reason"}, "fulfilment_order_id").failure
        assert [problem.field for problem in failure.problems] == ["fulfilment_order_id"]
    assert refusals


def test_recorded_objects_are_read(specs: Path) -> None:
    counted = 0
    for name, model in (
        ("trackingInfo", wire.TrackingInfo),
        ("originalUnitPriceSet", wire.MoneyBag),
        ("currentTotalPriceSet", wire.MoneyBag),
        ("assignedLocation", wire.Location),
        ("pageInfo", wire.PageInfo),
        ("cost", wire.Cost),
    ):
        for value in recorded(specs, name):
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict) and ("amountSet" not in one):
                    counted += is_read(model, one)
    assert counted > 100


def is_read(model: type[wire.Wire], value: dict[str, Any]) -> bool:
    """Read a recorded value; one that was asked for with fewer fields than we ask for does not count."""
    needed = {field.alias for field in model.model_fields.values() if field.is_required()}
    if not needed <= value.keys():
        return False
    model.model_validate(value)
    return True


def test_recorded_graphql_errors_are_failures(specs: Path) -> None:
    met = {}
    for errors in recorded(specs, "errors"):
        failure = client.graphql_error(wire.Reply.model_validate({"errors": errors}), None).failure
        met[errors[0].get("extensions", {}).get("code")] = (failure.kind, failure.code)
    assert met == {
        "RESOURCE_NOT_FOUND": (Kind.REFUSAL, "not-found"),
        "ACCESS_DENIED": (Kind.LOCKED_OUT, "access-denied"),
        "INTERNAL_SERVER_ERROR": (Kind.OUTAGE, "internal-error"),
        None: (Kind.REFUSAL, "malformed-request"),
    }
