"""Shippo's behaviour: what its documentation promises and what SaaS does behind one's back."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest

from tests.contract import descriptions
from tests.contract.descriptions import needs_descriptions
from tests.simulator.carrier import ADDRESS, CONNECTION, DECLARATION, ITEM, KEY, Customer, operations

DEADLINE_SECONDS = 5


@pytest.fixture
def customer(http: httpx.AsyncClient) -> Customer:
    return Customer(http)


async def settings(http: httpx.AsyncClient, **changes: Any) -> None:
    assert (await http.put("/_simulator/settings", json=changes)).status_code == 200


async def until(customer: Customer, path: str, field: str, value: str) -> dict[str, Any]:
    """Poll until a field has this value."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            body: dict[str, Any] = (await customer.get(path)).json()
            if body[field] == value:
                return body
            await asyncio.sleep(0.02)


async def test_a_wrong_token_is_turned_away(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"/shippo/{CONNECTION}/transactions", headers={"Authorization": "ShippoToken wrong"})
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


async def test_an_address_is_normalised_and_validated(customer: Customer) -> None:
    answer = await customer.post("/addresses", ADDRESS | {"zip": " sw1a1aa", "validate": True})
    assert answer.status_code == 201
    assert answer.json()["zip"] == "SW1A 1AA"
    assert answer.json()["validation_results"] == {"is_valid": True, "messages": []}


@pytest.mark.parametrize(
    ("country", "postcode"),
    [("GB", "12345"), ("GB", "ZZ9 9ZZ"), ("US", "SW1A 1AA"), ("US", "00000"), ("DE", "123"), ("DE", "")],
)
async def test_an_unknown_postcode_is_not_valid(country: str, postcode: str, customer: Customer) -> None:
    answer = await customer.post("/addresses", ADDRESS | {"country": country, "zip": postcode, "validate": True})
    results = answer.json()["validation_results"]
    assert results["is_valid"] is False
    assert "postal code" in results["messages"][0]["text"]


@pytest.mark.parametrize(
    ("country", "currency", "postcode"), [("GB", "GBP", "SW1A 1AA"), ("US", "USD", "94117"), ("DE", "EUR", "10115")]
)
async def test_rates_by_country_and_weight(country: str, currency: str, postcode: str, customer: Customer) -> None:
    place = ADDRESS | {"country": country, "zip": postcode}

    async def prices(grams: int) -> list[float]:
        parcel = {"length": "1", "width": "1", "height": "1", "distance_unit": "cm", "weight": grams, "mass_unit": "g"}
        body = {"address_from": place, "address_to": place, "parcels": [parcel]}
        rates = (await customer.post("/shipments", body)).json()["rates"]
        assert {rate["currency"] for rate in rates} == {currency}
        return [float(rate["amount"]) for rate in rates]

    light, heavy = await prices(400), await prices(5000)
    assert len(light) >= 3
    assert all(more > less for less, more in zip(light, heavy, strict=True))


@needs_descriptions
async def test_the_services_are_shippos(customer: Customer) -> None:
    schemas = descriptions.shippo()["components"]["schemas"]
    levels = (set(one["enum"]) for name, one in schemas.items() if re.fullmatch("ServiceLevel.*Enum", name))
    known, carriers = set().union(*levels), set(schemas["CarriersEnum"]["enum"])
    for country, postcode in (("GB", "SW1A 1AA"), ("US", "94117"), ("DE", "10115"), ("FR", "75001")):
        for rate in await customer.quote(country=country, zip=postcode):
            assert rate["servicelevel"]["token"] in known
            assert rate["provider"].lower().replace(" ", "_") in carriers


async def test_no_rate_where_nobody_delivers(customer: Customer) -> None:
    assert await customer.quote(country="KP", zip="") == []
    assert await customer.quote(weight_grams=90_000) == []
    assert len(await customer.quote(country="FR", zip="75001")) >= 3


async def test_a_declaration_is_read_again(customer: Customer) -> None:
    made = (await customer.post("/customs/declarations", DECLARATION)).json()
    assert (await customer.get(f"/customs/declarations/{made['object_id']}")).json() == made


