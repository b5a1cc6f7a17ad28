"""A running simulator for each test, and the adapters' HTTP factory with everything that went over the wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from seamline.http import Exchange, HttpFactory
from seamline.simulator.server import running
from tests.contract import descriptions
from tests.contract.judges import Hearing
from tests.simulated import vendors_of
from tests.systems.vendors import Simulated


@pytest.fixture
def exchanges() -> list[Exchange]:
    """Every request that an adapter sent in this test, with its answer."""
    return []


@pytest.fixture
def http(exchanges: list[Exchange]) -> HttpFactory:
    """The factory that adapters are connected with."""
    return HttpFactory(observe=exchanges.append)


@pytest.fixture(autouse=True)
def _all_is_as_the_vendor_describes_it(exchanges: list[Exchange]) -> Iterator[None]:
    """What any suite sent, and what came back, is held to the vendor's published description where it is at hand."""
    yield
    if descriptions.AT_HAND:
        assert "\n".join(Hearing().exchanges(exchanges).problems) == ""


LOGINS = ("token", "check")
"""A token is fetched, or a channel is sent a message without a text, which it refuses."""
LOOKS = ("/search", "/batch/read", "/addresses", "/shipments", "/customs/declarations")
"""Ends of paths that are posted to and change nothing that anybody would miss: an address corrected, rates quoted."""


@pytest.fixture(autouse=True)
def _writes_are_declared(exchanges: list[Exchange]) -> Iterator[None]:
    """Observe-only holds back what an adapter says is a write: so whatever any suite sent must have said so."""
    yield
    for one in exchanges:
        assert one.write != is_read(one), f"{one.operation}: {one.request.method} {one.request.url.path}"


def is_read(exchange: Exchange) -> bool:
    """Whether a request only reads, by its shape alone."""
    request = exchange.request
    if request.url.path.endswith("/graphql.json"):
        return not json.loads(request.content)["query"].lstrip().startswith("mutation")
    return request.method == "GET" or request.url.path.endswith(LOOKS) or exchange.operation in LOGINS


@pytest.fixture
async def simulated(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Simulated]:
    """The vendor's side: a simulator of its own, and what tests make happen there."""
    async with (
        running(tmp_path / "world.db", vendors=vendors_of(request.module)) as simulator,
        Simulated.of(simulator) as vendors,
    ):
        yield vendors
