"""The shop's returns: what customers want to send back, approved, declined, and closed once it is settled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from seamline.errors import Problem, Refusal
from seamline.process.effect import IRREVERSIBLE, STANDS, Call, Effect, Foreseen, Read, operation
from seamline.records.event import EventKind
from seamline.records.returning import CustomerReturn, DeclineRequest, ReturnRequest, ReturnState
from seamline.records.system import FORESEEN


class ReturnSystem(Protocol):
    """What a shop must be able to do with returns. Adapters raise the errors of `seamline.errors`."""

    async def fetch_return(self, reference: str) -> CustomerReturn:
        """The return as it is now. Refusal `not-found` when there is none."""

    async def approve_return(self, return_id: str) -> None:
        """Approve what the customer asked for."""

    async def decline_return(self, return_id: str, note: str) -> None:
        """Decline it; the shop tells the customer, with the note."""

    async def close_return(self, return_id: str) -> None:
        """Close it; closing it again is harmless."""


class Returns:
    """The shop's activities for returns."""

    system: ReturnSystem

    @operation("shop.fetch_return")
    async def fetch_return(self, call: Call[ReturnRequest]) -> CustomerReturn:
        """Fetch the return anew: a webhook's payload may be stale."""
        return await self.system.fetch_return(call.reference)

    @operation("shop.approve_return")
    async def approve_return(self, call: Call[ReturnRequest]) -> CustomerReturn:
        """Approve the return, unless it is. Refusal `return-over` when it was declined or cancelled."""
        now = await self.system.fetch_return(call.reference)
        if now.state is ReturnState.REQUESTED:
            await self.system.approve_return(now.id)
            return now.model_copy(update={"state": ReturnState.OPEN})
        _check_lives(now)
        return now

    @operation("shop.decline_return")
    async def decline_return(self, call: Call[DeclineRequest]) -> CustomerReturn:
        """Decline the return, unless it is over. One that was approved meanwhile is closed with nothing done."""
        now = await self.system.fetch_return(call.reference)
        if now.state is ReturnState.REQUESTED:
            await self.system.decline_return(now.id, call.request.note)
        elif now.state is ReturnState.OPEN:
            await self.system.close_return(now.id)
        return now.model_copy(update={"state": ReturnState.OVER})

    @operation("shop.close_return")
    async def close_return(self, call: Call[ReturnRequest]) -> CustomerReturn:
        """Close the return, unless it is over."""
        now = await self.system.fetch_return(call.reference)
        if now.state in (ReturnState.OPEN, ReturnState.REQUESTED):
            await self.system.close_return(now.id)
        return now.model_copy(update={"state": ReturnState.CLOSED})


def _check_lives(now: CustomerReturn) -> None:
    if now.state is ReturnState.OVER:
        problem = Problem(field="reference", reason="is declined or cancelled in the shop: open it there, or cancel")
        raise Refusal("return-over", "the return is over in the shop", problems=[problem])


def _now(state: ReturnState) -> Callable[[Call[Any], CustomerReturn | None], CustomerReturn]:
    """The return in this state; what came of it is all that is told of it."""

    def foreseen(call: Call[Any], _: CustomerReturn | None) -> CustomerReturn:
        moment = datetime.fromtimestamp(0, UTC)
        return CustomerReturn(
            id=FORESEEN, number=FORESEEN, order_reference=call.reference, state=state, opened_at=moment
        )

    return foreseen


fetch_return = Read(Returns.fetch_return, title="Fetch the return", news=(EventKind.RETURN_OPENED,))
approve_return = Effect(
    Returns.approve_return,
    undo=STANDS,
    title="Approve the return in the shop",
    team="support",
    foreseen=Foreseen(_now(ReturnState.OPEN), lambda request: ""),
)
decline_return = Effect(
    Returns.decline_return,
    undo=STANDS,
    title="Decline the return in the shop",
    team="support",
    foreseen=Foreseen(_now(ReturnState.OVER), lambda request: ""),
)
close_return = Effect(
    Returns.close_return,
    undo=IRREVERSIBLE,
    title="Close the return in the shop",
    team="support",
    foreseen=Foreseen(_now(ReturnState.CLOSED), lambda request: ""),
)
