"""Serves the API."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn

from seamline.api.app import create_app
from seamline.errors import ConfigurationError
from seamline.metrics import runtime_of
from seamline.service_settings import ApiSettings
from seamline.settings import Settings
from seamline.signals import stop_on_signals
from seamline.temporal import connect

STOP_SECONDS_MAX = 10
REQUESTS_AT_ONCE_MAX = 1000


async def serve(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. `on_ready` is told the address once it listens.

    It starts while Temporal is away, and answers 503 until it is back. Raises ConfigurationError.
    """
    runtime = runtime_of(settings.telemetry, "api", settings.api.prometheus_port)
    app = create_app(settings, await connect(settings, lazy=True, runtime=runtime), meter=runtime.metric_meter)
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=REQUESTS_AT_ONCE_MAX,
            timeout_graceful_shutdown=STOP_SECONDS_MAX,
        )
    )
    with _listening(settings.api) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        stopping = asyncio.create_task(stop_on_signals().wait())
        # Bound already: whoever comes before the server's first turn waits in the socket's queue.
        on_ready(f"http://{settings.api.host}:{listener.getsockname()[1]}")
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        server.should_exit = True
        await serving


@contextmanager
def _listening(settings: ApiSettings) -> Generator[socket.socket, None, None]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"api.host, api.port: cannot listen on {settings.host}:{settings.port} ({error.strerror}): choose others"
        ) from None
    with listener:
        yield listener


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn's own way ends the program by the signal instead of with an exit code."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield
