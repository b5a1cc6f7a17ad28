"""A process that asks a system one question, and a system that refuses connections until it is brought back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from activities import tracing
from activities.tracing import TraceRequest
from seamline.errors import Outage
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.system import Card, Holding


@process("ask-once")
class AskOnce(Process):
    """Done once the system answered."""

    roles = ("tracing",)

    async def run(self, start: Start) -> Outcome:
        """One question."""
        return self.completed(await self.do(tracing.holdings, TraceRequest()))


class OverTcp:
    """A system on a port of this machine: called whenever something connects, up while something listens."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.calls = 0

    async def holdings(self, reference: str) -> Sequence[Holding]:
        self.calls += 1
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            raise Outage("unreachable") from None
        writer.close()
        await writer.wait_closed()
        return []

    async def references(self, external_id: str) -> Sequence[str]:
        raise NotImplementedError

    async def card(self) -> Card:
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is kept open."""
