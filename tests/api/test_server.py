"""`seamline api` as a program: it starts while Temporal is away, and ends in order."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from seamline.child import Child, free_port

SECONDS_MAX = 30


@asynccontextmanager
async def serving(folder: Path, port: int) -> AsyncIterator[Child]:
    """`seamline api` on this port, with no Temporal anywhere."""
    env = {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}", "SEAMLINE_API__PORT": str(port)}
    command = [sys.executable, "-m", "seamline.cli", "api", "--ready-file", str(folder / "ready")]
    child = await Child.start("api", command, folder / "log", env=env)
    try:
        yield child
    finally:
        await child.kill()


async def test_it_serves_while_temporal_is_away_and_ends_with_0(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    async with serving(tmp_path, 0) as child:
        await child.until(lambda: asyncio.to_thread(ready.exists), SECONDS_MAX)
        async with httpx.AsyncClient(base_url=ready.read_text().strip()) as client:
            assert (await client.get("/health")).status_code == 200
            assert (await client.get("/ready")).status_code == 503
        child.process.terminate()
        assert await asyncio.wait_for(child.process.wait(), SECONDS_MAX) == 0


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with serving(tmp_path, taken.getsockname()[1]) as child:
            assert await asyncio.wait_for(child.process.wait(), SECONDS_MAX) == 1
    assert "api.host, api.port: cannot listen on" in (tmp_path / "log").read_text()
