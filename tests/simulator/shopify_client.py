"""A client of the simulated Shopify for tests: real HTTP, a real token, and a place that receives webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

WAIT_SECONDS_MAX = 10.0


class ShopClient:
    """One shop's app, logged in."""

    def __init__(self, http: httpx.AsyncClient, connection: str) -> None:
        self.http = http
        self.connection = connection
        self.token = ""

    async def log_in(self) -> ShopClient:
        form = {
            "grant_type": "client_credentials",
            "client_id": f"client-{self.connection}",
            "client_secret": f"secret-{self.connection}",
        }
        answer = await self.http.post(f"/shopify/{self.connection}/admin/oauth/access_token", data=form)
        assert answer.status_code == 200, answer.text
        assert answer.json()["expires_in"] > 86_000
        self.token = answer.json()["access_token"]
        return self

    async def post(self, query: str, /, **variables: Any) -> httpx.Response:
        return await self.http.post(
            f"/shopify/{self.connection}/admin/api/2026-07/graphql.json",
            json={"query": query, "variables": variables},
            headers={"X-Shopify-Access-Token": self.token},
        )

    async def run(self, query: str, /, **variables: Any) -> dict[str, Any]:
        body = (await self.post(query, **variables)).json()
        assert "errors" not in body, body
        return body["data"]

    async def order(self, **wanted: Any) -> str:
        """The global id of a new order."""
        answer = await self.http.post(f"/_simulator/shops/{self.connection}/orders", json=wanted)
        assert answer.status_code == 201, answer.text
        assert answer.json()["reference"] == f"{self.connection}:{answer.json()['id']}"
        return f"gid://shopify/Order/{answer.json()['id']}"


@dataclass
class Inbox:
    """Received webhooks; `answers` are the statuses still to give, 200 once they are used up."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    open_now: int = 0
    open_at_once: int = 0

    async def until(self, count: int) -> None:
        await until(lambda: len(self.received) >= count)


async def until(true: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until it is so; TimeoutError when it is not in time."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while True:
            answer = true()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def inbox() -> AsyncIterator[Inbox]:
    """A web server that takes webhooks."""
    box = Inbox()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        pairs = (line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        box.open_now += 1
        box.open_at_once = max(box.open_at_once, box.open_now)
        await asyncio.sleep(0.05)  # long enough for deliveries of the same moment to overlap
        box.open_now -= 1
        box.received.append((headers, body))
        status = box.answers.pop(0) if box.answers else 200
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    box.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks"
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()
