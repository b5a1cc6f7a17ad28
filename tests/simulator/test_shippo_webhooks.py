"""Webhooks of the simulated Shippo: subscribed over its API, in its published shapes, tried again as Shippo does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator

from seamline.simulator.server import running
from tests.contract import descriptions
from tests.contract.descriptions import needs_descriptions
from tests.simulator.carrier import HEADERS, KEY, Customer
from tests.simulator.shopify_client import Inbox, inbox


@pytest.fixture
async def box() -> AsyncIterator[Inbox]:
    async with inbox() as opened:
        yield opened


@pytest.fixture
def customer(http: httpx.AsyncClient) -> Customer:
    return Customer(http)


async def subscribe(customer: Customer, box: Inbox, event: str = "all", **more: Any) -> dict[str, Any]:
    wanted = {"url": f"{box.url}?token=s3cret", "event": event, "is_test": True, **more}
    answer = await customer.post("/webhooks", wanted)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def told(box: Inbox, event: str) -> list[dict[str, Any]]:
    """What was told under this event's name."""
    bodies = [json.loads(body) for _, body in box.received]
    assert {body["test"] for body in bodies} <= {True}
    return [body["data"] for body in bodies if body["event"] == event]


async def test_a_label_and_its_parcel_are_told(http: httpx.AsyncClient, customer: Customer, box: Inbox) -> None:
    await subscribe(customer, box)
    label = await customer.buy()
    await box.until(2)
    [bought], [parcel] = told(box, "transaction_updated"), told(box, "track_updated")
    assert (bought["object_id"], bought["status"], bought["metadata"]) == (label["object_id"], "SUCCESS", KEY)
    assert bought["rate"]["object_id"] == label["rate"]
    assert "private" not in bought
    assert (parcel["tracking_status"]["status"], parcel["metadata"]) == ("PRE_TRANSIT", KEY)
    await http.post(f"/_simulator/parcels/{label['tracking_number']}", json={"state": "DELIVERED"})
    await box.until(4)
    assert told(box, "track_updated")[1]["tracking_status"]["status"] == "DELIVERED"
    assert told(box, "transaction_updated")[1]["tracking_status"] == "DELIVERED"


async def test_each_event_goes_to_its_own_subscription(customer: Customer, box: Inbox) -> None:
    made = await subscribe(customer, box, "transaction_updated")
    label = await customer.buy()
    await customer.post("/refunds", {"transaction": label["object_id"]})
    await box.until(3)
    assert [one["status"] for one in told(box, "transaction_updated")] == ["SUCCESS", "REFUNDPENDING", "REFUNDED"]
    assert len(box.received) == 3
    assert (await customer.get("/webhooks")).json()["results"] == [made]
    assert await subscribe(customer, box, "transaction_updated") == made
    path = f"{customer.path}/webhooks/{made['object_id']}"
    assert (await customer.http.delete(path, headers=HEADERS)).status_code == 204
    assert (await customer.http.delete(path, headers=HEADERS)).status_code == 404
    assert (await customer.get("/webhooks")).json()["results"] == []


async def test_test_labels_are_told_to_test_webhooks_only(customer: Customer, box: Inbox) -> None:
    await subscribe(customer, box, "transaction_updated", is_test=False)
    await subscribe(customer, box, "track_updated")
    await customer.buy()
    await box.until(1)
    assert told(box, "transaction_updated") == []


@pytest.mark.parametrize(("answers", "tries"), [([503, 429], 3), ([400], 1), ([500, 500, 500], 3)])
async def test_it_tries_twice_more_where_that_may_help(
    customer: Customer, box: Inbox, answers: list[int], tries: int
) -> None:
    box.answers = list(answers)
    await subscribe(customer, box, "transaction_updated")
    await customer.buy()
    await box.until(tries)
    # Two more, each tried three times, take longer than the pause after which a try too many would have come.
    for later in (1, 2):
        box.answers = [503, 503]
        await customer.buy()
        await box.until(tries + 3 * later)
    bodies = [body for _, body in box.received]
    assert bodies.count(bodies[0]) == tries


async def test_an_untaken_event_survives_a_restart(tmp_path: Path, box: Inbox) -> None:
    state = tmp_path / "restarted.db"
    box.answers = [503]
    async with running(state) as first, httpx.AsyncClient(base_url=first.url) as http:
        await subscribe(Customer(http), box, "transaction_updated")
        await Customer(http).buy()
        await box.until(1)
    async with running(state):
        await box.until(2)
    assert len({body for _, body in box.received}) == 1


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"event": "all"}, "url"),
        ({"url": "nowhere", "event": "all"}, "url"),
        ({"url": "http://127.0.0.1/" + "x" * 200, "event": "all"}, "url"),
        ({"url": "http://127.0.0.1/", "event": "label_bought"}, "event"),
    ],
)
async def test_a_wrong_subscription_is_refused(customer: Customer, wanted: dict[str, str], field: str) -> None:
    answer = await customer.post("/webhooks", wanted)
    assert answer.status_code == 400
    assert list(answer.json()) == [field]


@needs_descriptions
async def test_what_is_told_has_the_published_shapes(customer: Customer, box: Inbox) -> None:
    await subscribe(customer, box)
    await customer.buy()
    await box.until(2)
    for event, name in (("transaction_updated", "Transaction"), ("track_updated", "Track")):
        [data] = told(box, event)
        # The description has a rate's id here; the page on webhooks shows the rate itself.
        flat = data | {"rate": data["rate"]["object_id"]} if name == "Transaction" else data
        schema = {"$ref": f"#/components/schemas/{name}", "components": descriptions.shippo()["components"]}
        assert [error.message for error in OAS30Validator(schema).iter_errors(flat)] == []
