"""The simulated Tryton over real HTTP: REST's shapes, searching, sales, shipments, stock, errors and faults."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seamline.http import trusted
from seamline.simulator.server import Simulator, running
from tests.simulator.shopify_client import until
from tests.simulator.tryton_client import ErpClient, decimal, encoded

SHIPMENT = "stock.shipment.out"


@pytest.fixture(scope="module")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    async with running(tmp_path_factory.mktemp("tryton") / "world.db") as started:
        yield started


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=simulator.url, timeout=10, verify=trusted()) as client:
        yield client
        await client.delete("/_simulator/faults")


@pytest.fixture
def erp(http: httpx.AsyncClient, request: pytest.FixtureRequest) -> ErpClient:
    """An ERP of its own for each test, so that stock and sales are known."""
    return ErpClient(http, f"erp-{zlib.crc32(request.node.name.encode())}")


async def stock(erp: ErpClient) -> dict[str, int]:
    return dict((await erp.http.get(f"/_simulator/stock/{erp.connection}")).json())


async def effects(erp: ErpClient, reference: str) -> list[tuple[str, str, str, str | None]]:
    found = (
        await erp.http.get("/_simulator/effects", params={"reference": reference, "connection": erp.connection})
    ).json()
    return [(one["operation"], one["object_id"], one["key"], one["undoes"]) for one in found]


async def test_a_wrong_or_missing_key_is_refused(erp: ErpClient) -> None:
    wrong = await erp.send("GET", "party.party", headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 401
    assert "text/html" in wrong.headers["content-type"]
    assert (await erp.http.get(f"/tryton/{erp.connection}/erp/rest/model/party.party")).status_code == 401


async def test_a_new_erp_is_seeded(erp: ErpClient) -> None:
    (company,) = await erp.search("company.company", [], "rec_name", "currency.code")
    assert (company["id"], company["rec_name"], company["currency"]["code"]) == (1, "Seaside Goods", "GBP")
    assert company["currency"]["__name__"] == "currency.currency"
    products = await erp.search("product.product", [["type", "=", "goods"]], "code", "name", "list_price", "quantity")
    mug = next(product for product in products if product["code"] == "MUG-BLUE")
    assert (mug["name"], mug["list_price"], mug["quantity"]) == ("Enamel mug, blue", decimal("14.50"), 0.0)
    (storage,) = await erp.search("stock.location", [["code", "=", "STO"]])
    erp.headers["X-Tryton-Context"] = encoded({"company": 1, "locations": [storage["id"]]})
    (mug,) = await erp.search("product.product", [["code", "=", "MUG-BLUE"]], "quantity")
    assert mug["quantity"] == 100.0
    (warehouse,) = await erp.search("stock.location", [["type", "=", "warehouse"]], "code")
    assert warehouse["code"] == "WH"


async def test_without_fields_a_record_is_its_name(erp: ErpClient) -> None:
    (gb,) = await erp.search("country.country", [["code", "=", "GB"]])
    assert gb == {"id": gb["id"], "__name__": "country.country", "rec_name": "United Kingdom"}


async def test_domains(erp: ErpClient) -> None:
    first, _ = await erp.confirmed("shop-uk:1", ("MUG-BLUE", 1))
    second, shipment = await erp.confirmed("shop-uk:2", ("TEE-M", 2))

    async def found(*domain: Any, model: str = "sale.sale") -> set[int]:
        return {one["id"] for one in await erp.search(model, list(domain))}

    assert await found(["reference", "=", "shop-uk:2"]) == {second}
    assert await found(["reference", "!=", "shop-uk:2"]) == {first}
    assert await found(["reference", "in", ["shop-uk:1", "shop-uk:9"]]) == {first}
    assert await found(["reference", "like", "shop-uk:%"]) == {first, second}
    assert await found(["reference", "like", "SHOP-UK:%"]) == set()
    assert await found(["reference", "ilike", "SHOP-UK:%"]) == {first, second}
    assert await found("OR", ["reference", "=", "shop-uk:1"], ["id", "=", second]) == {first, second}
    assert await found(["reference", "=", "shop-uk:1"], ["state", "=", "draft"]) == set()
    assert await found(["lines.product.code", "=", "TEE-M"]) == {second}
    assert await found(["lines", "where", [["quantity", ">", 1]]]) == {second}
    assert await found(["moves.sale.reference", "=", "shop-uk:2"], model=SHIPMENT) == {shipment}
    assert await found(["shipments", "=", shipment]) == {second}
    assert await found(["party", "=", "Jo Fielding"]) == {first, second}


async def test_order_paging_and_ranges(erp: ErpClient) -> None:
    codes = [one["code"] for one in await erp.search("currency.currency", [], "code", o=encoded([["code", "ASC"]]))]
    assert codes == sorted(codes)
    page = await erp.search("currency.currency", [], "code", o=encoded([["code", "DESC"]]), s=2, p=1)
    assert [one["code"] for one in page] == sorted(codes, reverse=True)[1:3]
    ranged = await erp.send("GET", "currency.currency", headers={"Range": "records=2-4"})
    assert ranged.headers["content-range"] == f"records 2-4/{len(codes)}"
    assert len(ranged.json()) == 2


async def test_a_party_code_is_unique(erp: ErpClient) -> None:
    await erp.customer("C1")
    again = await erp.send("POST", "party.party", json={"name": "Twin", "code": "C1"})
    assert again.status_code == 400
    assert again.json() == {"status": 400, "message": "The code on party must be unique.", "description": ""}
    assert len(await erp.search("party.party", [["code", "=", "C1"]])) == 1


async def test_references_are_not_unique(erp: ErpClient) -> None:
    first = await erp.sale("shop-uk:7", ("MUG-BLUE", 1))
    second = await erp.sale("shop-uk:7", ("MUG-BLUE", 1))
    found = await erp.search("sale.sale", [["reference", "=", "shop-uk:7"]])
    assert {one["id"] for one in found} == {first, second}


async def test_a_sale_goes_through_its_states_and_makes_a_shipment(erp: ErpClient) -> None:
    sale = await erp.sale("shop-uk:1", ("MUG-BLUE", 2), ("TEE-M", 1))
    read = await erp.read("sale.sale", sale, "state", "number", "total_amount", "lines.quantity", "lines.unit_price")
    assert (read["state"], read["number"], read["total_amount"]) == ("draft", None, decimal("37.50"))
    assert [line["quantity"] for line in read["lines"]] == [2.0, 1.0]
    assert read["lines"][0]["unit_price"] == decimal("12.50")
    assert (await erp.press("sale.sale", sale, "quote", "state"))["state"] == "quotation"
    # It is processed from a queue: the answer does not know of it yet.
    assert (await erp.press("sale.sale", sale, "confirm", "state"))["state"] == "confirmed"
    done = await erp.read("sale.sale", sale, "state", "number", "sale_date", "shipments.state", "shipment_state")
    assert (done["state"], done["number"], done["shipment_state"]) == ("processing", "1", "waiting")
    assert done["sale_date"]["__class__"] == "date"
    (shipment,) = done["shipments"]
    assert (shipment["state"], shipment["__name__"]) == ("waiting", SHIPMENT)
    moves = await erp.read(SHIPMENT, shipment["id"], "outgoing_moves.product.code", "outgoing_moves.quantity")
    assert [(one["product"]["code"], one["quantity"]) for one in moves["outgoing_moves"]] == [
        ("MUG-BLUE", 2.0),
        ("TEE-M", 1.0),
    ]


async def test_taxes_are_given_by_the_company_and_counted(erp: ErpClient) -> None:
    mug = ["product.product", [["code", "=", "MUG-BLUE"]], "account_category.customer_taxes_used", "sale_uom"]
    (product,) = await erp.search(*mug)  # type: ignore[arg-type]
    (tax,) = await erp.search("account.tax", [], "rate")
    assert (product["account_category"]["customer_taxes_used"], tax["rate"]) == ([tax["id"]], decimal("0.2"))
    line = {"product": product["id"], "unit": product["sale_uom"], "quantity": 2, "unit_price": decimal("10.00")}
    body = await erp.sale_body("shop-uk:1") | {"lines": [["create", [line | {"taxes": [["add", [tax["id"]]]]}]]]}
    fields = ["untaxed_amount", "tax_amount", "total_amount", "lines.taxes"]
    made = await erp.done("POST", "sale.sale", json=body, params={"f": fields})
    amounts = [made[field] for field in fields[:3]]
    assert amounts == [decimal("20.00"), decimal("4.00"), decimal("24.00")]
    assert made["lines"][0]["taxes"] == [tax["id"]]
    wrong = {"lines": [["create", [line | {"taxes": [["add", [99]]]}]]]}
    refused = await erp.send("POST", "sale.sale", json=body | wrong)
    assert refused.json()["message"] == 'The value "99" for field "Taxes" in "Sale Line" does not exist.'
    del erp.headers["X-Tryton-Context"]
    assert (await erp.search(*mug))[0]["account_category"]["customer_taxes_used"] == []  # type: ignore[arg-type]


async def test_what_cannot_be_read_is_500_with_html(erp: ErpClient) -> None:
    """Taxes are the category's: those of a product are no field. What a link to any model leads to is not read."""
    for model, field in (("product.product", "customer_taxes_used"), ("stock.move", "origin.sale")):
        answer = await erp.send("GET", model, params={"f": field})
        assert (answer.status_code, "text/html" in answer.headers["content-type"]) == (500, True)
    assert await erp.search("stock.move", [["origin.sale.reference", "=", "shop-uk:1", "sale.line"]]) == []


