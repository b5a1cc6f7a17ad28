"""The whole product over the real ERP and the other vendors' simulator: worker processes that can be killed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
from temporalio.client import Client

from seamline.settings import PolicySettings, Settings
from seamline.simulator.checker import Verdict, audit
from seamline.simulator.server import Simulator
from tests.end_to_end.programs import worker_program
from tests.end_to_end.world import QUICK, SECONDS_MAX, World
from tests.erp.conftest import Shop
from tests.erp.ledger import Observer

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
        self.worker = worker_program(self.settings, client.service_client.config.target_host, state)

    async def settled(self) -> Verdict:
        """What the independent checker says once everything is over, or of how things stand when it is not."""
        await self.observer.look()
        deadline = time.monotonic() + SECONDS_MAX
        while True:
            verdict = await audit(self.simulator.url, self.client, settled=True)
            if verdict.ok or time.monotonic() > deadline:
                return verdict
            await asyncio.sleep(1)


def _over(settings: Settings, name: str, shop: Shop) -> Settings:
    """The settings with the real ERP in place of the simulated one."""
    account = shop.account(calls_per_second_max=200, calls_at_once_max=12)
    erp = settings.connections[name].model_copy(update={"account": account})
    return settings.model_copy(update={"connections": {**settings.connections, name: erp}})
