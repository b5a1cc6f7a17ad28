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
from tests.matrix.faults import EFFECT_KEPT, EFFECT_LOST, LOOK_SECONDS, Faults, Missed
from tests.matrix.places import FOLLOW, ORDER, Act, Kind
from tests.matrix.table import (
    CANCELS,
    COMPLETED,
    EITHER,
    HAPPENED,
    KILLS,
    UNDONE,
    Cell,
    Disturbance,
    Moment,
    expected,
    not_told,
)
from tests.matrix.unsure import UnsureWorld

PARKED_SECONDS_MAX = 8
"""The adapters give a call up after 10 s (mail) or 20: a moment that lasts longer is not the one that was meant."""
PATIENT = {"patience_seconds": 120, "attempt_seconds_max": 25}
POLICY: dict[Disturbance, dict[str, float]] = {
    Disturbance.OUTAGE: {"patience_seconds": 3, "attempt_seconds_max": 25},
    Disturbance.TIMEOUT: {"patience_seconds": 120, "attempt_seconds_max": 3},
    # The try of a killed worker is over when its time is.
    Disturbance.WORKER_KILLED: {"patience_seconds": 120, "attempt_seconds_max": 12},
}


class Play:
    """One cell with an order and a set of connections of its own."""

    def __init__(self, cell: Cell, world: World) -> None:
        self.cell = cell
        self.world = world
        self.place = cell.place
        self.reference = ""
        self.order: Handle
        self.shown: set[str] = set()
        self._faults = Faults(world, str(getattr(world.names, cell.place.role)))
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
            fault = await self._faults.for_cell(self.cell, call)
            await begin()
        else:
            before = await self._faults.make(first, EFFECT_KEPT)
            await begin()
            await self._faults.struck(before)
            fault = await self._faults.for_cell(self.cell, call)
            await self._faults.end(before)
        await self._faults.struck(fault)

    async def _park_in_undo(self) -> None:
        await self._catch(self.place.undo.call, self.place.undo.first, self._begin_undo)

    async def _begin_undo(self) -> None:
        """Temporal delivers one cancel to a process: where that is to strike the undo, it began in another way."""
        if self.cell.disturbance not in CANCELS or self.cell.disturbance is Disturbance.SHOP_CANCEL:
            await self.order.cancel()
        elif self.place.risky:
            await self._acts(Act.CANCEL)
        else:
            await self._cancel_in_the_shop()

    async def _park_with_the_wait_over(self) -> None:
        """What is waited for comes true while the process looks. Where the answer is to be lost, it is then."""
        lost = self.cell.disturbance in (Disturbance.LOST_REPLY, Disturbance.OUTAGE)
        if lost:
            fault = await self._faults.make(self.place.call, EFFECT_LOST, count=None)
            await self._faults.struck(fault)
            await self._acts(self.place.act)
            await self._faults.struck(fault, more=1)
            if self.cell.disturbance is Disturbance.OUTAGE:
                await self._faults.make("*", "down", count=None)
            await self._faults.end(fault)
        else:
            fault = await self._faults.make(self.place.call, "slow")
            await self._faults.struck(fault)
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
        if self._faults.made and self.cell.disturbance in (*CANCELS, *KILLS) and lasted > PARKED_SECONDS_MAX:
            raise Missed(f"the call was kept waiting for {lasted:.0f} s, longer than its caller waits")

    async def _cancel_in_the_shop(self) -> None:
        """Staff cancel the order in the shop's admin, unless the shop refuses that, and the shop tells of it."""
        number = self.reference.partition(":")[2]
        path = f"_simulator/shops/{self.world.names.shop}/orders/{number}/cancel"
        answer = await self.world.http.post(f"{self.world.simulator.url}/{path}", json={})
        if answer.status_code not in (200, 409):
            raise Missed(f"the shop answers {answer.status_code}")
        event = {"kind": "order-cancelled", "topic": "orders/cancelled", "external_id": number}
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
            await self._faults.make("*", "down", count=None)
            await self._faults.end(self._faults.made[0])
        await self._waits(Status.HELD_UP, "outage")

    # ---- to the end -----------------------------------------------------------------------------------------------

    async def let_go(self) -> None:
        """End the faults of this cell: what is kept waiting goes on."""
        if self.cell.disturbance is Disturbance.TIMEOUT:
            await self._faults.given_up()
        await self.let_go_of_all()

    async def let_go_of_all(self) -> None:
        """End the faults, at once."""
        for fault in list(self._faults.made):
            await self._faults.end(fault)

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
        if not_told(self.cell):
            yield self._skip_fulfilment()
        if (self.place.risky or self.place.dear) and self.place.act is None:
            yield self._acts(Act.APPROVE)
        if self.place.act is Act.CAPTURE and self.cell.moment is Moment.BEFORE:
            yield self._acts(Act.CAPTURE)

    async def abandon(self) -> None:
        """Stop what did not end as it must, so that it disturbs no other cell on these connections."""
        for process in (ORDER, FOLLOW):
            with suppress(RPCError):
                await self.world.handle(process, self.reference).terminate("its cell is red")

    async def _skip_fulfilment(self) -> None:
        """The shop takes no fulfilment of an order that was cancelled there; staff see that and go on without."""
        view = await self.world.until(self.order, lambda view: view.waits and _is_at(view, "post-fulfilment"))
        [wait] = view.waits
        if wait.cause.startswith(f"{self.world.names.shop} refusal"):
            self.shown.add(wait.status)
        result = {"id": "none", "tracking_number": wait.request["tracking_number"]}
        await self.world.decide(
            self.order, wait=wait.name, action=Action.SKIP.value, why="it is cancelled there", result=result
        )

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
                    of = "seamline" if self.place.kind is Kind.QUESTION else self._faults.connection
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
            case Act.APPROVE | Act.REJECT | Act.CANCEL:
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


def _is_at(view: View, step: str) -> bool:
    """Whether the process is at this step, or asks this question."""
    waits = any(one.name.startswith(f"{step}#") for one in view.waits)
    return waits or (bool(view.steps) and view.steps[-1].name == step)
