"""A running simulator for each test, and the adapters' HTTP factory with everything that went over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from seamline.http import Exchange, HttpFactory
from seamline.simulator.server import running
from tests.systems.vendors import Simulated


@pytest.fixture
def exchanges() -> list[Exchange]:
    """Every request that an adapter sent in this test, with its answer."""
    return []


@pytest.fixture
def http(exchanges: list[Exchange]) -> HttpFactory:
    """The factory that adapters are connected with."""
    return HttpFactory(observe=exchanges.append)


@pytest.fixture
async def simulated(tmp_path: Path) -> AsyncIterator[Simulated]:
    """The vendors' side: a simulator of its own, and what tests make happen there."""
    async with running(tmp_path / "world.db") as simulator, Simulated.of(simulator) as vendors:
        yield vendors