@pytest.mark.parametrize("known", [True, False])
async def test_goods_come_back_from_where_they_were_sent(erp: ErpClient, known: bool) -> None:
    _, shipment = await erp.confirmed("shop-uk:1", ("MUG-BLUE", 1))
    (sent,) = await erp.search(
        "stock.move", [["shipment", "=", f"{SHIPMENT},{shipment}"], ["to_location.type", "=", "customer"]]
    )
    (warehouse,) = await erp.search(
        "stock.location", [["type", "=", "warehouse"]], "input_location", "storage_location"
    )
    move = {
        "company": 1,
        "product": await erp.the_id("product.product", code="MUG-BLUE"),
        "unit": await erp.the_id("product.uom", name="Unit"),
        "quantity": 1,
        "from_location": await erp.the_id("stock.location", type="customer"),
        "to_location": warehouse["input_location"],
        "unit_price": decimal("12.50"),
        "currency": await erp.the_id("currency.currency", code="GBP"),
        **({"origin": f"stock.move,{sent['id']}"} if known else {}),
    }
    body = {
        "company": 1,
        "customer": (await erp.customer("BACK"))[0],
        "warehouse": warehouse["id"],
        "warehouse_input": warehouse["input_location"],
        "warehouse_storage": warehouse["storage_location"],
        "incoming_moves": [["create", [move]]],
    }
    made = await erp.done("POST", "stock.shipment.out.return", json=body)
    answer = await erp.send("POST", f"stock.shipment.out.return/{made['id']}/receive", json={})
    assert answer.status_code == (200 if known else 400), answer.text
    assert known or "have no origin" in answer.json()["message"]


