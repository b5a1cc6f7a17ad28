"""The whole product over the real ERP and the other vendors' simulator: worker processes that can be killed."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
from temporalio.client import Client

from seamline.child import Child
from seamline.settings import PolicySettings, Settings
from seamline.simulator.server import Simulator
from tests.end_to_end.world import QUICK, World
from tests.erp.conftest import Shop
from tests.erp.people import SHIPMENT, People

LOOK_SECONDS = 0.5
WORKER_SECONDS_MAX = 120
POLICY = PolicySettings.model_validate(
    # Tryton takes its time when many ask; the try of a killed worker is given up long before patience ends.
    {**QUICK.model_dump(), "attempt_seconds_max": 20, "patience_seconds": 60}
)


class Business(World):
    """What a test does and sees."""

    def __init__(self, simulator: Simulator, client: Client, http: httpx.AsyncClient, shop: Shop, state: Path) -> None:
        super().__init__(simulator, client, http, policy=POLICY)
        self.shop = shop
        self.settings = _over(self.settings, self.names.inventory, shop)
        self._state = state
        self.worker: Child

    async def start_worker(self) -> None:
        """A worker, as a program."""
        settings = self.settings.model_dump(mode="json", include={"connections", "policy"})
        env = {f"SEAMLINE_{name.upper()}": json.dumps(value) for name, value in settings.items()}
        ready = self._state / "worker.ready"
        ready.unlink(missing_ok=True)
        self.worker = await Child.start(
            "worker",
            [sys.executable, "-m", "worker", "--ready-file", str(ready)],
            self._state / "worker.log",
            env={**env, "TEMPORAL_ADDRESS": self.client.service_client.config.target_host},
        )

        async def is_ready() -> bool:
            return ready.exists()

        await self.worker.until(is_ready, WORKER_SECONDS_MAX)


@asynccontextmanager
async def warehouse(people: People) -> AsyncIterator[None]:
    """People who pick, pack and hand over what is assigned."""

    async def work() -> None:
        while True:
            for one in await people.find(SHIPMENT, [["state", "=", "assigned"]]):
                await people.move(str(one["id"]), "picked", "packed", "done")
            await asyncio.sleep(LOOK_SECONDS)

    working = asyncio.create_task(work())
    try:
        yield
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


def _over(settings: Settings, name: str, shop: Shop) -> Settings:
    """The settings with the real ERP in place of the simulated one."""
    account = shop.account(calls_per_second_max=200, calls_at_once_max=12)
    erp = settings.connections[name].model_copy(update={"account": account})
    return settings.model_copy(update={"connections": {**settings.connections, name: erp}})
