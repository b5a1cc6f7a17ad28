"""The door takes Xero's webhooks: it shows its intent to receive, and answers without a body."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from temporalio.client import Client

from seamline.api.app import create_app
from seamline.service_settings import ApiSettings
from seamline.settings import Connection, Settings
from seamline.simulator.server import running
from seamline.simulator.xero_webhooks import sign
from tests.simulator.shopify_client import until
from tests.systems.vendors import Simulated

NAME = "xero-main"
SETTINGS = Settings(
    connections={NAME: Connection(system="xero", webhook_secret=f"secret-{NAME}")},
    api=ApiSettings(token="api-token", body_limit_bytes=10_000),
)


@asynccontextmanager
async def door(client: Client) -> AsyncIterator[str]:
    """The API on a port of its own; its address."""
    server = uvicorn.Server(uvicorn.Config(create_app(SETTINGS, client, {}), port=0, log_config=None))
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started or serving.done())
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def test_xero_finds_the_intent_to_receive_and_tells(client: Client, tmp_path: Path) -> None:
    async with (
        door(client) as address,
        running(tmp_path / "world.db") as simulator,
        Simulated.of(simulator) as simulated,
    ):
        await simulated.books(NAME, "POST", "subscriptions", url=f"{address}/webhooks/{NAME}")
        await simulated.books(NAME, "POST", "contacts", name="Acme")

        async def taken() -> bool:
            return [one["status"] for one in await simulated.books(NAME, "GET", "deliveries")] == [200]

        await until(taken)


@pytest.mark.parametrize(
    ("body", "signature", "status"),
    [
        (b'{"events": []}', None, 200),
        (b'{"events": []}', "wrong", 401),
        (b"{}", None, 400),
        (b'{"events": [{"eventCategory": "INVOICE", "eventType": "UPDATE", "resourceId": "a b"}]}', None, 200),
    ],
)
async def test_it_answers_without_a_body(client: Client, body: bytes, signature: str | None, status: int) -> None:
    transport = httpx.ASGITransport(create_app(SETTINGS, client, {}), raise_app_exceptions=False)
    headers = {"x-xero-signature": signature or sign(NAME, body)}
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        answer = await http.post(f"/webhooks/{NAME}", content=body, headers=headers)
    assert (answer.status_code, answer.content) == (status, b"")
