"""Where a contender runs: a simulator of its own with orders in it, and the settings that lead there."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from seamline.child import Part
from seamline.http import HttpClient, HttpFactory
from seamline.settings import PolicySettings, Settings
from seamline.simulator.goods import ARTICLES

SHOP, INVENTORY, CARRIER, MAIL = "shop-uk", "erp-main", "shippo-main", "mail-main"
PIECES = 1_000_000
CALLS_A_SECOND = 10_000
"""Beyond what anything here reaches: a vendor's limits are not what is measured."""
SENDER = {
    "name": "Warehouse",
    "street1": "1 Dock Road",
    "city": "London",
    "postcode": "E16 2QU",
    "country": "GB",
    "phone": "+442070000000",
    "email": "warehouse@shop.example",
}
_AT_ONCE = ("pack_after_seconds", "hand_over_after_seconds", "transit_after_seconds", "deliver_after_seconds")
_START_SECONDS_MAX = 60


def settings_for(where: Mapping[str, Any], in_flight: int, *, express: bool = False) -> Settings:
    """One connection for each role, all to the simulator, each as wide as the orders that are in flight."""
    url, wide = where["url"], {"calls_at_once_max": min(in_flight + 1, 100)}
    accounts: dict[str, tuple[str, dict[str, Any]]] = {
        SHOP: (
            "shopify",
            {
                "url": f"{url}/shopify/{SHOP}",
                "client_id": f"client-{SHOP}",
                "client_secret": f"secret-{SHOP}",
                "payment_mode": "ours",
                **wide,
            },
        ),
        INVENTORY: (
            "tryton",
            {"url": f"{url}/tryton/{INVENTORY}", "database": "main", "key": f"tryton-test-{INVENTORY}", **wide},
        ),
        CARRIER: (
            "shippo",
            {
                "url": f"{url}/shippo/{CARRIER}",
                "token": f"shippo-test-{CARRIER}",
                "test": True,
                "sender": SENDER,
                **wide,
            },
        ),
        MAIL: (
            "smtp",
            {
                "host": where["smtp_host"],
                "port": where["smtp_port"],
                "security": "plain",
                "username": MAIL,
                "password": f"smtp-test-{MAIL}",
                "sender": "orders@shop.example",
                "mails_per_second_max": 100,
            },
        ),
    }
    width = {"rate_per_second": 10_000, "concurrency": max(in_flight, 10)}
    return Settings(
        connections={
            name: {"system": system, "account": account, **width} for name, (system, account) in accounts.items()
        },
        policy=PolicySettings(express=tuple(accounts)) if express else PolicySettings(),
    )


class Hurried(HttpFactory):
    """The product's HTTP without the limits that a real vendor has."""

    def client(self, *args: Any, **options: Any) -> HttpClient:
        """A client that may call as often as it can."""
        return super().client(*args, **{**options, "calls_per_second_max": CALLS_A_SECOND})


class Vendors:
    """The simulator, in which the warehouse and the carrier work at once: nothing is waited for in vain."""

    def __init__(self, where: Mapping[str, Any], http: httpx.AsyncClient) -> None:
        self.where = where
        self._http = http

    async def orders(self, count: int) -> list[str]:
        """So many authorised orders of one article: their references."""
        return [await self._order() for _ in range(count)]

    async def calls(self) -> Counter[str]:
        """How often each operation of each vendor was called until now. A token is a worker's, not an order's."""
        calls = await self._get("calls")
        return Counter(f"{one['connection']} {one['operation']}" for one in calls if one["operation"] != "token")

    async def effects(self) -> dict[str, Counter[str]]:
        """What was done for each order."""
        done: dict[str, Counter[str]] = {}
        for one in await self._get("effects"):
            done.setdefault(one["reference"], Counter())[one["operation"]] += 1
        return done

    async def _order(self) -> str:
        made = await self._http.post("/shops/shop-uk/orders", json={"financial_status": "AUTHORIZED"})
        made.raise_for_status()
        reference: str = made.json()["reference"]
        return reference

    async def _get(self, path: str) -> Sequence[Mapping[str, Any]]:
        answer = await self._http.get(f"/{path}")
        answer.raise_for_status()
        found: Sequence[Mapping[str, Any]] = answer.json()
        return found

    async def prepare(self) -> None:
        """Let the world move by itself, with full shelves."""
        settings = {"autopilot": True, **dict.fromkeys(_AT_ONCE, 0)}
        (await self._http.put("/settings", json=settings)).raise_for_status()
        (await self._http.put(f"/stock/{INVENTORY}", json=dict.fromkeys(ARTICLES, PIECES))).raise_for_status()


@asynccontextmanager
async def vendors(state: Path) -> AsyncIterator[Vendors]:
    """A simulator of our own, in a process of its own, until the block ends."""
    ready = state / "simulator.ready"
    command = [sys.executable, "-m", "seamline.simulator", "--state", str(state / "world.db"), "--ready-file"]
    part = Part(
        "simulator",
        [*command, str(ready)],
        state / "simulator.log",
        ready,
        start_seconds_max=_START_SECONDS_MAX,
    )
    await part.start()
    try:
        where = json.loads(await asyncio.to_thread(ready.read_text))
        async with httpx.AsyncClient(base_url=f"{where['url']}/_simulator", timeout=_START_SECONDS_MAX) as http:
            made = Vendors(where, http)
            await made.prepare()
            yield made
    finally:
        await part.stop()
