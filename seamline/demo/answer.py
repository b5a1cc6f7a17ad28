"""Waiting for whoever watches the demo: a decision from another terminal, or Enter."""

from __future__ import annotations

import asyncio
import sys

from rich.console import Console

SECONDS_MAX = 600


async def answered(console: Console, decided: asyncio.Task[object]) -> bool:
    """Whether a decision came from elsewhere. False at once without a terminal, and after Enter."""
    if not sys.stdin.isatty():
        return False
    console.print("  … or press Enter, and the demo answers itself")
    enter = asyncio.ensure_future(_enter())
    await asyncio.wait({enter, decided}, timeout=SECONDS_MAX, return_when=asyncio.FIRST_COMPLETED)
    enter.cancel()
    return decided.done()


async def _enter() -> None:
    """Until a line is typed. The loop's reader, since a thread blocked in `readline` cannot be cancelled."""
    loop = asyncio.get_running_loop()
    typed = asyncio.Event()
    loop.add_reader(sys.stdin, typed.set)
    try:
        await typed.wait()
        sys.stdin.readline()
    finally:
        loop.remove_reader(sys.stdin)