async def test_a_second_confirm_is_refused(erp: ErpClient) -> None:
    sale, _ = await erp.confirmed("shop-uk:1", ("MUG-BLUE", 1))
    again = await erp.send("POST", f"sale.sale/{sale}/confirm", json={})
    assert again.status_code == 400
    assert again.json()["message"] == 'You can not call "confirm" on "1" of "Sale".'


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"invoice_address": None}, "you must enter an invoice address"),
        ({"shipment_address": None}, "you must enter a shipment address"),
        ({"lines": []}, 'You can not call "quote"'),
        ({"shipment_cost_method": "order"}, 'The value for field "Shipment Cost Method"'),
    ],
)
async def test_what_a_quote_demands(erp: ErpClient, changes: dict[str, Any], message: str) -> None:
    body = await erp.sale_body("shop-uk:1", ("MUG-BLUE", 1)) | changes
    sale = (await erp.done("POST", "sale.sale", json=body))["id"]
    refused = await erp.send("POST", f"sale.sale/{sale}/quote", json={})
    assert refused.status_code == 400
    assert message in refused.json()["message"]


async def test_what_a_sale_demands(erp: ErpClient) -> None:
    body = await erp.sale_body("shop-uk:1", ("MUG-BLUE", 1))
    _, stranger = await erp.customer("OTHER")
    for changes, message in (
        ({"party": None}, 'A value is required for field "Party" in "Sale".'),
        ({"party": 9999}, 'The value "9999" for field "Party" in "Sale" does not exist.'),
        ({"shipment_address": stranger}, 'The value for field "Shipment Address" in "Sale" is not valid'),
        ({"lines": [["create", [{"quantity": 1}]]]}, 'A value is required for field "Unit Price" in "Sale Line".'),
    ):
        refused = await erp.send("POST", "sale.sale", json=body | changes)
        assert refused.status_code == 400, changes
        assert refused.json()["message"].startswith(message)
    without_company = await erp.send("POST", "sale.sale", json=body, headers={"X-Tryton-Context": ""})
    assert without_company.json()["message"] == 'A value is required for field "Company" in "Sale".'
    assert await erp.search("sale.sale", []) == []


