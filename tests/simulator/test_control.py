"""The control API and the pages."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
import pytest

from seamline.simulator.app import BODY_BYTES_MAX
from seamline.simulator.server import Simulator
from tests.simulator.carrier import CONNECTION, KEY, Customer


async def test_effects_and_calls_are_filtered(http: httpx.AsyncClient) -> None:
    await Customer(http).buy()
    await Customer(http).buy(metadata="shop-uk:5002/buy-label#1")
    by_reference = (await http.get("/_simulator/effects", params={"reference": "shop-uk:5002"})).json()
    assert [effect["key"] for effect in by_reference] == ["shop-uk:5002/buy-label#1"]
    assert (await http.get("/_simulator/effects", params={"connection": "erp-main"})).json() == []
    assert (await http.get("/_simulator/effects", params={"operation": "ship"})).json() == []
    calls = (await http.get("/_simulator/calls", params={"operation": "transactions.create"})).json()
    assert [call["outcome"] for call in calls] == ["done", "done"]
    late = (await http.get("/_simulator/calls", params={"since": calls[1]["at"]})).json()
    assert [call["id"] for call in late] == [calls[1]["id"]]


async def test_what_a_system_did_that_is_not_simulated_is_entered_and_moves_its_parcel(http: httpx.AsyncClient) -> None:
    delays = {"transit_after_seconds": 0, "deliver_after_seconds": 3600}
    await http.put("/_simulator/settings", json={"autopilot": True, **delays})
    label = await Customer(http).buy(metadata="shop-uk:5002/buy-label#1")
    happened = {"connection": "erp-main", "system": "tryton", "operation": "ship", "object_id": "7"}
    marks = {"reference": "shop-uk:5002", "key": "shop-uk:5002/reserve#1"}
    assert (await http.post("/_simulator/effects", json=happened | marks)).status_code == 204
    (entered,) = (await http.get("/_simulator/effects", params={"connection": "erp-main"})).json()
    assert entered.items() >= (happened | marks).items()
    found = (await Customer(http).get(f"/transactions/{label['object_id']}")).json()
    assert found["tracking_status"] == "TRANSIT"


async def test_a_refused_and_an_unauthorised_call_are_in_the_log(http: httpx.AsyncClient) -> None:
    await Customer(http).post("/transactions", {})
    await http.get(f"/shippo/{CONNECTION}/transactions")
    outcomes = [call["outcome"] for call in (await http.get("/_simulator/calls")).json()]
    assert outcomes == ["refused", "unauthorised"]


async def test_settings_change_one_by_one(http: httpx.AsyncClient) -> None:
    before = (await http.get("/_simulator/settings")).json()
    assert before["autopilot"] is False
    answer = await http.put("/_simulator/settings", json={"pack_after_seconds": 0.5})
    assert answer.json() == before | {"pack_after_seconds": 0.5}


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PUT", "settings", {"pack_after_seconds": -1}, "pack_after_seconds"),
        ("PUT", "settings", {"speed": 1}, "speed"),
        ("PUT", "stock/erp-main", {"MUG": -1}, "MUG"),
        ("POST", "warehouse/erp-main/shipments/1", {"state": "lost"}, "state"),
        ("POST", "effects", {"connection": "erp-main", "system": "tryton", "operation": "ship"}, "object_id"),
        ("POST", "parcels/1", {"state": "LOST"}, "state"),
        ("GET", "calls?since=yesterday", None, "query.since"),
    ],
)
async def test_bad_input_is_refused_by_field(
    method: str, path: str, body: Any, field: str, http: httpx.AsyncClient
) -> None:
    answer = await http.request(method, f"/_simulator/{path}", json=body)
    assert answer.status_code == 422, answer.text
    assert [problem["field"] for problem in answer.json()["detail"]] == [field]


async def test_what_is_not_there_is_named(http: httpx.AsyncClient) -> None:
    answer = await http.post("/_simulator/parcels/SIM1", json={"state": "TRANSIT"})
    assert (answer.status_code, answer.json()["detail"].split(":")[0]) == (404, "number")
    answer = await http.post("/_simulator/warehouse/nowhere/shipments/1", json={"state": "done"})
    assert (answer.status_code, answer.json()["detail"].split(":")[0]) == (404, "connection")


async def test_a_connection_has_a_name(http: httpx.AsyncClient) -> None:
    answer = await Customer(http, "Shippo Main").get("/transactions")
    assert (answer.status_code, answer.json()["detail"].split(":")[0]) == (404, "connection")
    assert (await http.get("/_simulator/health")).json()["connections"] == {}


async def test_bodies_have_a_limit(http: httpx.AsyncClient) -> None:
    answer = await http.post("/_simulator/faults", content=b"x" * (BODY_BYTES_MAX + 1))
    assert answer.status_code == 413

    async def chunks() -> Any:
        yield b"{}"

    assert (await http.post("/_simulator/faults", content=chunks())).status_code == 411


async def test_pages_show_objects_and_the_ledger(http: httpx.AsyncClient) -> None:
    label = await Customer(http).buy()
    page = (await http.get(label["label_url"])).text
    assert KEY in page
    assert "base_url" not in page
    ledger = (await http.get("/", params={"reference": "shop-uk:5001"})).text
    assert f"/objects/{CONNECTION}/transaction/{label['object_id']}" in ledger
    assert "Nothing has happened" in (await http.get("/", params={"reference": "shop-uk:1"})).text
    assert (await http.get("/objects/erp-main/sale.sale/1")).status_code == 404
    assert (await http.get("/_simulator/health")).json()["connections"] == {CONNECTION: "shippo"}


async def test_every_effect_links_to_its_object(http: httpx.AsyncClient, simulator: Simulator) -> None:
    world = simulator.world
    things = [
        ("post-fulfilment", "fulfillment", "7", "gid://shopify/Fulfillment/7"),
        ("send-mail", "mail", "1", "<a/b@seamline.example>"),
        ("reserve", "stock.shipment.out", "3", "3"),
    ]
    for operation, kind, number, object_id in things:
        world.put("c", kind, number, {"message_id": object_id, "text": f"this is {kind}"})
        world.record_effect("c", "system", operation, object_id=object_id)
    links = re.findall(r'href="(/objects/[^"]+)"', (await http.get("/")).text)
    assert len(links) == len(things)
    for link, (_, kind, _, _) in zip(links, things, strict=True):
        assert f"this is {kind}" in (await http.get(unescape(link))).text


async def test_pages_are_escaped(http: httpx.AsyncClient, simulator: Simulator) -> None:
    attack = "<script>alert(1)</script>"
    simulator.world.put("c", "kind", "1", {attack: attack, "list": [attack]})
    simulator.world.record_effect("c", attack, attack, object_id=attack, reference=attack, key=attack)
    for path in ("/", "/objects/c/kind/1", f"/?reference={attack}", f"/objects/c/{attack}/1"):
        assert "<script" not in (await http.get(path)).text
