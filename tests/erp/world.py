"""The whole product over the real ERP and the other vendors' simulator: worker processes that can be killed."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import httpx
from temporalio.client import Client

from seamline.child import Child
from seamline.settings import PolicySettings, Settings
from seamline.simulator.checker import Verdict, audit
from seamline.simulator.server import Simulator
from tests.end_to_end.world import QUICK, SECONDS_MAX, World
from tests.erp.conftest import Shop
from tests.erp.ledger import Observer

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
        self.observer = Observer(shop.people, self.names.inventory, simulator.url, http)
        shop.proxy.heard = self.observer.heard
        self._state = state
        self.worker: Child

    async def settled(self) -> Verdict:
        """What the independent checker says once everything is over, or of how things stand when it is not."""
        await self.observer.look()
        deadline = time.monotonic() + SECONDS_MAX
        while True:
            verdict = await audit(self.simulator.url, self.client, settled=True)
            if verdict.ok or time.monotonic() > deadline:
                return verdict
            await asyncio.sleep(1)

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


def _over(settings: Settings, name: str, shop: Shop) -> Settings:
    """The settings with the real ERP in place of the simulated one."""
    account = shop.account(calls_per_second_max=200, calls_at_once_max=12)
    erp = settings.connections[name].model_copy(update={"account": account})
    return settings.model_copy(update={"connections": {**settings.connections, name: erp}})
