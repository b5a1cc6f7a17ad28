"""Whatever a vendor answers within his types becomes a record or a Refusal that names fields; never anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from seamline.errors import Refusal
from seamline.http import Answer
from seamline.records.order_rules import broken_rules, not_ready
from seamline.records.parcel import Rate
from seamline.records.payment import PaymentMode
from seamline.records.policy import Policy
from seamline.systems.hubspot import mapping as hubspot
from seamline.systems.hubspot import wire as hubspot_wire
from seamline.systems.hubspot.client import explain
from seamline.systems.shippo import mapping as shippo
from seamline.systems.shippo import wire as shippo_wire
from seamline.systems.shopify import mapping as shopify
from seamline.systems.shopify import mapping_payment as shopify_payment
from seamline.systems.shopify import wire as shopify_wire
from seamline.systems.tryton import mapping as tryton
from seamline.systems.tryton import wire as tryton_wire
from seamline.systems.xero import mapping as xero
from seamline.systems.xero import wire as xero_wire
from seamline.systems.xero.client import explain as xero_explain
from tests.systems.conformance import ADDRESS
from tests.systems.inventory_suite import stock_request

EXAMPLES = 60
REFERENCE = "shop-uk:5001"
NOW = datetime(2026, 11, 22, 10, 50, tzinfo=UTC)

texts = st.text(max_size=300) | st.sampled_from(
    ["", "GB", "GBP", "PAID", "SHIPPING", "OPEN", "GRAMS", "SUCCESS", "draft"]
)
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**13), max_value=10**13, places=4).map(str)
numbers = st.integers(-(2**40), 2**40)
money = st.fixed_dictionaries(
    {"shopMoney": st.fixed_dictionaries({"amount": decimals, "currencyCode": st.sampled_from(["GBP", "EUR", "x"])})}
)
M = TypeVar("M", bound=BaseModel)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The value, or null."""
    return st.none() | strategy


