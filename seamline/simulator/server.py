"""Runs the simulator: HTTP and SMTP on one event loop, in this process (`running`) or as a command."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from seamline.simulator import smtp
from seamline.simulator.app import VENDORS, MakeVendor, create_app
from seamline.simulator.world import World

log = logging.getLogger(__name__)
TICK_SECONDS = 0.2
STOP_SECONDS_MAX = 5


@dataclass(frozen=True)
class Simulator:
    """A running simulator. `url` has no slash at its end."""

    url: str
    smtp_host: str
    smtp_port: int
    world: World


@asynccontextmanager
async def running(
    state: str | Path,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    smtp_port: int = 0,
    vendors: Sequence[MakeVendor] = VENDORS,
) -> AsyncIterator[Simulator]:
    """The simulator, listening, over the world kept in the file `state`. Port 0 takes a free one."""
    world = World(state)
    config = uvicorn.Config(
        create_app(world, vendors),
        host=host,
        port=port,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS_MAX,
    )
    server = _Server(config)
    mail = await smtp.listen(world, host, smtp_port)
    serving = asyncio.create_task(server.serve())
    ticking = asyncio.create_task(_tick(world))
    try:
        await server.listening(serving)
        http_port = server.servers[0].sockets[0].getsockname()[1]
        mail_port = mail.sockets[0].getsockname()[1]
        yield Simulator(url=f"http://{host}:{http_port}", smtp_host=host, smtp_port=mail_port, world=world)
    finally:
        server.should_exit = True
        mail.close()
        ticking.cancel()
        await asyncio.gather(serving, ticking, return_exceptions=True)
        world.close()


async def _tick(world: World) -> None:
    """Let due things happen even when nobody calls."""
    while True:
        await asyncio.sleep(TICK_SECONDS)
        try:
            world.settle()
        except Exception:
            log.exception("something that was due failed; it is tried again")


class _Server(uvicorn.Server):
    """Leaves signals to its caller, and tells when it listens."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield

    async def listening(self, serving: asyncio.Task[None]) -> None:
        """Return once the sockets are open; raise what stopped the server otherwise."""
        while not self.started:
            if serving.done():
                serving.result()
                raise RuntimeError("the HTTP server stopped before it listened")
            await asyncio.sleep(0.01)


class _Protocol(H11Protocol):
    """Puts the socket's transport into `scope["state"]`, so that an answer can be lost on purpose."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": cast(object, transport)}
