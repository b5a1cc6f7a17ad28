"""Systems that can be neither asked nor told twice: the real adapters, declared as unable to make a repeat safe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from activities.carrier import Carrier
from activities.inventory import Inventory
from seamline.http import HttpFactory
from seamline.records.system import Repeat
from tests.end_to_end.world import World
from worker.connections import ServedConnection, activities_of, serve_connections
from worker.run import connection_worker


class Unsure:
    """An adapter that says of each write that nothing makes a repeat safe."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self.repeats: Mapping[str, Repeat] = dict.fromkeys(adapter.repeats, Repeat.NEITHER)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)


class UnsureWorld(World):
    """A world whose inventory and carrier are unsure; what staff find out by themselves, the adapters tell."""

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """The workers of these connections, in this process."""
        self._served = serve_connections(self.settings, HttpFactory())
        workers = [connection_worker(self._unsure(one), self.client, self.settings.worker) for one in self._served]
        running = [asyncio.create_task(worker.run()) for worker in workers]
        try:
            yield
        finally:
            await asyncio.gather(*(worker.shutdown() for worker in workers))
            await asyncio.gather(*running)
            for connection in self._served:
                await connection.close()

    def _unsure(self, served: ServedConnection) -> ServedConnection:
        roles = {self.names.inventory: Inventory, self.names.carrier: Carrier}
        role = roles.get(served.name)
        return replace(served, activities=activities_of(role(Unsure(served.adapters[0])))) if role else served

    async def found(self, role: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """What there is for a request, as staff see it in the system."""
        [adapter] = [one.adapters[0] for one in self._served if one.name == getattr(self.names, role)]
        if role == "carrier":
            [held] = await adapter.find_labels(request["parcel"]["reference"], [request["rate"]["id"]])
        else:
            [held] = await adapter.find_reservations(request["reference"])
        return dict(held.model_dump(mode="json"))
