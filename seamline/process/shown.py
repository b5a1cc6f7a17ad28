"""What a process shows of itself: the query `view`, the Temporal UI's details, the search attributes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from seamline.process import attributes
from seamline.process.decision import Decided
from seamline.process.details import current_details
from seamline.process.effect import PROCESSES, Operation
from seamline.process.express import Lane
from seamline.process.foresight import Foresight
from seamline.process.start import Start
from seamline.process.undo import UndoLog
from seamline.process.view import Outcome, Status, Step, StepState, View
from seamline.process.waits import Waits
from seamline.records.policy import Policy
from seamline.records.reference import connection_of
from seamline.records.shop_rules import TakenOver

NOTES_MAX = 50
NOTE_LENGTH_MAX = 500

T = TypeVar("T", str, datetime)


class Shown:
    """The state of a process that people see, and where they see it."""

    def __init__(self) -> None:
        self.start: Start
        self.route: dict[str, str] = {}
        """Role -> connection: the start's, and what the story chose since."""
        self.policy = Policy()
        self.steps: list[Step] = []
        self.waits = Waits()
        self.undo = UndoLog()
        self.taken_over: TakenOver | None = None
        """What others may have made for the object, once the story knows it."""
        self.undoing = False
        self.forward_only = False
        """The point of no return is passed."""
        self.manual: list[str] = []
        self.decisions: list[Decided] = []
        self.foresight = Foresight()
        self.express = Lane()
        """The connections that a step may call beside the process."""
        self._notes: list[str] = []
        self._outcome: Outcome | None = None

    def connection_of(self, operation: Operation[Any, Any]) -> str:
        """The queue an operation is served on: its connection's; where the processes run, for what is asked of them."""
        return workflow.info().task_queue if operation.role == PROCESSES else self.route[operation.role]

    @workflow.query
    def view(self) -> View:
        """The process as it is now."""
        return View(
            process=workflow.info().workflow_type,
            reference=workflow.info().workflow_id.partition(":")[2],
            status=self.status(),
            steps=tuple(self.steps),
            waits=tuple(one.shown() for one in self.waits),
            left=self.forward_only,
            undo_plan=() if self.forward_only or not self.steps else self.undo.planned(self.route),
            undone=self.undo.told(self.route) if self.steps else (),
            decisions=tuple(self.decisions),
            notes=tuple(self._notes),
            manual=tuple(self.manual),
            unwritten=tuple(self.foresight.unwritten),
            outcome=self._outcome,
        )

    def note(self, text: str) -> None:
        """Tell staff something in the view. No personal data."""
        self._notes = [*self._notes, text[:NOTE_LENGTH_MAX]][-NOTES_MAX:]
        self.show()

    def begin_step(self, name: str, title: str, connection: str, key: str = "") -> int:
        """Show a new step; the number is its place, for `mark`."""
        state, started = StepState.RUNNING, workflow.now()
        self.steps.append(Step(name=name, title=title, connection=connection, state=state, started=started, key=key))
        self.show()
        return len(self.steps) - 1

    def mark(self, place: int, state: StepState, *, ended: bool = False, object_id: str = "", detail: str = "") -> None:
        """Show how far a step is."""
        change: dict[str, Any] = {"state": state, "object_id": object_id, "detail": detail}
        if ended:
            change["ended"] = workflow.now()
        self.steps[place] = self.steps[place].model_copy(update=change)
        self.show()

    def status(self) -> Status:
        """Where the process is, in one word."""
        if self._outcome:
            return Status(self._outcome.kind.value)
        waiting = {one.status for one in self.waits}
        for status in (Status.WAITING, Status.HELD_UP):
            if status in waiting:
                return status
        return Status.UNDOING if self.undoing else Status.RUNNING

    def publish(self) -> None:
        """Set the search attributes: only when a wait starts, moves or stops, since each time is an event."""
        first = next(iter(self.waits), None)
        status = self.status()
        workflow.upsert_search_attributes(
            [
                attributes.REFERENCE.value_set(self.start.reference),
                _set(attributes.STATUS, None if status is Status.RUNNING else status.value),
                _set(attributes.TEAM, first.team if first else None),
                _set(attributes.CAUSE, first.failure.cause[: attributes.LENGTH_MAX] if first else None),
                _set(attributes.DUE, first.due if first else None),
            ]
        )
        self.show()

    def show(self) -> None:
        """Renew the details that the Temporal UI shows; costs no event."""
        workflow.set_current_details(
            current_details(self.status(), self.steps, self.waits, self._notes, self.policy.time_zone)
        )

    def close(self, outcome: Outcome) -> None:
        """Show how the process ended."""
        self._outcome = outcome
        if outcome.kind.value != Status.COMPLETED.value:
            changed: list[SearchAttributeUpdate[Any]] = [attributes.STATUS.value_set(outcome.kind.value)]
            if outcome.code:
                cause = attributes.ignored_cause(connection_of(self.start.reference), outcome.code)
                changed.append(attributes.CAUSE.value_set(cause))
            workflow.upsert_search_attributes(changed)
        self.show()


def _set(key: SearchAttributeKey[T], value: T | None) -> SearchAttributeUpdate[T]:
    return key.value_unset() if value is None else key.value_set(value)
