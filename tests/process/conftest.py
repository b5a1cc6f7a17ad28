"""The stage on the time-skipping server, and on the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from tests.conftest import binary
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


@pytest.fixture(scope="module")
async def own_time() -> AsyncIterator[WorkflowEnvironment]:
    """A server whose time waits for no other test: it skips none while any process on it is between two tries."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=binary("temporal-test-server"), data_converter=pydantic_data_converter
    ) as env:
        await register(env.client)
        yield env


@pytest.fixture
async def own_theatre(own_time: WorkflowEnvironment) -> AsyncIterator[Theatre]:
    """The stage, in its own time."""
    world = Theatre(own_time, Workshop())
    async with world.acting(), world.playing():
        yield world