def page(nodes: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A connection with up to three nodes."""
    return st.fixed_dictionaries({"nodes": st.lists(nodes, max_size=3)})


ids = st.integers(0, 10**12).map(lambda number: f"gid://shopify/Thing/{number}") | texts
line = st.fixed_dictionaries(
    {
        "id": ids,
        "sku": maybe(texts),
        "title": texts,
        "currentQuantity": numbers,
        "requiresShipping": st.booleans(),
        "isGiftCard": st.booleans(),
        "originalUnitPriceSet": money,
        "discountedUnitPriceAfterAllDiscountsSet": maybe(money),
        "variant": maybe(
            st.fixed_dictionaries(
                {
                    "inventoryItem": st.fixed_dictionaries(
                        {"harmonizedSystemCode": maybe(texts), "countryCodeOfOrigin": maybe(texts)}
                    )
                }
            )
        ),
    }
)
part_line = st.fixed_dictionaries(
    {
        "id": ids,
        "sku": maybe(texts),
        "remainingQuantity": numbers,
        "requiresShipping": st.booleans(),
        "weight": maybe(
            st.fixed_dictionaries({"unit": texts, "value": st.floats(allow_nan=False, allow_infinity=False)})
        ),
        "lineItem": st.fixed_dictionaries({"id": ids, "isGiftCard": st.booleans()}),
    }
)
part = st.fixed_dictionaries(
    {
        "id": ids,
        "status": texts,
        "assignedLocation": st.fixed_dictionaries(
            {"name": texts, "location": maybe(st.fixed_dictionaries({"isFulfillmentService": st.booleans()}))}
        ),
        "internationalDuties": maybe(st.fixed_dictionaries({"incoterm": texts})),
        "fulfillmentHolds": st.lists(
            st.fixed_dictionaries({"id": ids, "handle": maybe(texts), "heldByRequestingApp": st.booleans()}), max_size=2
        ),
        "deliveryMethod": maybe(st.fixed_dictionaries({"methodType": texts})),
        "lineItems": page(part_line),
    }
)
movement = st.fixed_dictionaries(
    {
        "id": ids,
        "kind": texts | st.sampled_from(["AUTHORIZATION", "SALE", "CAPTURE", "REFUND", "VOID"]),
        "status": texts | st.sampled_from(["SUCCESS", "PENDING", "FAILURE"]),
        "errorCode": maybe(texts),
        "gateway": maybe(texts),
        "authorizationExpiresAt": maybe(st.datetimes().map(lambda at: at.isoformat() + "Z")),
        "amountSet": money.map(lambda bag: {"presentmentMoney": bag["shopMoney"]}),
        "parentTransaction": maybe(st.fixed_dictionaries({"id": ids})),
    }
)
assessment = st.fixed_dictionaries(
    {
        "riskLevel": texts | st.sampled_from(["HIGH", "LOW"]),
        "facts": st.lists(
            st.fixed_dictionaries({"description": texts, "sentiment": st.sampled_from(["NEGATIVE", "POSITIVE"])}),
            max_size=2,
        ),
    }
)
address_fields = ("name", "company", "address1", "address2", "city", "provinceCode", "zip", "countryCodeV2", "phone")
orders = st.fixed_dictionaries(
    {
        "id": ids,
        "name": texts,
        "createdAt": st.datetimes().map(lambda at: at.isoformat() + "Z"),
        "currencyCode": st.sampled_from(["GBP", "EUR", "pounds"]),
        "presentmentCurrencyCode": st.sampled_from(["GBP", "EUR", "pounds"]),
        "displayFinancialStatus": maybe(texts),
        "test": st.booleans(),
        "email": maybe(texts),
        "customerLocale": maybe(texts),
        "taxesIncluded": st.booleans(),
        "dutiesIncluded": st.booleans(),
        "shippingLine": maybe(st.fixed_dictionaries({"code": maybe(texts), "title": texts})),
        "shippingAddress": maybe(st.fixed_dictionaries({name: maybe(texts) for name in address_fields})),
        "currentSubtotalPriceSet": money,
        "currentShippingPriceSet": money,
        "currentTotalDutiesSet": maybe(money),
        "currentTotalTaxSet": money,
        "currentTotalPriceSet": money.map(lambda bag: {**bag, "presentmentMoney": bag["shopMoney"]}),
        "currentTotalAdditionalFeesSet": maybe(money),
        "refundDiscrepancySet": money,
        "totalTipReceivedSet": money,
        "paymentTerms": maybe(st.fixed_dictionaries({"id": ids})),
        "risk": st.fixed_dictionaries(
            {"recommendation": texts | st.sampled_from(["CANCEL"]), "assessments": st.lists(assessment, max_size=2)}
        ),
        "transactions": st.lists(movement, max_size=4),
        "lineItems": page(line),
        "fulfillmentOrders": page(part),
    }
)
messages = st.lists(st.fixed_dictionaries({"code": texts, "text": maybe(texts)}), max_size=3)
transactions = st.fixed_dictionaries(
    {"object_id": st.text(min_size=1), "status": texts, "metadata": maybe(texts), "messages": messages}
)
rates = st.fixed_dictionaries(
    {"object_id": st.text(min_size=1), "amount": decimals, "currency": texts, "provider": maybe(texts)}
)
tracks = st.fixed_dictionaries(
    {"tracking_status": maybe(st.fixed_dictionaries({"status": texts, "status_details": maybe(texts)}))}
)
addresses = st.fixed_dictionaries(
    {
        "street1": maybe(texts),
        "zip": maybe(texts),
        "country": maybe(texts),
        "validation_results": maybe(st.fixed_dictionaries({"is_valid": maybe(st.booleans()), "messages": messages})),
    }
)
states = st.sampled_from(["draft", "quotation", "waiting", "done", "shipped", "cancelled", "processing", "new"])
coded = st.fixed_dictionaries({"id": numbers, "code": maybe(texts)})
sales = st.fixed_dictionaries(
    {
        "id": numbers,
        "number": maybe(texts),
        "description": maybe(texts),
        "state": states,
        "currency": coded,
        "lines": st.lists(
            st.fixed_dictionaries(
                {
                    "id": numbers,
                    "quantity": maybe(st.floats(allow_nan=False, allow_infinity=False)),
                    "unit_price": maybe(decimals),
                    "product": maybe(coded),
                }
            ),
            max_size=3,
        ),
        "shipments": st.lists(st.fixed_dictionaries({"id": numbers, "state": states}), max_size=3),
    }
)


def assert_total(model: type[M], body: Any, work: Callable[[M], object]) -> None:
    """The mapping gives a record, or refuses naming fields. What the wire model itself refuses is not asked."""
    try:
        read = model.model_validate(body)
    except ValidationError:
        return
    if refusal := refusal_of(lambda: work(read)):
        assert refusal.failure.problems
        assert all(problem.field and problem.reason for problem in refusal.failure.problems)


def refusal_of(work: Callable[[], object]) -> Refusal | None:
    """The Refusal raised, if one was."""
    try:
        work()
    except Refusal as refusal:
        return refusal
    return None


few = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(orders, st.sampled_from(PaymentMode))
def test_shopifys_order(body: Any, mode: PaymentMode) -> None:
    def work(read: shopify_wire.Order) -> object:
        order = shopify.order(REFERENCE, read, "page", mode)
        return [*broken_rules(order), *not_ready(order, Policy(), NOW), *order.payment_since(order, NOW)]

    assert_total(shopify_wire.Order, body, work)


@few
@given(st.lists(st.fixed_dictionaries({"message": texts, "field": maybe(st.lists(texts, max_size=3))}), max_size=3))
def test_shopifys_user_errors(errors: Any) -> None:
    read = [shopify_wire.UserError.model_validate(one) for one in errors]
    for refusal in (shopify.refused(read), shopify_payment.refused(read, {"amount": "amount"}, "reference")):
        assert all(problem.field for problem in refusal.failure.problems)


@few
@given(addresses)
def test_shippos_address(body: Any) -> None:
    assert_total(shippo_wire.Address, body, lambda read: shippo.checked_address(ADDRESS, read))


@few
@given(transactions)
def test_shippos_transaction(body: Any) -> None:
    assert_total(shippo_wire.Transaction, body, lambda read: shippo.LABEL.read(read, reference=REFERENCE, at=None))
    assert_total(shippo_wire.Transaction, body, lambda read: shippo.not_sold(read).failure.problems[0])


@few
@given(rates, messages)
def test_shippos_rates(body: Any, said: Any) -> None:
    def work(read: shippo_wire.Shipment) -> object:
        return [one for one in shippo.quote(read).rates if isinstance(one, Rate)]

    assert_total(shippo_wire.Shipment, {"object_id": "s", "rates": [body], "messages": said}, work)
    assert_total(shippo_wire.Shipment, {"object_id": "s", "rates": [], "messages": said}, work)


@few
@given(tracks)
def test_shippos_tracking(body: Any) -> None:
    assert_total(shippo_wire.Track, body, shippo.TRACKING.read)


@few
@given(st.recursive(st.none() | st.booleans() | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner)))
def test_shippos_error_bodies(body: Any) -> None:
    assert all(problem.field for problem in shippo.error_problems(body))


@few
@given(sales)
def test_trytons_sale(body: Any) -> None:
    def work(read: tryton_wire.Sale) -> object:
        tryton.steps_forward(read)
        tryton.steps_back(read)
        return tryton.RESERVATION.read(read, reference=REFERENCE, page="page")

    assert_total(tryton_wire.Sale, body, work)


@few
@given(st.lists(st.fixed_dictionaries({"id": numbers, "state": states, "quantity": st.floats(0, 9), "product": coded})))
def test_trytons_shortages(moves: Any) -> None:
    body = {"id": 1, "state": "waiting", "inventory_moves": moves}
    assert_total(tryton_wire.Moves, body, lambda read: tryton.shortages(stock_request().lines, read))


properties = st.dictionaries(st.sampled_from(hubspot_wire.PROPERTIES), maybe(texts | numbers))
status = st.fixed_dictionaries(
    {"id": texts, "status": texts | st.sampled_from(["SUBSCRIBED", "NOT_SUBSCRIBED"])},
    optional={"sourceOfStatus": maybe(texts), "legalBasis": maybe(texts), "legalBasisExplanation": maybe(texts)},
)


@few
@given(st.fixed_dictionaries({"id": texts, "properties": properties}), status)
def test_hubspots_people(body: Any, said: Any) -> None:
    mail = hubspot_wire.Status.model_validate(said)
    assert_total(hubspot_wire.Object, body, lambda read: hubspot.PERSON.read(read, subscription=mail))
    assert_total(hubspot_wire.Object, body, hubspot.COMPANY.read)


@few
@given(st.recursive(st.none() | st.booleans() | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner)))
def test_hubspots_error_bodies(body: Any) -> None:
    told = explain(Answer(400, {}, json.dumps({"message": body, "errors": [{"context": body}, body]}).encode()))
    assert isinstance(told[0], str)


amounts = st.floats(allow_nan=False, allow_infinity=False, width=32) | decimals | texts
days = texts | st.integers(-(10**14), 10**14).map(lambda number: f"/Date({number}+0000)/")
xeros = st.fixed_dictionaries(
    {
        "InvoiceID": texts,
        "Contact": st.fixed_dictionaries({"ContactID": texts}),
        "Status": texts | st.sampled_from(["DRAFT", "AUTHORISED", "PAID"]),
        "Date": days,
        "CurrencyCode": st.sampled_from(["GBP", "EUR", "x"]),
    },
    optional={
        "InvoiceNumber": maybe(texts),
        "Reference": maybe(texts),
        "DueDate": maybe(days),
        "ExpectedPaymentDate": maybe(days),
        "SentToContact": maybe(st.booleans()),
        **{name: amounts for name in ("SubTotal", "TotalTax", "Total", "AmountDue", "AmountPaid", "AmountCredited")},
    },
)
contact_fields = ("ContactNumber", "Name", "TaxNumber", "EmailAddress", "Website")
xero_contacts = st.fixed_dictionaries(
    {"ContactID": texts, "ContactStatus": texts | st.sampled_from(["ACTIVE", "ARCHIVED"])},
    optional={name: maybe(texts) for name in contact_fields},
)


@few
@given(xeros)
def test_xeros_invoice(body: Any) -> None:
    assert_total(xero_wire.Invoice, body, lambda read: xero.INVOICE.read(read, app="https://x", link=""))
    today = NOW.date()
    assert_total(xero_wire.Invoice, body, lambda read: json.dumps(xero.credit_out("key", read, today, "")))


@few
@given(xero_contacts)
def test_xeros_contact(body: Any) -> None:
    assert_total(xero_wire.Contact, body, lambda read: xero.CUSTOMER.read(read, app="https://x"))
    if isinstance(body.get("EmailAddress", ""), str | None) and body["ContactStatus"] == "ACTIVE" and body["ContactID"]:
        xero.CANDIDATE.read(xero_wire.Contact.model_validate(body), app="https://x")


@few
@given(st.recursive(st.none() | st.booleans() | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner)))
def test_xeros_error_bodies(body: Any) -> None:
    told = xero_explain(Answer(400, {}, json.dumps({"Message": body, "Elements": [body]}).encode()))
    assert isinstance(told[0], str)


def test_a_refusal_names_the_whole_path() -> None:
    amount = {"amount": "1", "currencyCode": "GBP"}
    bag = {"shopMoney": amount, "presentmentMoney": amount}
    names = ("Subtotal", "Shipping", "TotalTax", "TotalPrice")
    keys = {"Subtotal": "currentSubtotalPriceSet", "Shipping": "currentShippingPriceSet"}
    body = {
        "id": "gid://shopify/Order/5001",
        "name": "#5001",
        "createdAt": "2026-11-22T08:00:00Z",
        "currencyCode": "GBP",
        "presentmentCurrencyCode": "GBP",
        "refundDiscrepancySet": bag,
        "test": False,
        "taxesIncluded": True,
        "dutiesIncluded": False,
        "shippingAddress": {"zip": "1" * 30},
        "totalTipReceivedSet": bag,
        "lineItems": {"nodes": []},
        "fulfillmentOrders": {"nodes": []},
    } | {keys.get(name, f"current{name}Set"): bag for name in names}
    with pytest.raises(Refusal) as caught:
        shopify.order(REFERENCE, shopify_wire.Order.model_validate(body), "")
    assert [problem.field for problem in caught.value.failure.problems] == ["shippingAddress.zip"]
    assert "1111" not in str(caught.value.failure)
