"""People who pick, pack and hand over in the ERP, as fast as the simulated world moves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx

from tests.erp.ledger import Observer
from tests.erp.people import SHIPMENT, People, Refused

LOOK_SECONDS = 0.5
NEXT = {"assigned": ("pack_after_seconds", ("picked", "packed")), "packed": ("hand_over_after_seconds", ("done",))}
"""What follows on a state: after how long by the world's settings, and through which states."""


@asynccontextmanager
async def warehouse(people: People, observer: Observer, simulator: str, http: httpx.AsyncClient) -> AsyncIterator[None]:
    """They work until the block ends."""
    working = asyncio.create_task(_work(people, observer, f"{simulator}/_simulator/settings", http))
    try:
        yield
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


async def _work(people: People, observer: Observer, settings: str, http: httpx.AsyncClient) -> None:
    seen: dict[tuple[int, str], float] = {}
    while True:
        world: dict[str, Any] = (await http.get(settings)).json()
        for one in await people.find(SHIPMENT, [["state", "in", list(NEXT)]], "state") if world["autopilot"] else ():
            after, states = NEXT[one["state"]]
            since = seen.setdefault((one["id"], one["state"]), time.monotonic())
            if time.monotonic() >= since + world[after]:
                # Who cancels it in this moment, or holds its lock, is seen at the next look.
                with suppress(Refused):
                    await people.move(str(one["id"]), *states)
                await observer.look(one["id"])
        await asyncio.sleep(LOOK_SECONDS)
