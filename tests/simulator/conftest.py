"""A simulator of its own for each test, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from seamline.http import trusted
from seamline.simulator.server import Simulator, running
from tests.simulated import vendors_of

ANSWER_SECONDS_MAX = 10


@pytest.fixture
async def simulator(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Simulator]:
    """A running simulator with an empty world."""
    async with running(tmp_path / "world.db", vendors=vendors_of(request.module)) as started:
        yield started


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the simulator without credentials."""
    async with httpx.AsyncClient(base_url=simulator.url, timeout=ANSWER_SECONDS_MAX, verify=trusted()) as client:
        yield client
