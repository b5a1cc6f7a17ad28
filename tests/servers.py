"""A real Temporal server for tests that need one, with our search attributes; shared by importing its fixture."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from seamline.temporal import EmbeddedTemporal, embedded_temporal


@pytest.fixture(scope="module")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedTemporal]:
    """The server; `TEMPORAL_ADDRESS` names it while tests run, for child processes and `connect`."""
    before = os.environ.get("TEMPORAL_ADDRESS")
    async with embedded_temporal(tmp_path_factory.mktemp("temporal")) as server:
        os.environ["TEMPORAL_ADDRESS"] = server.address
        yield server
    if before is None:
        del os.environ["TEMPORAL_ADDRESS"]
    else:
        os.environ["TEMPORAL_ADDRESS"] = before


@pytest.fixture(scope="module")
async def client(temporal: EmbeddedTemporal) -> Client:
    """A client of the server."""
    return await Client.connect(temporal.address, data_converter=pydantic_data_converter)
