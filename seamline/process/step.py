"""One step of a process on its way: issued, failed, healed, mended by staff, until there is a result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, cast

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from seamline.errors import Failure, Kind, Problem
from seamline.process.attempt import NOT_PICKED_UP, failure_of, issue
from seamline.process.decision import Action, Decision, amend, fit
from seamline.process.effect import Call, Operation, Read, Req, Res, Wait
from seamline.process.express import issue_express, may_go_on, may_have_happened
from seamline.process.undo import Entry
from seamline.process.view import Status, StepState
from seamline.process.waits import OpenWait
from seamline.records.base import Record
from seamline.records.undo import Undone, UndoState

if TYPE_CHECKING:
    from seamline.process.taking_back import TakingBack

BROKEN_RULES = "broken-rules"
"""The code of a result that the process's own check found wrong; staff amend the result, not the request."""

GIVES_WAY = "waits-give-way"
"""The change since which a wait can end without a result: runs that began to wait before it go on waiting."""

_HEALS = (Kind.OUTAGE, Kind.LOCKED_OUT, Kind.DEFECT, Kind.NOT_YET, Kind.OBSERVED)
_OWNER = {Kind.LOCKED_OUT: "it", Kind.DEFECT: "it", Kind.OBSERVED: "it"}
_CANCELLED = Failure(kind=Kind.OUTAGE, code="cancelled")


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Done(Generic[Req, Res]):
    """A step's result with the request that was finally used, since staff may have amended it."""

    request: Req
    result: Res
    found: Res
    """The result as the system gave it, before staff amended it."""


