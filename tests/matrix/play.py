"""Plays one cell: brings an order to the moment, disturbs it there, lets go, and follows it to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError

from seamline.process.decision import Action
from seamline.process.view import Status, View, Wait
from tests.end_to_end.world import SECONDS_MAX, Handle, World
from tests.matrix.places import FOLLOW, ORDER, Act, Kind
from tests.matrix.table import CANCELS, COMPLETED, EITHER, HAPPENED, KILLS, UNDONE, Cell, Disturbance, Moment, expected
from tests.matrix.unsure import UnsureWorld

HELD_SECONDS_MAX = 60
"""How long a call is kept waiting unless it is let go, which is long before."""
PARKED_SECONDS_MAX = 8
"""The adapters give a call up after 10 s (mail) or 20: a moment that lasts longer is not the one that was meant."""
LOOK_SECONDS = 0.1
PATIENT = {"patience_seconds": 120, "attempt_seconds_max": 25}
POLICY: dict[Disturbance, dict[str, float]] = {
    Disturbance.OUTAGE: {"patience_seconds": 3, "attempt_seconds_max": 25},
    Disturbance.TIMEOUT: {"patience_seconds": 120, "attempt_seconds_max": 3},
    # The try of a killed worker is over when its time is.
    Disturbance.WORKER_KILLED: {"patience_seconds": 120, "attempt_seconds_max": 12},
}
NO_EFFECT, EFFECT_KEPT, EFFECT_LOST = "timeout", "late-reply", "lost-reply"


class Missed(AssertionError):
    """The cell was not brought to its moment, or not as it should be."""


class Play:
    """One cell with an order and a set of connections of its own."""

    def __init__(self, cell: Cell, world: World) -> None:
        self.cell = cell
        self.world = world
        self.place = cell.place
        self.reference = ""
        self.order: Handle
        self.shown: set[str] = set()
        self._held: list[str] = []
        self._parked = 0.0
        self._later: list[asyncio.Task[None]] = []

    # ---- to the moment --------------------------------------------------------------------------------------------

    async def approach(self) -> None:
        """As far as the process comes without passing the moment, and where it can stay."""
        self.reference = await self.world.order(**self._order)
        if reached := self.place.undo.reached if self.cell.undoes else self.place.reached:
            await self._start()
            await self._reaches(reached)

    async def park(self) -> None:
        """To the moment itself: the call is under way and is kept waiting, or has been hit."""
        if self.cell.undoes:
            await self._park_in_undo()
        elif self._at_the_wait and self.cell.moment is Moment.AFTER:
            await self._park_with_the_wait_over()
        elif self.place.kind is not Kind.QUESTION:
            await self._catch(self.place.call, self.place.first, self._goes_on)
        self._parked = time.monotonic()

    async def _goes_on(self) -> None:
        if not self.place.reached:
            await self._start()
        elif not self._at_the_wait:
            await self._acts(self.place.act)

    async def _catch(self, call: str, first: str, begin: Callable[[], Awaitable[None]]) -> None:
        """Let the process begin, and catch it at this call; at one that it makes before, where others make the same."""
        if not first:
            fault = await self._fault(self.connection, call)
            await begin()
        else:
            before = await self._made(self.connection, first, EFFECT_KEPT)
            await begin()
            await self._called(before)
            fault = await self._fault(self.connection, call)
            await self._end(before)
        await self._called(fault)

    async def _park_in_undo(self) -> None:
        await self._catch(self.place.undo.call, self.place.undo.first, self._begin_undo)

    async def _begin_undo(self) -> None:
        """Temporal delivers one cancel to a process: where that is to strike the undo, it began by the shop's."""
        if self.cell.disturbance in CANCELS and self.cell.disturbance is not Disturbance.SHOP_CANCEL:
            await self._cancel_in_the_shop()
        else:
            await self.order.cancel()

    async def _park_with_the_wait_over(self) -> None:
        """What is waited for comes true while the process looks. Where the answer is to be lost, it is then."""
        lost = self.cell.disturbance in (Disturbance.LOST_REPLY, Disturbance.OUTAGE)
        if lost:
            fault = await self._made(self.connection, self.place.call, EFFECT_LOST, count=None)
            await self._called(fault)
            await self._acts(self.place.act)
            await self._called(fault, more=1)
            if self.cell.disturbance is Disturbance.OUTAGE:
                await self._made(self.connection, "*", "down", count=None)
            await self._end(fault)
        else:
            fault = await self._made(self.connection, self.place.call, "slow")
            await self._called(fault)
            await self._acts(self.place.act)

    # ---- the disturbance ------------------------------------------------------------------------------------------

    async def strike(self) -> None:
        """Disturb this cell, unless the fault that brought it to its moment is the disturbance itself."""
        self.check_parked()
        match self.cell.disturbance:
            case Disturbance.SHOP_CANCEL:
                await self._cancel_in_the_shop()
            case Disturbance.STAFF_CANCEL if self.cell.moment is Moment.BEFORE:
                await self._cancel_as_answer()
            case Disturbance.STAFF_CANCEL:
                await self.world.command("seamline", "cancel", self.handle.id, "--why", "no longer wanted")
            case Disturbance.TEMPORAL_CANCEL if self.cell.moment is Moment.BEFORE:
                await self.world.command("temporal", "workflow", "cancel", "--workflow-id", self.handle.id)
            case Disturbance.TEMPORAL_CANCEL:
                await self.handle.cancel()
            case Disturbance.SECOND_CANCEL:
                await self._cancel_in_the_shop()
                await self.handle.cancel(reason="the first")
                await self.handle.cancel(reason="the second")
            case Disturbance.OUTAGE:
                await self._outlast_patience()
            case Disturbance.REFUSAL:
                await self._decide(await self._waits(Status.WAITING, "refusal"), Action.RETRY)
            case Disturbance.UNKNOWN:
                await self._find_out(await self._waits(Status.WAITING, "unknown outcome"))
            case Disturbance.HAND_OVER:
                await self._moves("done")

    def check_parked(self) -> None:
        """Raise Missed when the moment has passed by itself."""
        lasted = time.monotonic() - self._parked
        if self._held and self.cell.disturbance in (*CANCELS, *KILLS) and lasted > PARKED_SECONDS_MAX:
            raise Missed(f"the call was kept waiting for {lasted:.0f} s, longer than its caller waits")

    async def _cancel_in_the_shop(self) -> None:
        event = {"kind": "order-cancelled", "topic": "orders/cancelled", "external_id": self.reference.split(":")[1]}
        await self.handle.signal("happened", event)

    async def _cancel_as_answer(self) -> None:
        asked = self.place.kind is Kind.QUESTION
        wait = await self._waits(Status.WAITING, "approval" if asked else "refusal")
        if Action.CANCEL in wait.actions:
            await self._decide(wait, Action.CANCEL)
            return
        if not self.place.forward:
            raise Missed(f"{wait.name} takes no cancel")
        await self.world.command("seamline", "cancel", self.handle.id)
        await self._decide(wait, Action.RETRY)

    async def _find_out(self, wait: Wait) -> None:
        """Staff look into the system themselves, and tell what they see."""
        if self.cell.moment is Moment.BEFORE:
            await self._decide(wait, Action.RETRY)
        else:
            assert isinstance(self.world, UnsureWorld)
            await self._decide(wait, Action.SKIP, result=await self.world.found(self.place.role, wait.request))

    async def _outlast_patience(self) -> None:
        if self.cell.moment in HAPPENED and not self._at_the_wait:
            await self._made(self.connection, "*", "down", count=None)
            await self._end(self._held[0])
        await self._waits(Status.HELD_UP, "outage")

    # ---- to the end -----------------------------------------------------------------------------------------------

    async def let_go(self) -> None:
        """End the faults of this cell: what is kept waiting goes on."""
        if self.cell.disturbance is Disturbance.TIMEOUT:
            await self._given_up()
        await self.let_go_of_all()

    async def let_go_of_all(self) -> None:
        """End the faults, at once."""
        for fault in list(self._held):
            await self._end(fault)

    async def finish(self) -> str:
        """How it ended: completed or undone. Raises AssertionError where it did not, or not as it must."""
        wanted = expected(self.cell)
        if wanted.end == COMPLETED:
            self._later = [asyncio.create_task(one) for one in self._rest()]
        try:
            end = await self._ended(self.handle)
        finally:
            for task in self._later:
                task.cancel()
            await asyncio.gather(*self._later, return_exceptions=True)
        right = await self._side() if wanted.end == EITHER else wanted.end
        if end != right:
            raise AssertionError(f"ended {end} instead of {right}")
        if wanted.through and wanted.through not in self.shown:
            raise AssertionError(f"never showed as {wanted.through}")
        return end

    def _rest(self) -> Iterator[Coroutine[None, None, None]]:
        """What somebody else still has to do for the order to be completed."""
        if self.place.process == ORDER:
            yield self._hand_over()
        if (self.place.risky or self.place.dear) and self.place.act is None:
            yield self._acts(Act.APPROVE)
        if self.place.act is Act.CAPTURE and self.cell.moment is Moment.BEFORE:
            yield self._acts(Act.CAPTURE)

    async def abandon(self) -> None:
        """Stop what did not end as it must, so that it disturbs no other cell on these connections."""
        for process in (ORDER, FOLLOW):
            with suppress(RPCError):
                await self.world.handle(process, self.reference).terminate("its cell is red")

    async def _side(self) -> str:
        """The side that the gate must have found: the goods have left, or they have not."""
        return COMPLETED if "ship" in await self.world.operations(self.reference) else UNDONE

    async def _ended(self, handle: Handle) -> str:
        try:
            outcome = await asyncio.wait_for(handle.result(), SECONDS_MAX * 2)
        except TimeoutError:
            view = await self._view()
            waits = "; ".join(f"{one.name} {one.cause}" for one in view.waits) or "nothing"
            raise AssertionError(f"not ended: at {view.steps[-1].name}, waits for {waits}") from None
        except WorkflowFailureError as error:
            if not isinstance(error.cause, CancelledError):
                raise AssertionError(f"failed: {type(error.cause).__name__}") from None
            outcome = (await self._view()).outcome
            if outcome is None:
                raise AssertionError("cancelled, and by its own word not undone") from None
            return str(outcome.kind)
        return str(outcome["kind"])

    # ---- looking --------------------------------------------------------------------------------------------------

    @property
    def handle(self) -> Handle:
        """The process that is disturbed."""
        return self.world.handle(self.place.process, self.reference)

    @property
    def connection(self) -> str:
        """The connection whose call is disturbed."""
        return str(getattr(self.world.names, self.place.role))

    @property
    def _at_the_wait(self) -> bool:
        """Whether the process is at the wait already, and looks again and again."""
        return self.place.reached == self.place.name

    async def _start(self) -> None:
        policy: dict[str, Any] = {**PATIENT, **POLICY.get(self.cell.disturbance, {})}
        if self.place.dear:
            policy["label_price_max"] = {"GBP": "0.01"}
        self.order = await self.world.start(self.reference, **policy)

    @property
    def _order(self) -> dict[str, Any]:
        """How the customer's order is made."""
        risk = {"risk": "INVESTIGATE"} if self.place.risky else {}
        return risk | ({"financial_status": "AUTHORIZED"} if self.place.authorized else {})

    async def _view(self) -> View:
        return View.model_validate(await self.handle.query("view"))

    async def _reaches(self, step: str) -> None:
        """Until the process is at this step or wait, the warehouse moving as far as it must for that."""
        if step in ("packed", "handed-over"):
            await self.world.happened(self.reference, "buy-label")
        if step == "handed-over":
            await self._moves("packed")
        await self.world.until(self.order, lambda view: _is_at(view, step))

    async def _waits(self, status: Status, kind: str) -> Wait:
        """The wait that the disturbance has opened at this place, with the right cause."""
        step = self.place.undo.step if self.cell.undoes and self.place.undo else self.place.shown
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            for wait in (await self._view()).waits:
                if wait.name.startswith(f"{step}#") and wait.status is status:
                    of = "seamline" if self.place.kind is Kind.QUESTION else self.connection
                    if not wait.cause.startswith(f"{of} {kind}"):
                        raise AssertionError(f"{wait.name} has the cause {wait.cause}")
                    self.shown.add(status)
                    return wait
            await asyncio.sleep(LOOK_SECONDS)
        raise Missed(f"{step} was never {status}")

    async def _decide(self, wait: Wait, action: Action, **more: Any) -> None:
        await self.world.decide(self.handle, wait=wait.name, action=action.value, why="looked into it", **more)

    # ---- the warehouse --------------------------------------------------------------------------------------------

    async def _acts(self, act: Act | None) -> None:
        """What the warehouse, the shop's staff or a person asked do."""
        match act:
            case Act.PACK:
                await self._moves("packed")
            case Act.HAND_OVER:
                await self._moves("done")
            case Act.CAPTURE:
                await self.world.staff_pay(self.reference, "capture")
            case Act.APPROVE | Act.REJECT:
                question = "dear-label" if self.place.dear else "risk"
                view = await self.world.until(self.order, lambda view: _is_at(view, question))
                wait = next(one for one in view.waits if one.name.startswith(f"{question}#"))
                await self.world.decide(self.order, wait=wait.name, action=act.value, why="looked into it")

    async def _moves(self, state: str) -> None:
        """Pick, pack or hand over the shipment; what the ERP refuses since it was taken back stays as it is."""
        shipment = (await self.world.happened(self.reference, "reserve"))["object_id"]
        path = f"_simulator/warehouse/{self.world.names.inventory}/shipments/{shipment}"
        answer = await self.world.http.post(f"{self.world.simulator.url}/{path}", json={"state": state})
        if answer.status_code not in (200, 409):
            raise Missed(f"the warehouse answers {answer.status_code}")

    async def _hand_over(self) -> None:
        """Once the process waits for it: captured before, where that is ours, and labelled."""
        await self.world.happened(self.reference, "capture" if self.place.ours else "buy-label")
        await self._moves("done")

    # ---- faults ---------------------------------------------------------------------------------------------------

    async def _fault(self, connection: str, call: str) -> str:
        """The fault that brings the cell to its moment, and often is the disturbance."""
        match self.cell.disturbance:
            case Disturbance.REFUSAL:
                return await self._made(connection, call, "refuse")
            case Disturbance.STAFF_CANCEL if self.cell.moment is Moment.BEFORE:
                return await self._made(connection, call, "refuse")
            case Disturbance.UNKNOWN if self.cell.moment is Moment.BEFORE:
                return await self._made(connection, call, "down")
            case Disturbance.LOST_REPLY | Disturbance.UNKNOWN:
                return await self._made(connection, call, EFFECT_LOST, seconds=0)
            case Disturbance.OUTAGE if self.cell.moment in (Moment.BEFORE, Moment.UNDOING):
                return await self._made(connection, call, "down", count=None)
            case Disturbance.OUTAGE | Disturbance.WORKER_KILLED | Disturbance.TIMEOUT:
                kept = self.cell.moment in (Moment.AFTER, Moment.TAKEN_BACK)
                return await self._made(connection, call, EFFECT_LOST if kept else NO_EFFECT)
            case _:
                kept = self.cell.moment in (Moment.AFTER, Moment.TAKEN_BACK)
                return await self._made(connection, call, EFFECT_KEPT if kept else "slow")

    async def _made(
        self, connection: str, call: str, kind: str, *, count: int | None = 1, seconds: float = HELD_SECONDS_MAX
    ) -> str:
        delays = kind in ("slow", NO_EFFECT, EFFECT_KEPT, EFFECT_LOST)
        delay = {"delay_seconds": seconds if count else 0} if delays else {}
        fault = await self.world.fault(connection, call, kind, **({"count": count} if count else {}), **delay)
        self._held.append(fault)
        return fault

    async def _called(self, fault: str, *, more: int = 0) -> None:
        """Until the fault has struck, or has struck so often more."""
        wanted = (await self.world.hits(fault) if more else 0) + (more or 1)
        deadline = time.monotonic() + SECONDS_MAX
        while await self.world.hits(fault) < wanted:
            if time.monotonic() > deadline:
                raise Missed(f"{self.place.call} was never called")
            await asyncio.sleep(LOOK_SECONDS / 2)

    async def _given_up(self) -> None:
        """Until the call that was kept waiting was made once more, or what it was for was done."""
        before = time.time()
        deadline = time.monotonic() + SECONDS_MAX
        query = {"connection": self.connection, "since": str(before)}
        while not await self.world.get("calls", **query):
            if time.monotonic() > deadline:
                raise Missed("it was never tried again")
            await asyncio.sleep(LOOK_SECONDS)

    async def _end(self, fault: str) -> None:
        self._held.remove(fault)
        await self.world.http.delete(f"{self.world.simulator.url}/_simulator/faults/{fault}")


def _is_at(view: View, step: str) -> bool:
    """Whether the process is at this step, or asks this question."""
    waits = any(one.name.startswith(f"{step}#") for one in view.waits)
    return waits or (bool(view.steps) and view.steps[-1].name == step)