async def test_unknown_names_and_wrong_types_are_500_with_html(erp: ErpClient) -> None:
    body = await erp.sale_body("shop-uk:1", ("MUG-BLUE", 1))
    answers = [
        await erp.send("GET", "sale.nothing"),
        await erp.send("GET", "sale.sale", params={"f": "colour"}),
        await erp.send("GET", "sale.sale", params={"d": encoded([["colour", "=", 1]])}),
        await erp.send("GET", "sale.sale", params={"d": encoded([["state", "resembles", "draft"]])}),
        await erp.send("GET", "sale.sale", params={"d": "not base64!"}),
        await erp.send("POST", "sale.sale", json=body | {"colour": "red"}),
        await erp.send("POST", "sale.sale", json=body | {"reference": 7}),
        await erp.send("POST", "sale.sale", json=body | {"lines": [["create", [{"unit_price": "12.50"}]]]}),
        await erp.send("POST", "sale.sale", content=b"{", headers={"Content-Type": "application/json"}),
    ]
    assert [answer.status_code for answer in answers] == [500] * len(answers)
    assert all("text/html" in answer.headers["content-type"] for answer in answers)


async def test_unknown_ids_are_404_and_unknown_buttons_403(erp: ErpClient) -> None:
    assert (await erp.send("GET", "sale.sale/999")).status_code == 404
    assert (await erp.send("POST", "sale.sale/999/quote", json={})).status_code == 404
    sale = await erp.sale("shop-uk:1", ("MUG-BLUE", 1))
    assert (await erp.send("POST", f"sale.sale/{sale}/explode", json={})).status_code == 403


async def test_a_record_is_written_but_not_its_state(erp: ErpClient) -> None:
    _, shipment = await erp.confirmed("shop-uk:1", ("MUG-BLUE", 1))
    written = await erp.done(
        "PUT", f"{SHIPMENT}/{shipment}", json={"reference": "shop-uk:1"}, params={"f": "reference"}
    )
    assert written["reference"] == "shop-uk:1"
    assert [one["id"] for one in await erp.search(SHIPMENT, [["reference", "=", "shop-uk:1"]])] == [shipment]
    assert (await erp.send("PUT", f"{SHIPMENT}/{shipment}", json={"state": "done"})).status_code == 400


async def test_assigning_takes_stock_and_going_through_ships(erp: ErpClient) -> None:
    _, shipment = await erp.confirmed("shop-uk:1", ("MUG-BLUE", 3))
    before = (await stock(erp))["MUG-BLUE"]
    assert (await erp.press(SHIPMENT, shipment, "assign_try", "state"))["state"] == "assigned"
    assert (await stock(erp))["MUG-BLUE"] == before - 3
    assert await effects(erp, "shop-uk:1") == [("reserve", str(shipment), "shop-uk:1/reserve#1", None)]
    for button, state in (("pick", "picked"), ("pack", "packed"), ("do", "done")):
        assert (await erp.press(SHIPMENT, shipment, button, "state"))["state"] == state
    assert (await effects(erp, "shop-uk:1"))[1][:2] == ("ship", str(shipment))
    assert (await stock(erp))["MUG-BLUE"] == before - 3
    (sale,) = await erp.search("sale.sale", [["reference", "=", "shop-uk:1"]], "shipment_state")
    assert sale["shipment_state"] == "sent"
    for button in ("cancel", "wait", "draft", "pack"):
        assert (await erp.send("POST", f"{SHIPMENT}/{shipment}/{button}", json={})).status_code == 400


