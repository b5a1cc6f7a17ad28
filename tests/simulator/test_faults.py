"""Every kind of fault, over real sockets, and what is left of the effect afterwards."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.simulator.carrier import CONNECTION, Customer, operations


@pytest.fixture
def customer(http: httpx.AsyncClient) -> Customer:
    return Customer(http)


async def make(http: httpx.AsyncClient, kind: str, **fields: Any) -> dict[str, Any]:
    answer = await http.post("/_simulator/faults", json={"connection": CONNECTION, "kind": kind} | fields)
    assert answer.status_code == 201, answer.text
    fault: dict[str, Any] = answer.json()
    return fault


async def until(http: httpx.AsyncClient, path: str, field: str) -> None:
    """Until the list there has an entry with this field set."""
    for _ in range(500):
        if any(one[field] for one in (await http.get(path)).json()):
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{path} never had {field}")


async def outcomes(http: httpx.AsyncClient, operation: str) -> list[str]:
    calls = await http.get("/_simulator/calls", params={"connection": CONNECTION, "operation": operation})
    return [call["outcome"] for call in calls.json()]


async def test_status_answers_so_often_and_then_works(http: httpx.AsyncClient, customer: Customer) -> None:
    rate = (await customer.quote())[0]["object_id"]
    await make(http, "status", status=502, operation="transactions.create", count=2)
    tries = [(await customer.post("/transactions", {"rate": rate})).status_code for _ in range(3)]
    assert tries == [502, 502, 201]
    assert await operations(http) == ["buy-label"]
    assert await outcomes(http, "transactions.create") == ["status", "status", "done"]


async def test_lost_reply_leaves_the_effect(http: httpx.AsyncClient, customer: Customer) -> None:
    rate = (await customer.quote())[0]["object_id"]
    await make(http, "lost-reply", operation="transactions.create", count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await customer.buy(rate)
    assert await operations(http) == ["buy-label"]
    found = (await customer.get("/transactions", rate=rate)).json()["results"]
    assert [label["status"] for label in found] == ["SUCCESS"]


@pytest.mark.parametrize(("kind", "fields"), [("timeout", {"delay_seconds": 0.01}), ("down", {})])
async def test_a_cut_connection_leaves_no_effect(
    kind: str, fields: dict[str, Any], http: httpx.AsyncClient, customer: Customer
) -> None:
    rate = (await customer.quote())[0]["object_id"]
    await make(http, kind, count=1, **fields)
    with pytest.raises(httpx.RemoteProtocolError):
        await customer.buy(rate)
    assert await operations(http) == []
    assert await outcomes(http, "transactions.create") == [kind]


async def test_a_timeout_outlasts_the_callers_patience(http: httpx.AsyncClient, customer: Customer) -> None:
    rate = (await customer.quote())[0]["object_id"]
    await make(http, "timeout", count=1, delay_seconds=5)
    with pytest.raises(httpx.ReadTimeout):
        await http.post(f"{customer.path}/transactions", json={"rate": rate}, headers=customer.headers, timeout=0.1)
    assert await operations(http) == []


async def test_down_with_a_status_answers_it(http: httpx.AsyncClient, customer: Customer) -> None:
    await make(http, "down", status=503)
    assert (await customer.get("/transactions")).status_code == 503
    assert (await customer.get("/tracks/usps/1")).status_code == 503


async def test_throttle_says_when_to_come_back(http: httpx.AsyncClient, customer: Customer) -> None:
    await make(http, "throttle", delay_seconds=7, count=1)
    answer = await customer.get("/transactions")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert "throttled" in answer.json()["detail"]


async def test_slow_works_late(http: httpx.AsyncClient, customer: Customer) -> None:
    await make(http, "slow", delay_seconds=0.05, count=1)
    answer = await customer.get("/transactions")
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.05


async def test_a_late_reply_comes_after_the_effect(http: httpx.AsyncClient, customer: Customer) -> None:
    rate = (await customer.quote())[0]["object_id"]
    fault = await make(http, "late-reply", operation="transactions.create", delay_seconds=60, count=1)
    buying = asyncio.create_task(customer.buy(rate))
    await until(http, "/_simulator/effects", "id")
    assert not buying.done()
    assert (await http.delete(f"/_simulator/faults/{fault['id']}")).status_code == 204
    assert (await buying)["status"] == "SUCCESS"


@pytest.mark.parametrize(("kind", "lasting"), [("slow", ["buy-label"]), ("timeout", [])])
async def test_what_a_fault_keeps_waiting_goes_on_when_it_is_deleted(
    kind: str, lasting: list[str], http: httpx.AsyncClient, customer: Customer
) -> None:
    rate = (await customer.quote())[0]["object_id"]
    fault = await make(http, kind, operation="transactions.create", delay_seconds=60)
    buying = asyncio.create_task(customer.buy(rate))
    await until(http, "/_simulator/faults", "hits")
    assert await operations(http) == []
    assert (await http.delete(f"/_simulator/faults/{fault['id']}")).status_code == 204
    await asyncio.gather(buying, return_exceptions=True)
    assert await operations(http) == lasting
    assert (await http.delete(f"/_simulator/faults/{fault['id']}")).status_code == 404


async def test_blind_hides_from_searches_only(http: httpx.AsyncClient, customer: Customer) -> None:
    label = await customer.buy()
    await make(http, "blind")
    assert (await customer.get("/transactions", rate=label["rate"])).json()["results"] == []
    assert (await customer.get(f"/transactions/{label['object_id']}")).json()["status"] == "SUCCESS"


async def test_refuse_speaks_the_vendors_words(http: httpx.AsyncClient, customer: Customer) -> None:
    rate = (await customer.quote())[0]["object_id"]
    await make(http, "refuse", operation="transactions.create", reason="Recipient phone is missing.", count=1)
    label = await customer.buy(rate)
    assert label["status"] == "ERROR"
    assert [message["text"] for message in label["messages"]] == ["Recipient phone is missing."]
    await make(http, "refuse", operation="refunds.create", reason="not today", field="transaction", count=1)
    answer = await customer.post("/refunds", {"transaction": label["object_id"]})
    assert (answer.status_code, answer.json()) == (400, {"transaction": ["not today"]})
    assert await operations(http) == []


async def test_probability_throws_alike_for_one_seed(http: httpx.AsyncClient, customer: Customer) -> None:
    async def throws(seed: int) -> list[int]:
        await http.delete("/_simulator/faults")
        await make(http, "status", status=500, probability=0.5, seed=seed)
        return [(await customer.get("/transactions")).status_code for _ in range(12)]

    first = await throws(1)
    assert set(first) == {200, 500}
    assert await throws(1) == first
    assert await throws(2) != first


async def test_a_fault_ends_by_time_or_when_deleted(http: httpx.AsyncClient, customer: Customer) -> None:
    await make(http, "status", status=500, seconds=2)
    assert (await customer.get("/transactions")).status_code == 500
    async with httpx.AsyncClient(timeout=5) as waiting:
        for _ in range(200):
            answer = await waiting.get(
                str(http.base_url.join(f"{customer.path}/transactions")), headers=customer.headers
            )
            if answer.status_code == 200:
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("the fault outlasted its seconds")
    await make(http, "status", status=500)
    assert (await http.delete("/_simulator/faults")).status_code == 204
    assert (await http.get("/_simulator/faults")).json() == []
    assert (await customer.get("/transactions")).status_code == 200


async def test_a_fault_hits_its_connection_and_operation_alone(http: httpx.AsyncClient, customer: Customer) -> None:
    await make(http, "status", status=500, operation="tracks.get")
    assert (await customer.get("/transactions")).status_code == 200
    assert (await Customer(http, "shippo-two").get("/tracks/usps/1")).status_code == 200
    assert (await customer.get("/tracks/usps/1")).status_code == 500
    assert [fault["hits"] for fault in (await http.get("/_simulator/faults")).json()] == [1]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "explode"}, "kind"),
        ({"kind": "status"}, "status"),
        ({"kind": "status", "status": 200}, "status"),
        ({"kind": "down", "count": 0}, "count"),
        ({"kind": "down", "probability": 2}, "probability"),
        ({"kind": "down", "sconds": 3}, "sconds"),
        ({"kind": "slow", "delay_seconds": -1}, "delay_seconds"),
        ({"connection": "", "kind": "down"}, "connection"),
    ],
)
async def test_a_wrong_fault_is_refused_by_field(fields: dict[str, Any], field: str, http: httpx.AsyncClient) -> None:
    answer = await http.post("/_simulator/faults", json={"connection": CONNECTION} | fields)
    assert answer.status_code == 422
    problem = answer.json()["detail"][0]
    assert field in (problem["field"], *problem["reason"].split())
