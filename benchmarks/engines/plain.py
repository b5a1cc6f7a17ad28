"""The floor: asyncio and httpx. What was under way is forgotten when the process dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from benchmarks.engines import Ground, RunOrder
from benchmarks.engines.tools import in_place, methods
from benchmarks.story import arrive, ship
from seamline.records.parcel import ParcelNumber


@asynccontextmanager
async def opened(ground: Ground) -> AsyncIterator[RunOrder]:
    """Ready to run orders."""
    async with methods(ground) as tools:
        do = in_place(tools)

        async def run(reference: str) -> None:
            following: list[asyncio.Task[object]] = []

            async def follow(reference: str, parcel: ParcelNumber) -> None:
                following.append(asyncio.create_task(arrive(reference, parcel, datetime.now(UTC), do)))

            await ship(reference, do, follow)
            await asyncio.gather(*following)

        yield run