async def test_stock_is_never_sold_twice(erp: ErpClient) -> None:
    _, first = await erp.confirmed("shop-uk:1", ("LAST-ONE", 1))
    _, second = await erp.confirmed("shop-uk:2", ("LAST-ONE", 1), ("MUG-BLUE", 2))
    await erp.press(SHIPMENT, first, "assign_try")
    await erp.press(SHIPMENT, second, "assign_try")
    assert (await erp.state(first), await erp.state(second)) == ("assigned", "waiting")
    partly = await erp.read(SHIPMENT, second, "partially_assigned")
    assert partly["partially_assigned"] is True
    assert (await stock(erp))["MUG-BLUE"] == 98
    assert await effects(erp, "shop-uk:2") == []
    await erp.press(SHIPMENT, first, "cancel")
    await erp.press(SHIPMENT, second, "assign_try")
    assert await erp.state(second) == "assigned"


async def test_part_of_a_line_is_assigned_and_given_back(erp: ErpClient) -> None:
    await erp.search("product.product", [])
    await erp.http.put(f"/_simulator/stock/{erp.connection}", json={"TEE-M": 2})
    _, shipment = await erp.confirmed("shop-uk:1", ("TEE-M", 5))
    await erp.press(SHIPMENT, shipment, "assign_try")
    assert (await stock(erp))["TEE-M"] == 0
    moves = await erp.read(SHIPMENT, shipment, "inventory_moves.state", "inventory_moves.quantity")
    assert {(one["state"], one["quantity"]) for one in moves["inventory_moves"]} == {("assigned", 2.0), ("draft", 3.0)}
    await erp.press(SHIPMENT, shipment, "wait")
    assert (await stock(erp))["TEE-M"] == 2
    await erp.http.put(f"/_simulator/stock/{erp.connection}", json={"TEE-M": 5})
    assert (await erp.press(SHIPMENT, shipment, "assign_try", "state"))["state"] == "assigned"
    assert (await stock(erp))["TEE-M"] == 0


@pytest.mark.parametrize("button", ["wait", "cancel"])
async def test_an_assigned_shipment_is_taken_back(erp: ErpClient, button: str) -> None:
    _, shipment = await erp.confirmed("shop-uk:1", ("MUG-BLUE", 3))
    await erp.press(SHIPMENT, shipment, "assign_try")
    answer = await erp.press(SHIPMENT, shipment, button, "state")
    assert answer["state"] == {"wait": "waiting", "cancel": "cancelled"}[button]
    assert (await stock(erp))["MUG-BLUE"] == 100
    assert (await effects(erp, "shop-uk:1"))[1] == ("release", str(shipment), "shop-uk:1/reserve#1", str(shipment))


async def test_a_packed_shipment_is_only_cancelled(erp: ErpClient) -> None:
    sale, shipment = await erp.confirmed("shop-uk:1", ("MUG-BLUE", 3))
    for button in ("assign_try", "pick", "pack"):
        await erp.press(SHIPMENT, shipment, button)
    assert (await erp.send("POST", f"{SHIPMENT}/{shipment}/wait", json={})).status_code == 400
    await erp.press(SHIPMENT, shipment, "cancel")
    assert (await stock(erp))["MUG-BLUE"] == 100
    assert (await erp.read("sale.sale", sale, "shipment_state"))["shipment_state"] == "exception"
    assert (await erp.send("POST", f"{SHIPMENT}/{shipment}/draft", json={})).status_code == 400


async def test_the_warehouse_moves_by_hand(erp: ErpClient) -> None:
    _, shipment = await erp.confirmed("shop-uk:1", ("MUG-BLUE", 1))
    path = f"/_simulator/warehouse/{erp.connection}/shipments/{shipment}"
    assert (await erp.http.post(path, json={"state": "packed"})).status_code == 409
    await erp.press(SHIPMENT, shipment, "assign_try")
    assert (await erp.http.post(path, json={"state": "packed"})).json()["state"] == "packed"
    assert await erp.state(shipment) == "packed"
    assert (await erp.http.post(path, json={"state": "done"})).json()["state"] == "done"
    assert (await erp.http.post(path, json={"state": "picked"})).status_code == 409


