"""The ERP of the demo's warehouses: the simulated one, or another that stands in its place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import httpx


class Erp(Protocol):
    """What the stories do in the warehouses, by connection."""

    title: str
    settings: Mapping[str, str]
    """What makes door and workers use it."""
    has_pages: bool
    """Whether the simulator shows its objects."""

    seconds_max: float
    """What a story waits for comes in this time."""

    def working(self, simulator: httpx.AsyncClient) -> AbstractAsyncContextManager[None]:
        """People work in it until the block ends, as fast as the simulated world moves."""

    async def pieces(self, connection: str, sku: str) -> int:
        """What is on the shelf that nobody holds."""

    async def stock(self, connection: str, sku: str, pieces: int) -> None:
        """Goods come, or are lost: so many are free from now on."""

    async def blind(self, connection: str) -> None:
        """From now on a search for sales finds nothing."""


class Simulated:
    """The simulator's, in which people work by themselves."""

    title = "simulated"
    settings: Mapping[str, str] = {}
    has_pages = True
    seconds_max = 45.0

    _simulator: httpx.AsyncClient

    @asynccontextmanager
    async def working(self, simulator: httpx.AsyncClient) -> AsyncIterator[None]:
        """Nobody needs to be sent."""
        self._simulator = simulator
        yield

    async def pieces(self, connection: str, sku: str) -> int:
        """What is on the shelf that nobody holds."""
        answer = await self._simulator.get(f"/_simulator/stock/{connection}")
        answer.raise_for_status()
        return int(answer.json().get(sku, 0))

    async def stock(self, connection: str, sku: str, pieces: int) -> None:
        """Goods come, or are lost."""
        answer = await self._simulator.put(f"/_simulator/stock/{connection}", json={sku: pieces})
        answer.raise_for_status()

    async def blind(self, connection: str) -> None:
        """A fault of the simulator."""
        fault = {"connection": connection, "operation": "sale.sale.search", "kind": "blind"}
        (await self._simulator.post("/_simulator/faults", json=fault)).raise_for_status()


@asynccontextmanager
async def simulated() -> AsyncIterator[Erp]:
    """The simulated ERP."""
    yield Simulated()
