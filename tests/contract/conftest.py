"""The vendors' published descriptions, and what adapters and simulator say to each other in one whole order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from graphql import GraphQLSchema

from seamline.http import Exchange, HttpFactory
from seamline.simulator.server import running
from tests.contract import descriptions
from tests.systems.vendors import Simulated


@pytest.fixture(scope="session")
def specs() -> Path:
    """The folder of descriptions, from SEAMLINE_SPECS."""
    if not descriptions.AT_HAND:
        pytest.skip(descriptions.MISSING)
    return descriptions.folder()


@pytest.fixture(scope="session")
def shopify_schema(specs: Path) -> GraphQLSchema:
    """Shopify's Admin schema."""
    return descriptions.shopify_schema()


@pytest.fixture
def exchanges(specs: Path) -> list[Exchange]:
    """Every request that an adapter sent in this test, with its answer."""
    return []


@pytest.fixture
def http(exchanges: list[Exchange]) -> HttpFactory:
    """The factory that adapters are connected with."""
    return HttpFactory(observe=exchanges.append)


@pytest.fixture
async def simulated(tmp_path: Path) -> AsyncIterator[Simulated]:
    """The vendors' side."""
    async with running(tmp_path / "world.db") as simulator, Simulated.of(simulator) as vendors:
        yield vendors
