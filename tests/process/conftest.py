"""The stage on the time-skipping server, and on the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.process.stage import Workshop
from tests.process.theatre import Theatre, register


@pytest.fixture(scope="session")
async def registered(skipping: WorkflowEnvironment) -> WorkflowEnvironment:
    """The time-skipping server that knows our search attributes."""
    await register(skipping.client)
    return skipping


@pytest.fixture
async def real(dev_server: WorkflowEnvironment) -> AsyncIterator[Theatre]:
    """The same world on the real server, for what the test server lacks or does wrongly."""
    await register(dev_server.client)
    world = Theatre(dev_server, Workshop())
    async with world.acting(), world.playing():
        yield world


@pytest.fixture
async def theatre(registered: WorkflowEnvironment) -> AsyncIterator[Theatre]:
    """A world with workers for processes and for the workshop."""
    world = Theatre(registered, Workshop())
    async with world.acting(), world.playing():
        yield world
