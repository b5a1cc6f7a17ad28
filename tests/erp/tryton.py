"""A real Tryton on a real PostgreSQL: the seeded database is made once, kept, and copied for each test."""

from __future__ import annotations

import hashlib
import itertools
import json
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

import httpx

from seamline.child import Part, free_port
from seamline.simulator import goods, tryton_seed
from tests.erp.postgres import Missing, Postgres, binaries, postgres, told

HERE = Path(__file__).parent
KEPT = HERE.parents[1] / ".erp"
"""Tryton's own environment, made by `make`, and the seeded databases. All of it can be deleted."""
PROGRAMS = KEPT / "venv" / "bin"
MODULES = (
    "account_invoice_stock",
    "sale_shipment_cost",
    "sale_supply",
    "stock_package",
    "stock_shipment_measurements",
)
"""With what they depend on, all that the adapter meets."""
TEMPLATE, MAIN, NORTH = "seeded", "main", "north"
"""The database that others are copies of, and the copies that are there from the start: two warehouses' own."""
JUGS = [
    goods.Article("JUG-TALL", "Tall jug", Decimal("22.00"), 700, "732394", "PL", stock=0),
    goods.Article("JUG-WIDE", "Wide jug", Decimal("24.00"), 800, "732394", "PL", stock=0),
]
"""What the demo's stories let come while they run. A simulated ERP knows any article."""
OURS, PEOPLE = "seamline", "people"
KEYS = {OURS: "key-of-seamline", PEOPLE: "key-of-people"}
"""The keys of the adapter's user, and of one for what people do by hand."""
PROCESSES, THREADS = 3, 4
START_SECONDS_MAX = 180


class Tryton:
    """A running Tryton. Every database that it is asked for, it serves."""

    def __init__(self, url: str, server: Postgres) -> None:
        self.url = url
        self.postgres = server
        self._names = (f"shop{number}" for number in itertools.count(1))

    async def database(self) -> str:
        """A database of its own, as seeded."""
        name = next(self._names)
        await self.postgres.create(name, TEMPLATE)
        return name


@asynccontextmanager
async def tryton() -> AsyncIterator[Tryton]:
    """The ERP, ready. The first start makes the seeded database, which takes a minute."""
    async with postgres(await seeded()) as server:
        with tempfile.TemporaryDirectory(prefix="seamline-tryton-") as folder:
            for name in (MAIN, NORTH):
                await server.create(name, TEMPLATE)
            port = free_port()
            serving = _serving(server, port, Path(folder))
            await serving.start()
            try:
                yield Tryton(f"http://127.0.0.1:{port}", server)
            finally:
                await serving.stop()


def _serving(server: Postgres, port: int, folder: Path) -> Part:
    """Several processes of several threads, as in production: what races there, races here."""
    command = [f"{PROGRAMS}/gunicorn", "trytond.application:app", "--bind", f"127.0.0.1:{port}"]
    command += [
        "--workers",
        str(PROCESSES),
        "--threads",
        str(THREADS),
        "--preload",
        "--timeout",
        "120",
        "--graceful-timeout",
        "2",
    ]
    address = f"http://127.0.0.1:{port}/"

    async def answers() -> bool:
        async with httpx.AsyncClient() as http:
            try:
                await http.get(address)
            except httpx.HTTPError:
                return False
        return True

    env = {
        "TRYTOND_DATABASE__URI": server.uri,
        # Loaded before there are several threads: two that load one at the same time disturb each other.
        "TRYTOND_DATABASE_NAMES": f"{MAIN},{NORTH}",
        # For so many seconds it remembers which databases there are; a new one is not found until then.
        "TRYTOND_SESSION__TIMEOUT": "0",
    }
    return Part("Tryton", command, folder / "log", answers, start_seconds_max=START_SECONDS_MAX, env=env)


async def seeded() -> Path:
    """The file of a cluster with the seeded database; made when what it is made from has changed."""
    if not (PROGRAMS / "trytond-admin").exists():
        raise Missing("Tryton is not installed: run `make test-erp`, which makes its environment")
    kept = KEPT / f"seeded-{await _made_from()}.tar"
    if not kept.exists():
        async with postgres() as server:
            await _seed(server)
            # It is offered to nobody.
            await server.run("postgres", f'ALTER DATABASE "{TEMPLATE}" IS_TEMPLATE true')
            await server.stop()
            await server.keep(kept)
    return kept


async def _seed(server: Postgres) -> None:
    await server.create(TEMPLATE)
    uri = {"TRYTOND_DATABASE__URI": server.uri}
    with tempfile.NamedTemporaryFile("w", suffix=".pass") as password:
        # Nobody logs in by it: people and the adapter have keys.
        password.write(secrets.token_urlsafe())
        password.flush()
        admin = [PROGRAMS / "trytond-admin", "-d", TEMPLATE, "--email", "admin@shop.example"]
        modules = ["-u", "ir", *MODULES, "--activate-dependencies"]
        await told(*admin, *modules, **uri, TRYTONPASSFILE=password.name)
    await told(PROGRAMS / "python", HERE / "seed.py", TEMPLATE, stdin=_wanted(), **uri)


def _wanted() -> str:
    """What the simulated one holds too."""
    articles = [{**asdict(one), "price": str(one.price)} for one in (*goods.ARTICLES.values(), *JUGS)]
    return json.dumps(
        {
            "countries": tryton_seed.COUNTRIES,
            "subdivisions": tryton_seed.SUBDIVISIONS,
            "currencies": tryton_seed.CURRENCIES,
            "company": tryton_seed.COMPANY,
            "articles": articles,
            "keys": KEYS,
            "ours": OURS,
        },
        sort_keys=True,
    )


async def _made_from() -> str:
    version = await told(await binaries() / "postgres", "--version")
    parts = (version, (HERE / "requirements.lock").read_text(), (HERE / "seed.py").read_text(), _wanted(), *MODULES)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
