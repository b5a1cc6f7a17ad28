"""What a process is told while it runs: decisions of staff, and events of the systems.

A signal never raises and takes anything; only the update answers with an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from seamline.errors import Problem
from seamline.process.decision import Action, BadDecision, Decided, Decision, read_decision
from seamline.process.raw import raw, read
from seamline.process.shown import Shown
from seamline.process.waits import OpenWait
from seamline.records.event import Event, EventKind

DECISIONS_MAX = 100
EVENTS_MAX = 100
"""How many of the systems' events wake a process: each can cost it a few lines of history."""
HISTORY_LENGTH_MAX = 10_000
"""Events of history beyond which a process takes no more amendments and retries; Temporal ends a run at 51,200."""
REFUSED_LENGTH_MAX = 2000
"""Of the text that a refused update answers with; senders can name any number of wrong fields."""

_REPEATING = (Action.AMEND, Action.RETRY)


class Inbox(Shown):
    """The messages of every process."""

    hears: ClassVar[Sequence[EventKind]] = ()
    """The events of the systems that it wants while it runs: operations that they are news for look again at once."""
    stops_on: ClassVar[Mapping[EventKind, str]] = {}
    """Those of them that take the process back, with the reason shown."""

    def __init__(self) -> None:
        super().__init__()
        self.stop_asked = ""
        """Why a system's event wants the process taken back; empty when none does."""
        self._heard: Counter[EventKind] = Counter()
        self._deliveries: set[str] = set()

    # ---- decisions ------------------------------------------------------------------------------------------------

    @workflow.signal(name="decide", description='Answer a wait: {"wait": ..., "action": ..., "who": ..., "why": ...}')
    @raw
    async def decide_by_signal(self, *arguments: Any) -> None:
        """Answer a wait. Whatever cannot be taken is noted in the view and otherwise ignored."""
        try:
            self._claim(read_decision(read(arguments)), verified=False)
        except BadDecision as problem:
            self.note(f"a decision was ignored: {problem}")

    @workflow.update(name="decide", description="Answer a wait; refused at once when it cannot be taken.")
    @raw
    async def decide_by_update(self, *arguments: Any) -> Decided:
        """Answer a wait and learn whether that counted."""
        try:
            wait, kept = self._claim(read_decision(read(arguments)), verified=True)
        except BadDecision as problem:
            raise _refused(problem) from None
        await workflow.wait_condition(lambda: wait.taken is not None)
        if not wait.taken:
            raise ApplicationError(f"too late: {wait.title} went on or was cancelled meanwhile", type="TooLate")
        return kept

    @decide_by_update.validator
    @raw
    def check_decision(self, *arguments: Any) -> None:
        """Refuse a decision that cannot be taken before it becomes an event."""
        try:
            decision = read_decision(read(arguments))
            self.waits.check(decision, verified=True)
            _check_length(decision)
        except BadDecision as problem:
            raise _refused(problem) from None

    def _claim(self, decision: Decision, *, verified: bool) -> tuple[OpenWait, Decided]:
        _check_length(decision)
        wait = self.waits.claim(decision, verified=verified)
        return wait, self.keep(decision, verified=verified)

    def keep(self, decision: Decision, *, verified: bool) -> Decided:
        """Keep a decision in the view: who, when, what, why."""
        kept = Decided(
            wait=decision.wait,
            action=decision.action,
            who=decision.who,
            why=decision.why,
            at=workflow.now().isoformat(),
            verified=verified,
            choice=decision.choice,
        )
        self.decisions = [*self.decisions, kept][-DECISIONS_MAX:]
        return kept

    # ---- events ---------------------------------------------------------------------------------------------------

    @workflow.signal(name="happened", description='A system tells: {"kind": "order-cancelled", "topic": ...}')
    @raw
    async def happened(self, *arguments: Any) -> None:
        """Heed a system's event. What is not heard here, or was before, changes nothing."""
        event = _read_event(read(arguments))
        if event is None or event.kind not in self.hears:
            self.note("an event was ignored: nothing that this process hears")
            return
        if reason := self.stops_on.get(event.kind):
            self._stop_on_event(reason)
        if self._heard.total() >= EVENTS_MAX or event.delivery_id in self._deliveries:
            return
        if event.delivery_id:
            self._deliveries.add(event.delivery_id)
        self.wake(event.kind)
        if self._heard[event.kind] == 1:
            self.note(f"told by the source: {event.kind.value}")

    def wake(self, kind: EventKind) -> None:
        """Count as heard what happened, for all that waits for it."""
        self._heard[kind] += 1

    def heard(self, kinds: Sequence[EventKind]) -> int:
        """How many events of these kinds were heard; who waits compares it with the number it began with."""
        return sum(self._heard[kind] for kind in kinds)

    def _stop_on_event(self, reason: str) -> None:
        if self.forward_only:
            self.leave_customer_to_people(reason)
        else:
            self.stop_asked = reason

    def leave_customer_to_people(self, reason: str) -> None:
        """The source has given the object up, and it is too late to take back what was done."""
        task = f"{reason}, after the point of no return: choose what to do for the customer"
        if task not in self.manual:
            self.manual.append(task)
            self.show()

    @workflow.signal(dynamic=True)
    async def other_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Note a signal that no process knows."""
        self.note(f"signal {name[:50]!r} was ignored: there are only 'decide' and 'happened'")


def _check_length(decision: Decision) -> None:
    if decision.action in _REPEATING and workflow.info().get_current_history_length() > HISTORY_LENGTH_MAX:
        reason = f"is not possible any more: the process has had over {HISTORY_LENGTH_MAX} events; skip or cancel"
        raise BadDecision([Problem(field="action", reason=reason)])


def _read_event(arguments: Sequence[Any]) -> Event | None:
    try:
        return Event.model_validate(arguments[0]) if len(arguments) == 1 else None
    except ValidationError:
        return None


def _refused(problem: BadDecision) -> ApplicationError:
    return ApplicationError(str(problem)[:REFUSED_LENGTH_MAX], type="BadDecision", non_retryable=True)
