"""What every role can answer: what its system holds for a reference, whose an id is, and whether it can be reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pydantic import Field

from seamline.process.effect import Call, Read, operation
from seamline.records.base import Record
from seamline.records.reference import Reference
from seamline.records.system import Card, Holding


class TraceRequest(Record):
    """Nothing beyond the call's reference is needed to trace it."""


class ResolveRequest(Record):
    """An id or number of a system's own, as people have it before them."""

    external_id: str = Field(min_length=1, max_length=200)


class References(Record):
    """The references that one system's object with an id is for."""

    references: tuple[Reference, ...] = ()


class Holdings(Record):
    """What one system holds for a reference."""

    holdings: tuple[Holding, ...] = ()


class Traceable(Protocol):
    """What every adapter can do, whatever its role."""

    async def holdings(self, reference: str) -> Sequence[Holding]:
        """Everything the system holds for a reference, taken back or not."""

    async def references(self, external_id: str) -> Sequence[str]:
        """Our references that the system's object with this own id or number is for; none where it knows no such."""

    async def card(self) -> Card:
        """Describe the connection after really calling the system. Raises like any call when it cannot be reached."""


class Tracing:
    """The activities of tracing, over any system."""

    def __init__(self, system: Traceable) -> None:
        self.system = system

    @operation("tracing.holdings")
    async def holdings(self, call: Call[TraceRequest]) -> Holdings:
        """What the system holds for the reference."""
        return Holdings(holdings=tuple(await self.system.holdings(call.reference)))

    @operation("tracing.references")
    async def references(self, call: Call[ResolveRequest]) -> References:
        """Which references an id of this system stands for."""
        return References(references=tuple(await self.system.references(call.request.external_id)))

    @operation("tracing.card")
    async def card(self, call: Call[TraceRequest]) -> Card:
        """Reach the system and describe the connection."""
        return await self.system.card()


holdings = Read(Tracing.holdings, title="Look what the system holds")
references = Read(Tracing.references, title="Ask whose id this is")
card = Read(Tracing.card, title="Reach the system")
