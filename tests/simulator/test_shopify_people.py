"""What people do in the simulated shop beside money: holds, pre-orders, returns; and what is left to send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seamline.simulator.server import running


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running(tmp_path / "world.db") as simulator,
        httpx.AsyncClient(base_url=f"{simulator.url}/_simulator") as client,
    ):
        yield client


async def order(http: httpx.AsyncClient, **wanted: Any) -> str:
    """A new order's path."""
    made = await http.post("/shops/shop-uk/orders", json=wanted)
    return f"/shops/shop-uk/orders/{made.json()['id']}"


async def hold(http: httpx.AsyncClient, path: str, *, held: bool) -> int:
    return (await http.post(f"{path}/holds", json={"held": held})).status_code


async def operations(http: httpx.AsyncClient) -> list[str]:
    return [one["operation"] for one in (await http.get("/effects")).json()]


@pytest.mark.parametrize("status", ["ON_HOLD", "SCHEDULED"])
async def test_what_others_hold_is_released_once(http: httpx.AsyncClient, status: str) -> None:
    path = await order(http, fulfillment_order_status=status)
    assert (await http.post(f"{path}/fulfil", json={})).status_code == 409
    assert [await hold(http, path, held=False), await hold(http, path, held=False)] == [200, 409]
    assert await operations(http) == ["release-by-hand"]
    assert (await http.post(f"{path}/fulfil", json={})).status_code == 200


async def test_what_is_left_can_be_held(http: httpx.AsyncClient) -> None:
    path = await order(http)
    assert [await hold(http, path, held=True), await hold(http, path, held=True)] == [200, 409]
    assert (await http.post(f"{path}/fulfil", json={})).status_code == 409
    assert await hold(http, path, held=False) == 200
    assert await operations(http) == ["hold-by-hand", "release-by-hand"]


async def test_what_a_shop_has_left_to_send(http: httpx.AsyncClient) -> None:
    path = await order(http, lines=[{"quantity": 3}, {"sku": "E-BOOK", "requires_shipping": False}])
    await order(http, delivery="PICK_UP")
    await order(http, fulfillment_service=True)
    gone = await order(http)
    await http.post(f"{gone}/cancel", json={})
    reference = f"shop-uk:{path.rpartition('/')[2]}"
    assert (await http.get("/unsent")).json() == [{"reference": reference, "pieces": 3}]
    await http.post(f"{path}/fulfil", json={"quantities": {"MUG-BLUE": 2}})
    assert (await http.get("/unsent")).json() == [{"reference": reference, "pieces": 1}]
    await http.post(f"{path}/fulfil", json={})
    assert (await http.get("/unsent")).json() == []


async def test_a_return_is_cancelled_once(http: httpx.AsyncClient) -> None:
    path = await order(http)
    await http.post(f"{path}/fulfil", json={})
    back = (await http.post(f"{path}/returns", json={"quantities": {"MUG-BLUE": 1}})).json()
    cancel = f"{path}/returns/{back['id']}/cancel"
    assert [(await http.post(cancel)).status_code for _ in range(2)] == [200, 409]
    assert (await http.post(f"{path}/returns/1/cancel")).status_code == 409
    again = await http.post(f"{path}/returns", json={"quantities": {"MUG-BLUE": 1}})
    assert again.status_code == 201
