"""Plays one cell: brings an order to the moment, disturbs it there, lets go, and follows it to its end."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError

from seamline.process.decision import Action
from seamline.process.view import Status, View, Wait
from tests.end_to_end.world import SECONDS_MAX, Handle, World
from tests.matrix.table import (
    CANCELS,
    COMPLETED,
    EITHER,
    FOLLOW,
    GATE_LOOK,
    GATES,
    HAPPENED,
    KILLS,
    ORDER,
    UNDONE,
    Cell,
    Disturbance,
    Moment,
    expected,
)
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
        self.reference = await self.world.order()
        reached = "packed" if self.cell.undoes and not self.place.reached else self.place.reached
        if reached:
            await self._start()
            await self._reaches(reached)

    async def park(self) -> None:
        """To the moment itself: the call is under way and is kept waiting, or has been hit."""
        if self.cell.undoes:
            await self._park_in_undo()
        elif self._at_the_wait and self.cell.moment is Moment.AFTER:
            await self._park_with_the_wait_over()
        else:
            fault = await self._fault(self.connection, self.place.call)
            if self.place.reached:
                await self._moves(self.place.move if self._needs_move else "")
            else:
                await self._start()
            await self._called(fault)
        self._parked = time.monotonic()

    async def _park_in_undo(self) -> None:
        if self.place not in GATES or self.place.call == GATE_LOOK:
            fault = await self._fault(self.connection, self.place.undo.call)
            await self.order.cancel()
        else:
            # While the process waits for the warehouse it makes the same calls: the undo is caught at its first one.
            first = await self._made(self.connection, GATE_LOOK, "slow")
            await self.order.cancel()
            await self._called(first)
            fault = await self._fault(self.connection, self.place.undo.call)
            await self._end(first)
        await self._called(fault)

    async def _park_with_the_wait_over(self) -> None:
        """What is waited for comes true while the process looks. Where the answer is to be lost, it is then."""
        lost = self.cell.disturbance in (Disturbance.LOST_REPLY, Disturbance.OUTAGE)
        if lost:
            fault = await self._made(self.connection, self.place.call, EFFECT_LOST, count=None)
            await self._called(fault)
            await self._moves(self.place.move)
            await self._called(fault, more=1)
            if self.cell.disturbance is Disturbance.OUTAGE:
                await self._made(self.connection, "*", "down", count=None)
            await self._end(fault)
        else:
            fault = await self._made(self.connection, self.place.call, "slow")
            await self._called(fault)
            await self._moves(self.place.move)

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
                await self.handle.cancel(reason="the first")
                await self._cancel_in_the_shop()
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
        if self.cell.disturbance in (*CANCELS, *KILLS) and lasted > PARKED_SECONDS_MAX:
            raise Missed(f"the call was kept waiting for {lasted:.0f} s, longer than its caller waits")

    async def _cancel_in_the_shop(self) -> None:
        event = {"kind": "order-cancelled", "topic": "orders/cancelled", "external_id": self.reference.split(":")[1]}
        await self.handle.signal("happened", event)

    async def _cancel_as_answer(self) -> None:
        wait = await self._waits(Status.WAITING, "refusal")
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
        if wanted.end != UNDONE and self.place.process == ORDER and self.cell.disturbance is not Disturbance.HAND_OVER:
            self._later.append(asyncio.create_task(self._hand_over()))
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
            return UNDONE
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
        return self.place.reached == self.place.shown

    async def _start(self) -> None:
        policy = {**PATIENT, **POLICY.get(self.cell.disturbance, {})}
        self.order = await self.world.start(self.reference, **policy)

    async def _view(self) -> View:
        return View.model_validate(await self.handle.query("view"))

    async def _reaches(self, step: str) -> None:
        """Until the process is at this step, the warehouse moving as far as it must for that."""
        await self.world.happened(self.reference, "buy-label")
        if step == "handed-over":
            await self._moves("packed")
        await self.world.step(self.order, step)

    async def _waits(self, status: Status, kind: str) -> Wait:
        """The wait that the disturbance has opened at this place, with the right cause."""
        step = self.place.undo.step if self.cell.undoes and self.place.undo else self.place.shown
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            for wait in (await self._view()).waits:
                if wait.name.startswith(f"{step}#") and wait.status is status:
                    if not wait.cause.startswith(f"{self.connection} {kind}"):
                        raise AssertionError(f"{wait.name} has the cause {wait.cause}")
                    self.shown.add(status)
                    return wait
            await asyncio.sleep(LOOK_SECONDS)
        raise Missed(f"{step} was never {status}")

    async def _decide(self, wait: Wait, action: Action, **more: Any) -> None:
        await self.world.decide(self.handle, wait=wait.name, action=action.value, why="looked into it", **more)

    # ---- the warehouse --------------------------------------------------------------------------------------------

    @property
    def _needs_move(self) -> bool:
        return self.place.forward or self.place.process == FOLLOW

    async def _moves(self, state: str) -> None:
        """Pick, pack or hand over the shipment; what the ERP refuses since it was taken back stays as it is."""
        if not state:
            return
        shipment = (await self.world.happened(self.reference, "reserve"))["object_id"]
        path = f"_simulator/warehouse/{self.world.names.inventory}/shipments/{shipment}"
        answer = await self.world.http.post(f"{self.world.simulator.url}/{path}", json={"state": state})
        if answer.status_code not in (200, 409):
            raise Missed(f"the warehouse answers {answer.status_code}")

    async def _hand_over(self) -> None:
        await self.world.happened(self.reference, "buy-label")
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
