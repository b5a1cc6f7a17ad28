"""The office, open for business."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.process.theatre import register
from tests.workflows.dispatch import Dispatch
from tests.workflows.office import Office
from tests.workflows.sending import Sending


@pytest.fixture(scope="session")
async def registered(skipping: WorkflowEnvironment) -> WorkflowEnvironment:
    """The time-skipping server that knows our search attributes."""
    await register(skipping.client)
    return skipping


@pytest.fixture
async def office(registered: WorkflowEnvironment) -> AsyncIterator[Office]:
    """A business whose systems are in memory."""
    world = Office(registered)
    async with world.open():
        yield world


@pytest.fixture
async def dispatch(registered: WorkflowEnvironment) -> AsyncIterator[Dispatch]:
    """A shop with a parcel on the road, in memory."""
    world = Dispatch(registered)
    async with world.open():
        yield world


@pytest.fixture
async def sending(registered: WorkflowEnvironment) -> AsyncIterator[Sending]:
    """A shop with an order that is to be sent, in memory."""
    world = Sending(registered)
    async with world.open():
        yield world
