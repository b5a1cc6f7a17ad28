"""The vendors' published descriptions, and what adapters and simulator say to each other in one whole order."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from graphql import GraphQLSchema, build_schema

from seamline.http import Exchange, HttpFactory
from seamline.simulator.server import running
from tests.systems.vendors import Simulated


@pytest.fixture(scope="session")
def specs() -> Path:
    """The folder of descriptions, from SEAMLINE_SPECS."""
    folder = os.environ.get("SEAMLINE_SPECS")
    if not folder:
        pytest.skip("SEAMLINE_SPECS is not set: the vendors' published descriptions are not at hand")
    return Path(folder)


@pytest.fixture(scope="session")
def shopify_schema(specs: Path) -> GraphQLSchema:
    """Shopify's Admin schema."""
    return build_schema((specs / "shopify" / "admin-2026-07.graphql").read_text(), assume_valid=True)


@pytest.fixture(scope="session")
def shippo_description(specs: Path) -> dict[str, Any]:
    """Shippo's OpenAPI, completed: it has the schemas of a new refund and not the path, which Shippo's client calls."""
    description: dict[str, Any] = yaml.safe_load((specs / "shippo" / "openapi.yaml").read_text())
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/RefundRequestBody"}}}
    answer = {"$ref": "#/components/responses/refundResponse"}
    description["paths"]["/refunds"]["post"] = {"requestBody": {"content": body}, "responses": {"201": answer}}
    return description


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
    """The vendors' side."""
    async with running(tmp_path / "world.db") as simulator, Simulated.of(simulator) as vendors:
        yield vendors
