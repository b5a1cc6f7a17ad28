"""What the simulated Shippo answers is what Shippo's published description says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from openapi_schema_validator import OAS30Validator

from tests.simulator.carrier import ADDRESS, DECLARATION, Customer, parcel

SPECS = os.environ.get("SEAMLINE_SPECS")
pytestmark = pytest.mark.skipif(not SPECS, reason="SEAMLINE_SPECS is not set: the vendors' descriptions are not here")


@pytest.fixture(scope="module")
def description() -> Any:
    return yaml.safe_load((Path(SPECS or "") / "shippo" / "openapi.yaml").read_text())


@pytest.fixture
def customer(http: httpx.AsyncClient) -> Customer:
    return Customer(http)


def assert_valid(description: Any, name: str, body: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": description["components"]}
    errors = [f"{list(error.absolute_path)}: {error.message}" for error in OAS30Validator(schema).iter_errors(body)]
    assert errors == []


async def test_addresses(description: Any, customer: Customer) -> None:
    for postcode in ("SW1A 1AA", "ZZ9 9ZZ"):
        answer = await customer.post("/addresses", ADDRESS | {"zip": postcode, "validate": True})
        assert_valid(description, "Address", answer.json())


async def test_shipments(description: Any, customer: Customer) -> None:
    for country in ("GB", "FR", "KP"):
        body = {"address_from": ADDRESS, "address_to": ADDRESS | {"country": country}, "parcels": [parcel()]}
        assert_valid(description, "Shipment", (await customer.post("/shipments", body)).json())


async def test_customs_declarations(description: Any, customer: Customer) -> None:
    made = (await customer.post("/customs/declarations", DECLARATION)).json()
    assert_valid(description, "CustomsDeclaration", made)
    assert_valid(
        description, "CustomsDeclaration", (await customer.get(f"/customs/declarations/{made['object_id']}")).json()
    )


async def test_the_services_are_shippos(description: Any, customer: Customer) -> None:
    levels = (set(schema["enum"]) for name, schema in description["components"]["schemas"].items() if _is_level(name))
    known = set().union(*levels)
    carriers = set(description["components"]["schemas"]["CarriersEnum"]["enum"])
    for country, postcode in (("GB", "SW1A 1AA"), ("US", "94117"), ("DE", "10115"), ("FR", "75001")):
        place = ADDRESS | {"country": country, "zip": postcode}
        body = {"address_from": place, "address_to": place, "parcels": [parcel()]}
        for rate in (await customer.post("/shipments", body)).json()["rates"]:
            assert rate["servicelevel"]["token"] in known
            assert rate["provider"].lower().replace(" ", "_") in carriers


def _is_level(name: str) -> bool:
    return name.startswith("ServiceLevel") and name.endswith("Enum")


async def test_transactions_and_refunds(description: Any, http: httpx.AsyncClient, customer: Customer) -> None:
    await http.put("/_simulator/settings", json={"label_queued_seconds": 60})
    assert_valid(description, "Transaction", await customer.buy(**{"async": True}))
    label = await customer.buy()
    assert_valid(description, "Transaction", label)
    assert_valid(description, "Transaction", await customer.buy((await customer.quote(31_000))[0]["object_id"]))
    for page in (1, 2):
        body = (await customer.get("/transactions", page=page, results=2)).json()
        assert_valid(description, "TransactionPaginatedList", body)
    refund = (await customer.post("/refunds", {"transaction": label["object_id"]})).json()
    assert_valid(description, "Refund", refund)
    assert_valid(description, "Refund", (await customer.get(f"/refunds/{refund['object_id']}")).json())
    assert_valid(description, "Transaction", (await customer.get(f"/transactions/{label['object_id']}")).json())


async def test_tracks(description: Any, http: httpx.AsyncClient, customer: Customer) -> None:
    label = await customer.buy()
    await http.post(f"/_simulator/parcels/{label['tracking_number']}", json={"state": "DELIVERED"})
    for number in (label["tracking_number"], "unknown"):
        assert_valid(description, "Track", (await customer.get(f"/tracks/hermes_uk/{number}")).json())
