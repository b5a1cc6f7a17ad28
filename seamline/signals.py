"""How a program of ours is asked to end, and ends."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import NoReturn

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets; a second one ends the program at once, with nothing cleaned up."""
    stop = asyncio.Event()

    def ask() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask)
    return stop


def leave(code: int) -> NoReturn:
    """End with this exit code, all output and traces sent.

    Without the interpreter's own shutdown: the Temporal client's threads may abort in it, and the code would be lost.
    """
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