async def test_a_label_across_a_border_needs_a_customs_declaration(customer: Customer) -> None:
    made = (await customer.post("/customs/declarations", DECLARATION)).json()
    for declaration, status in ((made["object_id"], "SUCCESS"), ("", "ERROR")):
        rates = await customer.quote(country="FR", zip="75001", customs_declaration=declaration)
        assert (await customer.buy(rates[0]["object_id"]))["status"] == status
    await customer.buy()
    (passed,) = (await customer.http.get("/_simulator/consignments")).json()
    assert passed["reference"] == KEY.partition("/")[0]
    assert [one["tariff_number"] for one in passed["items"]] == [ITEM["tariff_number"]]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"contents_type": "TOYS"}, "contents_type"),
        ({"certify": False}, "certify"),
        ({"certify_signer": ""}, "certify_signer"),
        ({"incoterm": "EXW"}, "incoterm"),
        ({"items": []}, "items"),
        ({"items": [ITEM | {"origin_country": ""}]}, "items"),
        ({"items": [ITEM | {"value_amount": "0"}]}, "items"),
        ({"items": [ITEM | {"quantity": 0}]}, "items"),
    ],
)
async def test_what_is_wrong_with_a_declaration_is_told(customer: Customer, wrong: dict[str, Any], field: str) -> None:
    answer = await customer.post("/customs/declarations", DECLARATION | wrong)
    assert (answer.status_code, list(answer.json())) == (400, [field])


async def test_a_label_is_found_by_its_rate_and_carries_reference_and_key(
    http: httpx.AsyncClient, customer: Customer
) -> None:
    label = await customer.buy()
    await customer.buy()
    assert (label["status"], label["metadata"]) == ("SUCCESS", KEY)
    assert label["tracking_number"]
    found = (await customer.get("/transactions", rate=label["rate"])).json()["results"]
    assert [one["object_id"] for one in found] == [label["object_id"]]
    effects = (await http.get("/_simulator/effects", params={"reference": "shop-uk:5001"})).json()
    assert effects[0]["object_id"] == label["object_id"]
    assert (effects[0]["key"], effects[0]["amount"], effects[0]["currency"]) == (KEY, "3.49", "GBP")


async def test_the_list_is_paged_newest_first(http: httpx.AsyncClient, customer: Customer) -> None:
    rates = await customer.quote()
    bought = [(await customer.buy(rate["object_id"]))["object_id"] for rate in rates[:3]]
    first = (await customer.get("/transactions", results=2)).json()
    assert "previous" not in first
    second = (await http.get(first["next"], headers=customer.headers)).json()
    assert "next" not in second
    assert [label["object_id"] for label in first["results"] + second["results"]] == bought[::-1]
    assert (await customer.get("/transactions", object_status="ERROR")).json()["results"] == []


@pytest.mark.parametrize(("grams", "postcode"), [(30_500, "SW1A 1AA"), (900, "NOWHERE")])
async def test_the_carrier_refuses_a_label(
    grams: int, postcode: str, http: httpx.AsyncClient, customer: Customer
) -> None:
    rate = (await customer.quote(grams, zip=postcode))[0]
    label = await customer.buy(rate["object_id"])
    assert label["status"] == "ERROR"
    assert label["messages"][0]["source"] == rate["provider"]
    assert label["messages"][0]["text"]
    assert await operations(http) == []


async def test_a_label_is_queued_first(http: httpx.AsyncClient, customer: Customer) -> None:
    await settings(http, label_queued_seconds=0.1)
    label = await customer.buy(**{"async": True})
    assert (label["status"], label["tracking_number"]) == ("QUEUED", "")
    assert await operations(http) == []
    await until(customer, f"/transactions/{label['object_id']}", "status", "SUCCESS")
    assert await operations(http) == ["buy-label"]
    assert (await customer.buy())["status"] == "SUCCESS"


async def test_a_refund_is_asked_for_and_confirmed_later(http: httpx.AsyncClient, customer: Customer) -> None:
    await settings(http, refund_after_seconds=0.3)
    label = await customer.buy()
    refund = (await customer.post("/refunds", {"transaction": label["object_id"]})).json()
    assert refund["status"] == "QUEUED"
    assert (await customer.get(f"/transactions/{label['object_id']}")).json()["status"] == "REFUNDPENDING"
    again = await customer.post("/refunds", {"transaction": label["object_id"]})
    assert again.status_code == 400
    await until(customer, f"/refunds/{refund['object_id']}", "status", "SUCCESS")
    assert (await customer.get(f"/transactions/{label['object_id']}")).json()["status"] == "REFUNDED"
    effects = (await http.get("/_simulator/effects")).json()
    assert [effect["operation"] for effect in effects] == ["buy-label", "request-refund", "refund"]
    assert {effect["undoes"] for effect in effects[1:]} == {label["object_id"]}


