"""One Tryton for all these tests, with a database for each; and the adapter on it, through a proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from seamline.http import HttpFactory
from seamline.systems.tryton.inventory import Account, TrytonInventory, connect
from tests.erp.people import People
from tests.erp.proxy import Proxy, proxy
from tests.erp.tryton import KEYS, OURS, Tryton, tryton

NAME = "erp-main"


@dataclass
class Shop:
    """A database of its own, and who uses it."""

    erp: Tryton
    database: str
    people: People
    proxy: Proxy

    def account(self, **changes: object) -> dict[str, object]:
        """The connection's account, through the proxy."""
        values = {"url": self.proxy.url, "database": self.database, "key": KEYS[OURS], "package_modules": True}
        return values | changes


@pytest.fixture(scope="session")
async def erp() -> AsyncIterator[Tryton]:
    """The ERP."""
    async with tryton() as running:
        yield running


@pytest.fixture
async def shop(erp: Tryton) -> AsyncIterator[Shop]:
    """A database as seeded."""
    async with httpx.AsyncClient() as http, proxy(erp.url) as through:
        database = await erp.database()
        yield Shop(erp, database, People(erp, database, http), through)


@pytest.fixture
async def adapter(shop: Shop) -> AsyncIterator[TrytonInventory]:
    """The adapter, as a worker has it."""
    connected = connect(NAME, Account.model_validate(shop.account()), HttpFactory())
    yield connected
    await connected.close()
