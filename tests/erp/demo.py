"""`make demo ERP=tryton`: the demo with two databases of a real Tryton in place of the simulated warehouses."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from seamline.demo.erp import Erp
from seamline.demo.main import run
from seamline.local_settings import WAREHOUSE, WAREHOUSE_NORTH
from tests.erp.ledger import Observer
from tests.erp.people import ANSWER_SECONDS_MAX, People
from tests.erp.postgres import Missing
from tests.erp.proxy import Harm, Proxy, proxy
from tests.erp.tryton import KEYS, MAIN, NORTH, OURS, tryton
from tests.erp.warehouse import warehouse

DATABASES = {WAREHOUSE: MAIN, WAREHOUSE_NORTH: NORTH}


class Real:
    """Satisfies `seamline.demo.erp.Erp`."""

    title = "a real Tryton on PostgreSQL"
    has_pages = False
    seconds_max = 120.0

    def __init__(self, people: Mapping[str, People], proxies: Mapping[str, Proxy], http: httpx.AsyncClient) -> None:
        self.people = people
        self.proxies = proxies
        self._http = http
        self.settings = {
            "SEAMLINE_CONNECTIONS": json.dumps({name: _changed(name, one) for name, one in proxies.items()})
        }

    @asynccontextmanager
    async def working(self, simulator: httpx.AsyncClient) -> AsyncIterator[None]:
        """The warehouses' people at work; what really happened goes to the simulator's ledger, for the checker."""
        url = str(simulator.base_url).rstrip("/")
        async with AsyncExitStack() as shift:
            for name, people in self.people.items():
                observer = Observer(people, name, url, self._http)
                self.proxies[name].heard = observer.heard
                await shift.enter_async_context(warehouse(people, observer, url, self._http))
            yield

    async def pieces(self, connection: str, sku: str) -> int:
        """What is on the shelf that nobody holds."""
        return await self.people[connection].free(sku)

    async def stock(self, connection: str, sku: str, pieces: int) -> None:
        """Somebody counts the shelf."""
        await self.people[connection].set_free(sku, pieces)

    async def blind(self, connection: str) -> None:
        """The proxy answers searches by itself."""
        self.proxies[connection].harm(Harm.BLIND, "GET .*/sale.sale$")


def _changed(name: str, through: Proxy) -> dict[str, object]:
    """What is different in a connection's settings."""
    return {"account": {"url": through.url, "database": DATABASES[name], "key": KEYS[OURS], "package_modules": True}}


@asynccontextmanager
async def real() -> AsyncIterator[Erp]:
    """A Tryton of our own, which ends with the block."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with (
        tryton() as erp,
        httpx.AsyncClient(timeout=ANSWER_SECONDS_MAX, limits=limits) as http,
        AsyncExitStack() as stack,
    ):
        proxies = {name: await stack.enter_async_context(proxy(erp.url)) for name in DATABASES}
        yield Real({name: People(erp, one, http) for name, one in DATABASES.items()}, proxies, http)


def main(arguments: list[str]) -> int:
    """Run it; with `--break lookup` the searches find nothing."""
    try:
        return run("lookup" if arguments == ["--break", "lookup"] else "", real())
    except Missing as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
