"""The door: what is accepted is in Temporal, and what is not says why."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from seamline.api.app import create_app
from seamline.child import free_port
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.event import EventKind
from seamline.service_settings import ApiSettings
from seamline.settings import Connection, Settings
from tests.api.vendors import SECRET, number, signed
from tests.jumping import jumped

TOKEN = "api-token"


@process("ship-it")
class ShipIt(Process):
    """Never run here: the tests look at what Temporal was given."""

    roles = ("shop",)
    origin = "shop"
    starts_on = (EventKind.ORDER_PAID,)

    async def run(self, start: Start) -> Outcome:
        """Nothing."""
        return self.ignored("a test")


SETTINGS = Settings(
    connections={
        "shop-uk": Connection(system="shopify", webhook_secret=SECRET),
        "shop-open": Connection(system="shopify"),
        "erp-main": Connection(system="tryton"),
    },
    api=ApiSettings(body_limit_bytes=1000, body_timeout_seconds=0.5, token=TOKEN),
    temporal_ui_url="http://ui.example",
)


def api_over(client: Client) -> httpx.AsyncClient:
    app = create_app(SETTINGS, client, {"ship-it": ShipIt})
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://api", headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.fixture
async def api(client: Client) -> AsyncIterator[httpx.AsyncClient]:
    async with api_over(client) as api:
        yield api


@asynccontextmanager
async def api_at(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """The API over a Temporal that may not be there."""
    client = await Client.connect(address, lazy=True, data_converter=pydantic_data_converter)
    async with api_over(client) as api:
        yield api


@pytest.fixture
async def api_without_temporal() -> AsyncIterator[httpx.AsyncClient]:
    async with api_at(f"127.0.0.1:{free_port()}") as api:
        yield api


async def paid(api: httpx.AsyncClient, order: int) -> httpx.Response:
    body = json.dumps({"id": order}).encode()
    return await api.post("/webhooks/shop-uk", content=body, headers=signed(body))


async def test_a_webhook_that_comes_five_times_at_once_starts_one_process(
    api: httpx.AsyncClient, client: Client
) -> None:
    order = number()
    answers = await asyncio.gather(*(paid(api, order) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert sorted(answer.json()["started"] for answer in answers) == [False] * 4 + [True]
    described = await client.get_workflow_handle(f"ship-it:shop-uk:{order}").describe()
    assert await described.memo() == {"reference": f"shop-uk:{order}"}
    assert described.task_queue == "seamline"


async def test_the_process_carries_route_policy_and_who_started_it(api: httpx.AsyncClient, client: Client) -> None:
    order = number()
    await paid(api, order)
    history = await client.get_workflow_handle(f"ship-it:shop-uk:{order}").fetch_history()
    [payload] = history.events[0].workflow_execution_started_event_attributes.input.payloads
    start = json.loads(payload.data)
    assert start["route"] == {"shop": "shop-uk"}
    assert start["policy"]["patience_seconds"] == 300
    assert start["started_by"] == "webhook orders/paid"


async def test_an_event_that_starts_nothing_is_acknowledged_with_the_reason(api: httpx.AsyncClient) -> None:
    answer = await api.post("/webhooks/shop-uk", content=b"{}", headers=signed(b"{}", "products/update"))
    assert answer.status_code == 200
    assert answer.json() == {"started": False, "told": [], "ignored": "no process wants products/update"}


async def test_a_wrong_signature_is_401_and_starts_nothing(api: httpx.AsyncClient) -> None:
    body = json.dumps({"id": number()}).encode()
    for headers in ({}, {**signed(body), "X-Shopify-Hmac-SHA256": "d3Jvbmc="}):
        answer = await api.post("/webhooks/shop-uk", content=body, headers=headers)
        assert answer.status_code == 401
        assert "X-Shopify-Hmac-SHA256" in answer.json()["detail"]


async def test_a_signed_body_that_is_no_event_is_400_and_names_the_field(api: httpx.AsyncClient) -> None:
    answer = await api.post("/webhooks/shop-uk", content=b'{"id": "x"}', headers=signed(b'{"id": "x"}'))
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("id:")


@pytest.mark.parametrize("connection", ["shop-fr", "erp-main", "shop-open", "SHOP%20UK"])
async def test_a_connection_that_takes_no_webhooks_is_404(api: httpx.AsyncClient, connection: str) -> None:
    answer = await api.post(f"/webhooks/{connection}", content=b"{}", headers=signed(b"{}"))
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_over_the_limit_is_413_said_or_not(api: httpx.AsyncClient) -> None:
    async def drops() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    assert (await api.post("/webhooks/shop-uk", content=b"x" * 1001)).status_code == 413
    assert (await api.post("/webhooks/shop-uk", content=drops())).status_code == 413


def test_a_body_that_does_not_arrive_is_408() -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    async def posted() -> int:
        async with api_at("127.0.0.1:1") as api:
            return (await api.post("/webhooks/shop-uk", content=never())).status_code

    status, seconds = jumped(posted())
    assert (status, seconds) == (408, SETTINGS.api.body_timeout_seconds)


async def test_while_temporal_is_away_nothing_is_acknowledged(api_without_temporal: httpx.AsyncClient) -> None:
    api = api_without_temporal
    for answer in (
        await paid(api, number()),
        await api.post("/processes/ship-it", json={"reference": "shop-uk:1"}),
        await api.get("/ready"),
        await api.get("/processes"),
        await api.get("/processes/ship-it:shop-uk:1/cancel-preview"),
    ):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
    assert (await api.get("/health")).json() == {"alive": True}


def test_a_temporal_that_does_not_answer_is_given_up_before_the_vendor_gives_us_up() -> None:
    async def delivered(address: str) -> int:
        async with api_at(address) as api:
            return (await paid(api, number())).status_code

    with socket.create_server(("127.0.0.1", 0)) as silent:
        status, seconds = jumped(delivered(f"127.0.0.1:{silent.getsockname()[1]}"))
    assert status == 503
    assert seconds < 5


async def test_starting_by_call_answers_201_then_200_with_links(api: httpx.AsyncClient) -> None:
    reference = f"shop-uk:{number()}"
    first = await api.post("/processes/ship-it", json={"reference": reference, "started_by": "order desk"})
    again = await api.post("/processes/ship-it", json={"reference": reference})
    assert (first.status_code, first.json()["started"]) == (201, True)
    assert (again.status_code, again.json()["started"]) == (200, False)
    page = f"http://ui.example/namespaces/default/workflows/ship-it:{reference}"
    assert first.json()["links"] == {"temporal_ui": page}


async def test_an_unknown_process_is_404_with_the_list(api: httpx.AsyncClient) -> None:
    answer = await api.post("/processes/ship-all", json={"reference": "shop-uk:1"})
    assert answer.status_code == 404
    assert "there are: ship-it" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        (b"{}", "reference", "is missing"),
        (b'{"reference": "hunter2"}', "reference", "must look like connection:external-id"),
        (b'{"reference": "shop-fr:1"}', "reference", "its connection 'shop-fr' is not set; there are:"),
        (b'{"reference": "erp-main:1"}', "reference", "is no shop"),
        (b'{"reference": "shop-uk:1", "hunter2": 1}', "hunter2", "Extra inputs are not permitted"),
        (b'{"reference": 1}', "reference", "valid string"),
        (b"hunter", "body", "is not JSON"),
        (b"[]", "body", "valid dictionary"),
    ],
)
async def test_wrong_input_is_422_and_names_the_field(
    api: httpx.AsyncClient, body: bytes, field: str, reason: str
) -> None:
    answer = await api.post("/processes/ship-it", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    [problem] = answer.json()["problems"]
    assert problem["field"] == field
    assert reason in problem["reason"]
    assert "hunter2" not in problem["reason"]


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic YTpi", "Bearer ünïcode"])
async def test_without_the_token_nothing_starts_and_nothing_is_shown(api: httpx.AsyncClient, header: str) -> None:
    headers = {"Authorization": header.encode("latin-1")}
    for answer in (
        await api.post("/processes/ship-it", json={"reference": "shop-uk:1"}, headers=headers),
        await api.get("/processes", headers=headers),
        await api.get("/processes/ship-it:shop-uk:1/cancel-preview", headers=headers),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_without_a_worker_a_preview_says_that_the_plan_is_not_known(api: httpx.AsyncClient) -> None:
    reference = f"shop-uk:{number()}"
    await api.post("/processes/ship-it", json={"reference": reference})
    (shown,) = (await api.get(f"/processes/ship-it:{reference}/cancel-preview")).json()
    assert (shown["running"], shown["undo_plan"]) == (True, None)


async def test_ready_when_temporal_answers(api: httpx.AsyncClient) -> None:
    assert (await api.get("/ready")).json() == {"ready": True}


async def test_the_description_names_every_answer(api: httpx.AsyncClient) -> None:
    paths = (await api.get("/openapi.json")).json()["paths"]
    assert set(paths["/webhooks/{connection}"]["post"]["responses"]) >= {"200", "400", "401", "404", "413", "503"}
    start = paths["/processes/{process}"]["post"]
    assert set(start["responses"]) >= {"200", "201", "401", "404", "413", "422", "503"}
    assert start["requestBody"]["content"]["application/json"]["schema"]["examples"]
    assert set(paths["/processes"]["get"]["responses"]) >= {"200", "401", "422", "503"}
    filters = [one["name"] for one in paths["/processes"]["get"]["parameters"]]
    assert filters == ["reference", "status", "team", "limit", "after"]
    shown = paths["/processes/{workflow_id}/cancel-preview"]["get"]
    assert set(shown["responses"]) >= {"200", "401", "404", "503"}