async def test_a_parcel_on_its_way_is_not_refunded(http: httpx.AsyncClient, customer: Customer) -> None:
    label = await customer.buy()
    await http.post(f"/_simulator/parcels/{label['tracking_number']}", json={"state": "TRANSIT"})
    refund = (await customer.post("/refunds", {"transaction": label["object_id"]})).json()
    await until(customer, f"/refunds/{refund['object_id']}", "status", "ERROR")
    assert (await customer.get(f"/transactions/{label['object_id']}")).json()["status"] == "REFUNDREJECTED"
    assert (await operations(http))[-1] == "refund-rejected"


async def test_a_carrier_that_rejects_the_refund(http: httpx.AsyncClient, customer: Customer) -> None:
    fault = {"connection": CONNECTION, "operation": "refunds.confirm", "kind": "refuse", "count": 1}
    await http.post("/_simulator/faults", json=fault)
    label = await customer.buy()
    await customer.post("/refunds", {"transaction": label["object_id"]})
    assert await operations(http) == ["buy-label", "request-refund", "refund-rejected"]


async def test_a_parcel_is_followed(http: httpx.AsyncClient, customer: Customer) -> None:
    label = await customer.buy()
    path = f"/tracks/hermes_uk/{label['tracking_number']}"
    assert (await customer.get(path)).json()["tracking_status"]["status"] == "PRE_TRANSIT"
    for state in ("TRANSIT", "DELIVERED"):
        await http.post(f"/_simulator/parcels/{label['tracking_number']}", json={"state": state})
        assert (await customer.get(path)).json()["tracking_status"]["status"] == state
    assert len((await customer.get(path)).json()["tracking_history"]) == 3
    assert "tracking_status" not in (await customer.get("/tracks/hermes_uk/unknown")).json()
    assert "tracking_status" not in (await customer.get(f"/tracks/usps/{label['tracking_number']}")).json()


async def test_with_autopilot_a_parcel_moves_once_its_goods_left(
    http: httpx.AsyncClient, customer: Customer, simulator: Any
) -> None:
    await settings(http, autopilot=True, transit_after_seconds=0.05, deliver_after_seconds=0.05)
    label = await customer.buy()
    simulator.world.record_effect("erp-main", "tryton", "ship", object_id="7", reference="shop-uk:5001")
    await until(customer, f"/transactions/{label['object_id']}", "tracking_status", "DELIVERED")
    history = (await customer.get(f"/tracks/hermes_uk/{label['tracking_number']}")).json()["tracking_history"]
    assert [event["status"] for event in history] == ["PRE_TRANSIT", "TRANSIT", "DELIVERED"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/addresses", {"name": "Ann"}, "country"),
        ("/addresses", {"country": "GB", "zip": 5}, "zip"),
        ("/shipments", {"address_to": ADDRESS, "parcels": []}, "address_from"),
        ("/shipments", {"address_from": ADDRESS, "address_to": ADDRESS, "parcels": []}, "parcels"),
        ("/shipments", {"address_from": ADDRESS, "address_to": ADDRESS, "parcels": [{"weight": "x"}]}, "parcels"),
        ("/shipments", {"address_from": ADDRESS, "address_to": "unknown", "parcels": []}, "address_to"),
        ("/transactions", {}, "rate"),
        ("/transactions", {"rate": "unknown"}, "rate"),
        ("/transactions", {"rate": {"id": 1}}, "rate"),
        ("/refunds", {"transaction": "unknown"}, "transaction"),
        ("/refunds", [], "detail"),
    ],
)
async def test_bad_input_is_refused_by_field(path: str, body: Any, field: str, customer: Customer) -> None:
    answer = await customer.post(path, body)
    assert answer.status_code == 400
    assert field in answer.json()


async def test_metadata_has_its_limit(customer: Customer) -> None:
    rate = (await customer.quote())[0]["object_id"]
    answer = await customer.post("/transactions", {"rate": rate, "metadata": "x" * 101})
    assert answer.status_code == 400
    assert "metadata" in answer.json()
