"""Fixtures that every test may use: the real Temporal test server (skipping time) and the real dev server."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from seamline.temporal import QUICK_OPTIONS

BIN = Path(sys.executable).parent
TOGETHER = ("tests/cli/",)
"""Folders whose files one worker runs, since they share servers that are dear to start."""
LONG = (
    "matrix/test_matrix.py",
    "end_to_end/test_cancel.py",
    *TOGETHER,
    "worker/test_notifier.py",
    "end_to_end/test_orders.py",
    "end_to_end/test_disturbances.py",
    "end_to_end/test_kills.py",
    "worker/test_outage.py",
    "end_to_end/test_events.py",
    "systems/test_shopify.py",
    "end_to_end/test_money.py",
)
"""Files that last: begun first, none is left to run alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first."""
    items.sort(key=lambda item: not any(one in item.path.as_posix() for one in LONG))


class Scheduling(LoadScopeScheduling):
    """Gives a file to one worker, or a folder of files that stay together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """How tests are dealt out to workers."""
    return Scheduling(config, log)


def binary(name: str) -> str:
    """The server binary that the environment's packages carry."""
    found = shutil.which(name, path=str(BIN)) or shutil.which(name)
    assert found, f"{name} is missing: make install"
    return found


@pytest.fixture(scope="session")
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    """Temporal's time-skipping test server: a month passes in a blink."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=binary("temporal-test-server"), data_converter=pydantic_data_converter
    ) as env:
        yield env


@asynccontextmanager
async def real_server(*options: str) -> AsyncIterator[WorkflowEnvironment]:
    """A real Temporal server, in memory, with these options besides."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=binary("temporal"),
        dev_server_extra_args=[*QUICK_OPTIONS, *options],
        data_converter=pydantic_data_converter,
    ) as env:
        yield env


@pytest.fixture(scope="module")
async def dev_server() -> AsyncIterator[WorkflowEnvironment]:
    """The real Temporal server that a module's tests share. Begun in a moment, it costs while it has nothing to do."""
    async with real_server() as env:
        yield env