class RunningStep(Generic[Req, Res]):
    """One step on its way: issued, failed, healed, mended, until there is a result."""

    def __init__(
        self,
        process: TakingBack,
        operation: Operation[Req, Res],
        call: Call[Req],
        *,
        stoppable: bool = True,
        check: Callable[[Res], list[Problem]] | None = None,
        strict: bool = False,
        amended: Callable[[Req, Req], Awaitable[Req]] | None = None,
        entry: Entry | None = None,
        gives_way: Callable[[], bool] = _never,
        gives_way_on: Sequence[str] = (),
    ) -> None:
        self.process = process
        self.operation = operation
        self.call = call
        self.stoppable = stoppable
        self.check = check
        self.strict = strict
        self.amended = amended
        self.entry = entry
        self.gives_way = gives_way
        """Whether something happened that makes the step not worth awaiting."""
        self.gives_way_on = gives_way_on
        """The codes of refusals that do so too."""
        self.gave_way = False
        self.connection = process.connection_of(operation)
        self.result: Res | None = None
        self.found: Res | None = None
        self.wait: OpenWait | None = None
        self.healable = True
        self.heard = self._heard()
        self.place = process.begin_step(operation.purpose, operation.title, self.connection, call.key)

    async def run(self) -> Done[Req, Res]:
        """The step's result; none when it `gave_way`. Raises Stopped when the process is to be taken back, and can."""
        in_vain = self._in_vain()
        failure = None if in_vain else await self._attempt(None)
        while failure is not None and not (failure.kind is Kind.OBSERVED and self.call.observe_only):
            failure = await self._mend(failure)
        if in_vain or failure:
            self._foresee()
        result = cast(Res, self.result)
        return Done(self.call.request, result, self.found or result)

    def _in_vain(self) -> bool:
        """Whether it waits for what can never be, since what it is about was held back."""
        return isinstance(self.operation, Wait) and bool(self.process.foresight.unwritten)

    def _foresee(self) -> None:
        """Go on with what would have come of it, since it was held back. HeldBack where nobody can tell."""
        told = self.process.foresight.note(self.operation, self.call, self.connection)
        self._mark(StepState.HELD_BACK, ended=True, detail=told)
        if self.entry:
            self.process.undo.forget(self.entry)
        self.result = self.process.foresight.result(self.operation, self.call)

    # ---- mending --------------------------------------------------------------------------------------------------

    async def _mend(self, failure: Failure) -> Failure | None:
        """One round of healing, or of staff's decision. Returns the next failure, None when the step is over."""
        if self._overtaken(failure):
            return self._give_way()
        heals = self.healable and failure.kind in _HEALS
        wait = self._open_wait(failure, heals=heals)
        failed = await self._heal(wait) if heals else await self._decided(wait)
        if not wait.is_open:
            return failed
        decision = wait.decision
        if failed is not None and decision is None and (self._is_news(failure) or self._overtaken()):
            self._close(taken=False)
            return await self._attempt(None)
        void = failed is None or decision is None
        self._close(taken=not void)
        if failed is None:
            if decision:
                self.process.note(f"a decision was void: {self.operation.title} succeeded meanwhile")
            return None
        # Healing is tried without end: what ended it all the same would end it again at once, so a person is asked.
        self.healable = decision is not None or failed.kind is Kind.NOT_YET
        if decision is None:
            return failed if failed.kind is not Kind.NOT_YET else await self._attempt(None)
        return await self._follow(decision, failure)

    async def _heal(self, wait: OpenWait) -> Failure | None:
        """Issue the operation without end. It counts as a repeat, since a new activity numbers its attempts anew."""
        if wait.failure.code != NOT_PICKED_UP:
            self._reissue(self.call.model_copy(update={"repeated": True}))
        return await self._attempt(wait)

    async def _follow(self, decision: Decision, failure: Failure) -> Failure | None:
        if decision.action is Action.CANCEL:
            await self._stop(f"cancelled by {decision.who or 'staff'} at {decision.wait}: {decision.why}".rstrip(": "))
            return failure
        if decision.action is Action.SKIP:
            self._skip(decision, failure)
            return None
        if decision.action is Action.AMEND:
            if judged := self._judged(failure):
                return self._judge(amend(judged, decision.change))
            await self._amend(decision)
        # Staff who retry after an unknown outcome have found out that it did not happen.
        repeated = failure.kind is not Kind.UNKNOWN_OUTCOME
        self._reissue(self.call.model_copy(update={"repeated": repeated}))
        return await self._attempt(None)

    def _skip(self, decision: Decision, failure: Failure) -> None:
        """Go on with what staff give; without it a result that was only found wrong is accepted as it is."""
        accepted = self._judged(failure)
        self.result = self._skipped_result(decision, failure)
        if self.entry and accepted is None:
            self.entry.by_hand = True
        word = "accepted" if accepted is self.result else "skipped"
        self._mark(StepState.SKIPPED, ended=True, detail=f"{word} by {decision.who or 'staff'}")

    async def _amend(self, decision: Decision) -> None:
        before = self.call.request
        request = amend(before, decision.change)
        if self.amended:
            request = await self.amended(before, request)
        self._reissue(self.call.model_copy(update={"request": request, "amendment": self.call.amendment + 1}))

    def _reissue(self, call: Call[Req]) -> None:
        self.call = call
        if self.entry:
            self.entry.call = call

    # ---- one attempt ----------------------------------------------------------------------------------------------

    async def _attempt(self, held: OpenWait | None) -> Failure | None:
        """Issue the activity and await its end. `held` is the wait whose decision cuts healing short."""
        while True:
            self.heard = self._heard()
            await self._stop_if_requested()
            if self._overtaken():
                return self._give_way()
            self._mark(StepState.HELD_UP if held else StepState.RUNNING)
            hurries = held is None and self.process.express.takes(self.operation, self.connection)
            activity = self._issued(held, hurries)
            # A cancel that meets the result of a local activity fails the workflow task; it ends soon by itself.
            await self._ended(activity, held, can_be_cut=not (hurries and isinstance(self.operation, Read)))
            failure = self._read(activity)
            if hurries and failure and may_go_on(failure):
                self._fall_back(failure)
                continue
            if failure is not _CANCELLED:
                await self._stop_if_requested()
                return failure
            if held and held.decision:
                return held.failure
            await self._stop_if_requested()
            if self._overtaken():
                return self._give_way()
            if held:
                return held.failure
            self._reissue(self.call.model_copy(update={"repeated": True}))

    def _issued(self, held: OpenWait | None, hurries: bool) -> workflow.ActivityHandle[Res]:
        if hurries:
            return issue_express(self.operation, self.call, self.connection)
        return issue(self.operation, self.call, self.connection, self.process.policy, healing=held is not None)

    def _fall_back(self, failure: Failure) -> None:
        """Take the connection's queue from here on, for all that this process does there in the next minutes."""
        self.process.express.rest(self.connection)
        self._reissue(self.call.model_copy(update={"repeated": self.call.repeated or may_have_happened(failure)}))

    async def _ended(
        self, activity: workflow.ActivityHandle[Res], held: OpenWait | None, *, can_be_cut: bool = True
    ) -> None:
        """Until the activity has ended; a decision or a cancel request asks it to, and its end is still awaited."""
        asked = False

        def wanted() -> bool:
            decided = bool(held and held.decision)
            to_end = decided or self._to_stop() or self.gives_way()
            return can_be_cut and not asked and (to_end or (held is None and self._to_look_again()))

        while not activity.done():
            try:
                await workflow.wait_condition(lambda: activity.done() or wanted())
            except asyncio.CancelledError:
                if not self.process.is_cancel_request():
                    raise
            self._overtaken()
            if wanted() and not activity.done():
                activity.cancel()
                asked = True

    def _overtaken(self, failure: Failure | None = None) -> bool:
        """Whether something happened first. To a run of an earlier release, which does not know that, nothing does."""
        overtaken = self.gives_way() or (failure is not None and failure.code in self.gives_way_on)
        if overtaken and not workflow.patched(GIVES_WAY):
            self.gives_way, self.gives_way_on = _never, ()
            return False
        return overtaken

    def _give_way(self) -> Failure | None:
        self.gave_way = True
        self._close(taken=False)
        self._mark(StepState.STOPPED, ended=True, detail="something else happened first")
        return None

    def _to_stop(self) -> bool:
        return self.stoppable and self.process.stop_requested()

    def _to_look_again(self) -> bool:
        """Whether a system told something since this wait last began to look."""
        return isinstance(self.operation, Wait) and self._heard() != self.heard

    def _is_news(self, failure: Failure) -> bool:
        """Whether a system told something since what was read here was found wrong."""
        return isinstance(self.operation, Read) and failure.code == BROKEN_RULES and self._heard() != self.heard

    def _heard(self) -> int:
        return self.process.heard(self.operation.news)

    def _read(self, activity: workflow.ActivityHandle[Res]) -> Failure | None:
        try:
            self.found = activity.result()
            return self._judge(self.found)
        except (FailureError, asyncio.CancelledError) as error:
            if is_cancelled_exception(error):
                return _CANCELLED
            return failure_of(error, self.connection, self.operation.name)

    def _judge(self, result: Res) -> Failure | None:
        self.result = result
        problems = self.check(result) if self.check else []
        if problems:
            return Failure(
                kind=Kind.REFUSAL,
                code=BROKEN_RULES,
                connection=self.connection,
                operation=self.operation.name,
                reason="; ".join(f"{one.field} {one.reason}" for one in problems),
                problems=tuple(problems),
            )
        if self.entry and getattr(result, "key", None) == "":
            self.entry.by_hand = True
        self._mark(StepState.DONE, ended=True, object_id=str(getattr(result, "id", "")))
        return None

    async def _stop(self, reason: str) -> None:
        if self.process.steps[self.place].state is not StepState.DONE:
            self._mark(StepState.STOPPED, ended=True)
        await self.process.stop(reason)

    async def _stop_if_requested(self) -> None:
        if self._to_stop():
            self._close(taken=False)
            await self._stop(self.process.why_stopped())

    # ---- waiting --------------------------------------------------------------------------------------------------

    def _open_wait(self, failure: Failure, *, heals: bool) -> OpenWait:
        self.wait = self.process.waits.open(
            OpenWait(
                name=self.process.waits.next_name(self.operation.purpose),
                title=self.operation.title,
                status=Status.HELD_UP if heals else Status.WAITING,
                team=_OWNER.get(failure.kind, self.operation.team),
                failure=failure,
                request=self._amendable(failure),
                result_fields=self._result_fields(failure),
                actions=self._actions(failure),
                since=workflow.now(),
                check=lambda decision, verified: self._check_decision(decision, failure),
            )
        )
        self._mark(StepState.HELD_UP if heals else StepState.WAITING, detail=failure.cause)
        self.process.publish()
        return self.wait

    def _result_fields(self, failure: Failure) -> tuple[str, ...]:
        if self.operation.result_type is Undone or self._judged(failure):
            return ()
        return tuple(name for name, field in self.operation.result_type.model_fields.items() if field.is_required())

    def _actions(self, failure: Failure) -> tuple[Action, ...]:
        amendable = self.stoppable and bool(type(self._amendable(failure)).model_fields)
        cancellable = self.stoppable and not self.process.forward_only
        skippable = not (self.strict and self._judged(failure))
        possible = {Action.RETRY: True, Action.AMEND: amendable, Action.SKIP: skippable, Action.CANCEL: cancellable}
        return tuple(action for action, is_possible in possible.items() if is_possible)

    def _close(self, *, taken: bool) -> None:
        if self.wait:
            self.process.waits.close(self.wait, taken=taken)
            self.wait = None
            self.process.publish()

    async def _decided(self, wait: OpenWait) -> Failure:
        """Wait for staff, for news, or for a cancel request; when that came too late the wait is opened anew."""

        def is_over() -> bool:
            return wait.decision is not None or self._to_stop() or self._is_news(wait.failure) or self.gives_way()

        while not (self._overtaken() or is_over()):
            try:
                await workflow.wait_condition(is_over)
            except asyncio.CancelledError:
                if not self.process.is_cancel_request():
                    raise
        if wait.decision is None:
            await self._stop_if_requested()
        return wait.failure

    def _amendable(self, failure: Failure) -> Record:
        return self._judged(failure) or self.call.request

    def _check_decision(self, decision: Decision, failure: Failure) -> None:
        if decision.action is Action.AMEND:
            amend(self._amendable(failure), decision.change)
        if decision.action is Action.SKIP:
            self._skipped_result(decision, failure)

    def _judged(self, failure: Failure) -> Res | None:
        """The result that the process's own check found wrong; None when the system itself failed."""
        return self.result if failure.code == BROKEN_RULES else None

    def _skipped_result(self, decision: Decision, failure: Failure) -> Res:
        judged = self._judged(failure)
        if judged is not None and decision.result is None:
            return judged
        by_hand = {"state": UndoState.BY_HAND} if self.operation.result_type is Undone else {}
        return fit(self.operation.result_type, decision.result or by_hand, "result")

    def _mark(self, state: StepState, *, ended: bool = False, object_id: str = "", detail: str = "") -> None:
        self.process.mark(self.place, state, ended=ended, object_id=object_id, detail=detail)