async def test_the_warehouse_moves_by_itself_on_autopilot(erp: ErpClient) -> None:
    settings = {"autopilot": True, "pack_after_seconds": 0.2, "hand_over_after_seconds": 0.2}
    await erp.http.put("/_simulator/settings", json=settings)
    try:
        _, shipment = await erp.confirmed("shop-uk:1", ("MUG-BLUE", 1))
        await erp.press(SHIPMENT, shipment, "assign_try")
        assert await erp.state(shipment) == "assigned"
        await until(lambda: has(erp, shipment, "packed", "done"))
        await until(lambda: has(erp, shipment, "done"))
        assert [one[0] for one in await effects(erp, "shop-uk:1")] == ["reserve", "ship"]
    finally:
        await erp.http.put("/_simulator/settings", json={"autopilot": False})


async def has(erp: ErpClient, shipment: int, *states: str) -> bool:
    return await erp.state(shipment) in states


async def test_a_confirmed_sale_is_processed_by_the_queue_alone(erp: ErpClient) -> None:
    wanted = {"connection": erp.connection, "kind": "not-processed", "delay_seconds": 600}
    assert (await erp.http.post("/_simulator/faults", json=wanted)).status_code == 201
    sale = await erp.sale("shop-uk:1", ("MUG-BLUE", 1))
    for button in ("quote", "confirm"):
        await erp.press("sale.sale", sale, button, "state")
    assert (await erp.read("sale.sale", sale, "state"))["state"] == "confirmed"
    refused = await erp.send("POST", f"sale.sale/{sale}/process")
    told = (refused.status_code, refused.json()["message"])
    assert told == (400, 'Calling button "process on "Sale" is not allowed.')


async def test_faults_in_trytons_shape(erp: ErpClient) -> None:
    sale, shipment = await erp.confirmed("shop-uk:1", ("MUG-BLUE", 1))

    async def fault(**wanted: Any) -> None:
        answer = await erp.http.post("/_simulator/faults", json={"connection": erp.connection, "count": 1, **wanted})
        assert answer.status_code == 201, answer.text

    await fault(operation=f"{SHIPMENT}.assign_try", kind="not-assigned")
    assert (await erp.press(SHIPMENT, shipment, "assign_try", "state"))["state"] == "waiting"
    assert (await stock(erp))["MUG-BLUE"] == 100

    await fault(operation=f"{SHIPMENT}.assign_try", kind="lost-reply")
    with pytest.raises(httpx.RemoteProtocolError):
        await erp.press(SHIPMENT, shipment, "assign_try")
    assert await erp.state(shipment) == "assigned"

    await fault(operation="sale.sale.search", kind="blind")
    assert await erp.search("sale.sale", [["id", "=", sale]]) == []
    assert len(await erp.search("sale.sale", [["id", "=", sale]])) == 1

    await fault(kind="refuse", field="party", reason="is blocked")
    refused = await erp.send("GET", f"sale.sale/{sale}")
    assert (refused.status_code, refused.json()["message"]) == (400, "is blocked (party)")

    await fault(kind="status", status=503)
    assert (await erp.send("GET", f"sale.sale/{sale}")).status_code == 503

    await fault(kind="throttle", delay_seconds=3)
    throttled = await erp.send("GET", f"sale.sale/{sale}")
    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "3")

    calls = (await erp.http.get("/_simulator/calls", params={"connection": erp.connection})).json()
    assert [one["outcome"] for one in calls[-3:]] == ["refuse", "status", "throttle"]


async def test_a_sku_given_stock_becomes_a_product(erp: ErpClient) -> None:
    await erp.http.put(f"/_simulator/stock/{erp.connection}", json={"NEW-SKU": 4})
    (product,) = await erp.search("product.product", [["code", "=", "NEW-SKU"]], "salable")
    assert product["salable"] is True


async def test_sales_survive_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "world.db"
    async with running(state) as first, httpx.AsyncClient(base_url=first.url) as http:
        sale, shipment = await ErpClient(http, "erp-main").confirmed("shop-uk:1", ("MUG-BLUE", 1))
    async with running(state) as second, httpx.AsyncClient(base_url=second.url) as http:
        erp = ErpClient(http, "erp-main")
        assert (await erp.read("sale.sale", sale, "shipments"))["shipments"] == [shipment]
        assert (await erp.press(SHIPMENT, shipment, "assign_try", "state"))["state"] == "assigned"
