"""The door: what a vendor tells reaches the processes that want it and run, once, and starts none by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode

from seamline.api.app import create_app
from seamline.child import free_port
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.event import EventKind
from seamline.settings import Connection, Settings
from tests.api.vendors import SECRET, number, signed
from tests.conftest import real_server


@process("ship-order")
class ShipOrder(Process):
    """Never run here: the tests look at what Temporal was given."""

    roles = ("shop",)
    origin = "shop"
    starts_on = (EventKind.ORDER_PAID, EventKind.ORDER_AUTHORIZED)
    hears = (EventKind.ORDER_PAID, EventKind.ORDER_CANCELLED, EventKind.ORDER_EDITED, EventKind.LABEL_CHANGED)

    async def run(self, start: Start) -> Outcome:
        """Nothing."""
        return self.ignored("a test")


@process("watch-parcel")
class WatchParcel(Process):
    """Never run either."""

    roles = ("carrier",)
    hears = (EventKind.PARCEL_MOVED, EventKind.ORDER_CANCELLED)

    async def run(self, start: Start) -> Outcome:
        """Nothing."""
        return self.ignored("a test")


SETTINGS = Settings(
    connections={
        "shop-uk": Connection(system="shopify", webhook_secret=SECRET),
        "shippo-main": Connection(system="shippo", webhook_secret=SECRET),
    }
)


class Vendors:
    """The shop and the carrier, as the door sees them."""

    def __init__(self, client: Client) -> None:
        self.client = client
        app = create_app(SETTINGS, client, {"ship-order": ShipOrder, "watch-parcel": WatchParcel})
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://api")

    async def shop(self, topic: str, order: int, **more: Any) -> httpx.Response:
        """The shop tells of an order."""
        body = json.dumps({"id": order, **more}).encode()
        return await self.http.post("/webhooks/shop-uk", content=body, headers=signed(body, topic))

    async def carrier(self, event: str, data: Any, token: str = SECRET) -> httpx.Response:
        """The carrier tells of a parcel or a label."""
        return await self.http.post(f"/webhooks/shippo-main?token={token}", json={"event": event, "data": data})

    async def runs(self, name: str, order: int) -> str:
        """A process of an order, started: its workflow id."""
        identity = f"{name}:shop-uk:{order}"
        await self.client.start_workflow(name, id=identity, task_queue="nobody")
        return identity

    async def told(self, identity: str) -> list[dict[str, Any]]:
        """The events that Temporal has for a process."""
        history = await self.client.get_workflow_handle(identity).fetch_history()
        kind = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
        signals = [one.workflow_execution_signaled_event_attributes for one in history.events if one.event_type == kind]
        assert {one.signal_name for one in signals} <= {"happened"}
        return [json.loads(one.input.payloads[0].data) for one in signals]

    async def knows(self, identity: str) -> bool:
        """Whether Temporal has a process of this id."""
        try:
            await self.client.get_workflow_handle(identity).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True


@pytest.fixture
async def vendors(client: Client) -> AsyncIterator[Vendors]:
    vendors = Vendors(client)
    async with vendors.http:
        yield vendors


async def test_every_running_process_that_wants_an_event_is_told(vendors: Vendors) -> None:
    order = number()
    shipping, watching = await vendors.runs("ship-order", order), await vendors.runs("watch-parcel", order)
    answer = await vendors.shop("orders/cancelled", order, cancelled_at="2026-11-22T11:00:00Z")
    assert (answer.status_code, answer.json()) == (200, {"started": False, "told": [shipping, watching]})
    await vendors.shop("orders/edited", 7, order_edit={"id": 1, "order_id": order})
    assert [one["kind"] for one in await vendors.told(shipping)] == ["order-cancelled", "order-edited"]
    [event] = await vendors.told(watching)
    delivery_id = event.pop("delivery_id")
    assert len(delivery_id) == 64
    assert event == {
        "kind": "order-cancelled",
        "topic": "orders/cancelled",
        "external_id": str(order),
        "reference": "",
    }


async def test_the_carrier_names_our_order_in_its_metadata(vendors: Vendors) -> None:
    order = number()
    shipping, watching = await vendors.runs("ship-order", order), await vendors.runs("watch-parcel", order)
    data = {"metadata": f"shop-uk:{order}/buy-label#1", "tracking_number": "X1"}
    assert (await vendors.carrier("track_updated", data)).json()["told"] == [watching]
    assert (await vendors.carrier("transaction_updated", data)).json()["told"] == [shipping]
    [moved] = await vendors.told(watching)
    assert (moved["kind"], moved["reference"]) == ("parcel-moved", f"shop-uk:{order}")
    assert [one["kind"] for one in await vendors.told(shipping)] == ["label-changed"]


@pytest.mark.parametrize("metadata", [None, "", "Order 000123", "shop-uk:1", "/buy-label#1", {"order": 1}, "x" * 101])
async def test_metadata_that_is_not_ours_is_acknowledged_and_ignored(vendors: Vendors, metadata: Any) -> None:
    answer = await vendors.carrier("track_updated", {"metadata": metadata, "tracking_number": "X1"})
    assert answer.status_code == 200
    assert answer.json()["ignored"] == "this track_updated carries no reference of ours"


async def test_a_wrong_token_tells_nobody(vendors: Vendors) -> None:
    order = number()
    watching = await vendors.runs("watch-parcel", order)
    answer = await vendors.carrier("track_updated", {"metadata": f"shop-uk:{order}/buy-label#1"}, token="guessed")
    assert answer.status_code == 401
    assert "guessed" not in answer.text
    assert await vendors.told(watching) == []


async def test_a_hundred_copies_of_an_event_are_one_signal(vendors: Vendors) -> None:
    order = number()
    shipping = await vendors.runs("ship-order", order)
    answers = await asyncio.gather(*(vendors.shop("orders/edited", order, order_id=order) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await vendors.told(shipping)) == 1
    await vendors.shop("orders/edited", order, order_id=order, updated_at="later")
    assert len(await vendors.told(shipping)) == 2


async def test_a_copy_with_other_headers_is_still_a_copy(vendors: Vendors) -> None:
    order = number()
    shipping = await vendors.runs("ship-order", order)
    body = json.dumps({"id": order}).encode()
    for delivery in ("a", "b"):
        headers = {**signed(body, "orders/paid"), "X-Shopify-Webhook-Id": delivery, "X-Shopify-Event-Id": delivery}
        await vendors.http.post("/webhooks/shop-uk", content=body, headers=headers)
    assert len(await vendors.told(shipping)) == 1


async def test_a_start_event_starts_and_later_ones_are_told(vendors: Vendors) -> None:
    order = number()
    first = await vendors.shop("orders/create", order, financial_status="authorized")
    identity = f"ship-order:shop-uk:{order}"
    assert first.json() == {"workflow_id": identity, "started": True, "told": []}
    assert await vendors.told(identity) == []
    second = await vendors.shop("orders/paid", order, financial_status="paid")
    assert second.json() == {"workflow_id": identity, "started": False, "told": [identity]}
    assert [one["kind"] for one in await vendors.told(identity)] == ["order-paid"]


async def test_a_new_order_that_is_not_authorised_starts_nothing(vendors: Vendors) -> None:
    order = number()
    answer = await vendors.shop("orders/create", order, financial_status="pending")
    assert answer.json()["ignored"] == "no process wants orders/create"
    assert not await vendors.knows(f"ship-order:shop-uk:{order}")


async def test_a_mere_event_starts_nothing_and_does_not_bar_the_start(vendors: Vendors) -> None:
    order = number()
    cancelled = await vendors.shop("orders/cancelled", order, cancelled_at="2026-11-22T11:00:00Z")
    assert cancelled.status_code == 200
    assert cancelled.json()["ignored"].startswith("no process takes orders/cancelled for this object")
    assert not await vendors.knows(f"ship-order:shop-uk:{order}")
    paid = await vendors.shop("orders/paid", order)
    assert paid.json() == {"workflow_id": f"ship-order:shop-uk:{order}", "started": True, "told": []}


async def test_a_process_that_ended_is_left_alone(vendors: Vendors) -> None:
    order = number()
    identity = await vendors.runs("ship-order", order)
    await vendors.client.get_workflow_handle(identity).terminate()
    assert "ignored" in (await vendors.shop("orders/edited", order)).json()
    paid = await vendors.shop("orders/paid", order)
    assert paid.json() == {"workflow_id": identity, "started": False, "told": []}
    assert await vendors.told(identity) == []


async def test_a_topic_that_the_signed_body_denies_is_400(vendors: Vendors) -> None:
    order = number()
    identity = await vendors.runs("ship-order", order)
    answer = await vendors.shop("orders/cancelled", order, cancelled_at=None)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("cancelled_at:")
    assert await vendors.told(identity) == []


async def test_a_number_that_makes_no_reference_is_400(vendors: Vendors) -> None:
    answer = await vendors.shop("orders/edited", 10**60)
    assert answer.status_code == 400
    assert answer.json()["problems"][0]["field"] == "external id"


async def test_while_temporal_is_away_no_event_is_acknowledged() -> None:
    nowhere = await Client.connect(f"127.0.0.1:{free_port()}", lazy=True, data_converter=pydantic_data_converter)
    vendors = Vendors(nowhere)
    async with vendors.http:
        answer = await vendors.shop("orders/edited", number())
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_what_a_process_can_take_no_more_is_acknowledged_and_ignored() -> None:
    async with real_server("--dynamic-config-value", "history.maximumSignalsPerExecution=2") as environment:
        vendors = Vendors(environment.client)
        order = number()
        shipping = await vendors.runs("ship-order", order)
        async with vendors.http:
            answers = [(await vendors.shop("orders/edited", order, round=one)).json() for one in range(3)]
        assert [answer["told"] for answer in answers] == [[shipping], [shipping], []]
        assert answers[2]["ignored"]
        assert len(await vendors.told(shipping)) == 2
