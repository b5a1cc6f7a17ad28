"""What the world keeps: over restarts and SIGKILL, in whole transactions, in an append-only ledger."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from seamline.simulator.server import running
from seamline.simulator.world import World
from tests.simulator.carrier import CONNECTION, Customer, operations

START_SECONDS_MAX = 30


@asynccontextmanager
async def command(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """The simulator as a command, once its ready file is there."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    arguments = ["--port", "0", "--smtp-port", "0", "--state", str(folder / "world.db"), "--ready-file", str(ready)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "seamline.simulator", *arguments, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            while not ready.exists():
                assert process.returncode is None, "the simulator stopped before it was ready"
                await asyncio.sleep(0.02)
        yield process, json.loads(ready.read_text())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_everything_survives_sigkill_and_sigterm_stops_cleanly(tmp_path: Path) -> None:
    async with command(tmp_path) as (process, where), httpx.AsyncClient(base_url=where["url"]) as http:
        await http.put("/_simulator/settings", json={"refund_after_seconds": 3600})
        await http.put("/_simulator/stock/erp-main", json={"MUG": 7})
        await http.post(
            "/_simulator/faults", json={"connection": CONNECTION, "kind": "status", "status": 500, "count": 1}
        )
        label = await Customer(http, "shippo-two").buy()
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with command(tmp_path) as (process, where), httpx.AsyncClient(base_url=where["url"]) as http:
        assert where["pid"] == process.pid
        assert await operations(http) == ["buy-label"]
        found = await Customer(http, "shippo-two").get("/transactions", rate=label["rate"])
        assert [one["object_id"] for one in found.json()["results"]] == [label["object_id"]]
        assert (await http.get("/_simulator/settings")).json()["refund_after_seconds"] == 3600
        assert (await http.get("/_simulator/stock/erp-main")).json() == {"MUG": 7}
        assert (await Customer(http).get("/transactions")).status_code == 500
        assert (await Customer(http).get("/transactions")).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), START_SECONDS_MAX) == 0


async def test_what_is_due_while_stopped_happens_after_the_start(tmp_path: Path) -> None:
    async with running(tmp_path / "world.db") as simulator, httpx.AsyncClient(base_url=simulator.url) as http:
        await http.put("/_simulator/settings", json={"refund_after_seconds": 1})
        label = await Customer(http).buy()
        await Customer(http).post("/refunds", {"transaction": label["object_id"]})
        assert await operations(http) == ["buy-label", "request-refund"]
    async with running(tmp_path / "world.db") as simulator, asyncio.timeout(START_SECONDS_MAX):
        while not simulator.world.effects(operation="refund"):  # noqa: ASYNC110 - nobody asks, so nothing tells
            await asyncio.sleep(0.02)


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    world = World(tmp_path / "world.db")

    def fail() -> None:
        with world.transaction():
            world.put("c", "kind", "1", {"a": 1})
            with world.transaction():
                world.record_effect("c", "system", "ship", object_id="1")
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert world.get("c", "kind", "1") is None
    assert world.effects() == []
    world.close()


def test_the_ledger_only_grows(tmp_path: Path) -> None:
    world = World(tmp_path / "world.db")
    world.record_effect("c", "system", "ship", object_id="1")
    world.close()
    with sqlite3.connect(tmp_path / "world.db") as other:
        for statement in ("DELETE FROM effects", "UPDATE effects SET key = 'x'"):
            with pytest.raises(sqlite3.IntegrityError, match="append only"):
                other.execute(statement)
    other.close()


def test_objects_are_found_by_their_fields(tmp_path: Path) -> None:
    world = World(tmp_path / "world.db")
    for number in ("1", "2", "3"):
        world.put("c", "kind", number, {"n": number, "odd": int(number) % 2, "label": None})
    world.put("d", "kind", "1", {"n": "1", "odd": 1})
    assert [body["n"] for body in world.find("c", "kind", {"odd": 1})] == ["1", "3"]
    assert [body["n"] for body in world.find("c", "kind")] == ["1", "2", "3"]
    with pytest.raises(ValueError, match="not a field"):
        world.find("c", "kind", {"odd') --": 1})
    assert [world.next_id("c", "kind", 5001) for _ in range(3)] == [5001, 5002, 5003]
    world.close()


def test_stock_never_goes_below_nothing(tmp_path: Path) -> None:
    world = World(tmp_path / "world.db")
    world.set_stock("erp", {"MUG": 3})
    assert [world.move_stock("erp", "MUG", -2) for _ in range(2)] == [True, False]
    assert world.move_stock("erp", "CUP", -1) is False
    assert world.stock("erp") == {"MUG": 1}
    world.close()
