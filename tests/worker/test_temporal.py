"""Temporal as we use it: our own server leaves nothing behind, and a process starts once."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest, RemoveSearchAttributesRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from seamline.child import Child, ChildFailed, free_port
from seamline.process import attributes
from seamline.process.start import Start
from seamline.settings import Settings
from seamline.temporal import (
    TemporalUnreachable,
    check_reachable,
    connect,
    embedded_temporal,
    missing_search_attributes,
    polled,
    register_search_attributes,
    start_process,
)
from tests.worker.dead_system import AskOnce
from worker.run import process_worker

HOLDING = """
import asyncio, sys
from pathlib import Path
from seamline.temporal import embedded_temporal
async def hold():
    async with embedded_temporal(Path(sys.argv[1])) as server:
        Path(sys.argv[1], "ready").write_text(server.address)
        await asyncio.Event().wait()
asyncio.run(hold())
"""


@asynccontextmanager
async def embedded_temporal_client() -> AsyncIterator[Client]:
    """A client of a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        async with embedded_temporal(Path(folder)) as server:
            yield await Client.connect(server.address, data_converter=pydantic_data_converter)


async def test_search_attributes_are_registered_where_they_are_missing_and_again_is_harmless() -> None:
    async with embedded_temporal_client() as own:
        names = [attributes.TEAM.name, attributes.DUE.name]
        request = RemoveSearchAttributesRequest(namespace=own.namespace, search_attributes=names)
        await own.operator_service.remove_search_attributes(request, retry=True)
        assert sorted(await missing_search_attributes(own)) == sorted(names)
        await register_search_attributes(own)
        await register_search_attributes(own)
        assert await missing_search_attributes(own) == []
        listed = await own.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
        for key in attributes.ALL:
            assert listed.custom_attributes[key.name] == int(key.indexed_value_type)


async def test_of_many_starts_at_once_one_counts_and_it_carries_what_lists_show(client: Client) -> None:
    start = Start(reference=f"shop-uk:{uuid.uuid4().hex}", route={"tracing": "dead"})
    answers = await asyncio.gather(*(start_process(client, AskOnce, start) for _ in range(5)))
    assert sorted(started for _, started in answers) == [False] * 4 + [True]
    described = await client.get_workflow_handle(answers[0][0]).describe()
    assert described.typed_search_attributes[attributes.REFERENCE] == start.reference
    assert await described.static_summary() == f"ask-once of {start.reference}"


async def test_a_process_that_ended_is_not_started_again(client: Client) -> None:
    start = Start(reference=f"shop-uk:{uuid.uuid4().hex}", route={"tracing": "dead"})
    identity, _ = await start_process(client, AskOnce, start)
    await client.get_workflow_handle(identity).terminate()
    assert await start_process(client, AskOnce, start) == (identity, False)


async def test_a_queue_is_polled_while_a_worker_runs() -> None:
    async with embedded_temporal_client() as own:
        assert not await polled(own, "seamline", workflows=True)
        async with process_worker(Settings(), own, [AskOnce]):
            for _ in range(100):
                if await polled(own, "seamline", workflows=True):
                    break
                await asyncio.sleep(0.1)
            else:
                pytest.fail("the worker does not poll")


async def test_a_server_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    with pytest.raises(TemporalUnreachable, match=address):
        await connect(Settings())
    lazy = await connect(Settings(), lazy=True)
    for call in (check_reachable(lazy), start_process(lazy, AskOnce, Start(reference="shop-uk:1"))):
        with pytest.raises(TemporalUnreachable, match=address):
            await call


async def test_our_own_server_keeps_its_state_and_frees_its_port(tmp_path: Path) -> None:
    async with embedded_temporal(tmp_path) as server:
        client = await Client.connect(server.address, data_converter=pydantic_data_converter)
        await start_process(client, AskOnce, Start(reference="shop-uk:1"))
    with pytest.raises(RuntimeError):
        await Client.connect(server.address)
    async with embedded_temporal(tmp_path) as server:
        client = await Client.connect(server.address, data_converter=pydantic_data_converter)
        assert await start_process(client, AskOnce, Start(reference="shop-uk:1")) == ("ask-once:shop-uk:1", False)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child whose parent was killed")
async def test_our_own_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = await Child.start("parent", [sys.executable, "-c", HOLDING, str(tmp_path)], tmp_path / "log")
    ready = tmp_path / "ready"
    await parent.until(lambda: asyncio.to_thread(ready.exists), 30)
    address = ready.read_text()
    await Client.connect(address)
    await parent.kill()
    for _ in range(200):
        try:
            await Client.connect(address)
        except RuntimeError:
            return
        await asyncio.sleep(0.1)
    pytest.fail("the server outlived its parent")


async def test_a_child_that_ends_early_tells_where_its_log_is(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no disk')"]
    child = await Child.start("thing", command, tmp_path / "log")

    async def never() -> bool:
        return False

    with pytest.raises(ChildFailed, match=r"thing ended with 1: see .*log, which ends:\nno disk"):
        await child.until(never, 30)
