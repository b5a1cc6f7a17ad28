"""The engine: what a process can do, in few verbs: `do`, wait `until`, take back what is `undoable`, `hand_on`.

The rules it keeps, each of which is a fact about Temporal or a promise of DESIGN:

- Cancellation hides behind an activity that completes anyway, so after every step the request itself is tested.
- A cancel request reaches a task once. Any further CancelledError is the cache evicting the run: never swallowed.
- Undo is registered before the effect, and runs in a task of its own that no cancel reaches.
- A signal never raises and takes anything; only the update answers with an error.
- On the way without trouble nothing is written to the history but the activities themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, TypeVar, get_type_hints

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributeKey, SearchAttributeUpdate, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from seamline.errors import Problem
from seamline.process import attributes
from seamline.process.decision import BadDecision, Decided, Decision, read_decision
from seamline.process.details import current_details
from seamline.process.effect import Call, Effect, Operation, Req, Res, Wait
from seamline.process.raw import raw, read
from seamline.process.start import Start, read_start, workflow_id
from seamline.process.step import Done, RunningStep
from seamline.process.undo import Entry, UndoLog
from seamline.process.view import Outcome, OutcomeKind, Status, Step, UndoneStep, View
from seamline.process.waits import OpenWait, Waits
from seamline.records.base import Record
from seamline.records.event import EventKind
from seamline.records.policy import Policy
from seamline.records.reference import effect_key
from seamline.records.undo import Undone, UndoState

NOTES_MAX = 50
NOTE_LENGTH_MAX = 500
DECISIONS_MAX = 100
REFUSED_LENGTH_MAX = 2000
"""Of the text that a refused update answers with; senders can name any number of wrong fields."""

T = TypeVar("T")
P = TypeVar("P", bound="Process")


class Stopped(Exception):
    """The process was cancelled and its effects can be, or have been, taken back."""


class Process:
    """Base of every process. A subclass is one file in `workflows/`, decorated with `process(name)`."""

    name: ClassVar[str]
    start_type: ClassVar[type[Start]]
    starts_on: ClassVar[Sequence[EventKind]] = ()
    """The events that start this process."""
    roles: ClassVar[Sequence[str]] = ()
    """The roles it needs a connection for."""

    def __init__(self) -> None:
        self.start: Start
        self.policy = Policy()
        self.steps: list[Step] = []
        self.waits = Waits()
        self._undo = UndoLog()
        self._notes: list[str] = []
        self._decisions: list[Decided] = []
        self._manual: list[str] = []
        self._outcome: Outcome | None = None
        self._undoing = False
        self.forward_only = False
        self._cancel_delivered: set[asyncio.Task[Any] | None] = set()

    # ---- the verbs ------------------------------------------------------------------------------------------------

    async def do(
        self,
        operation: Operation[Req, Res],
        request: Req,
        *,
        number: int = 1,
        check: Callable[[Res], list[Problem]] | None = None,
    ) -> Res:
        """Carry out an operation and return its result; whatever fails is retried, healed or mended by staff first.

        `number` counts repeats that are meant. `check` finds what is wrong with a result: then the process waits, and
        staff retry (it is looked up anew) or amend the result itself.
        """
        return (await self.perform(operation, request, number=number, check=check)).result

    async def perform(
        self,
        operation: Operation[Req, Res],
        request: Req,
        *,
        number: int = 1,
        check: Callable[[Res], list[Problem]] | None = None,
        amended: Callable[[Req, Req], Awaitable[Req]] | None = None,
    ) -> Done[Req, Res]:
        """Like `do`, and tells the request finally used. `amended(old, new)` makes an amended request whole again."""
        key = effect_key(self.start.reference, operation.purpose, number) if isinstance(operation, Effect) else ""
        call = Call[operation.request_type](reference=self.start.reference, key=key, request=request)  # type: ignore[name-defined]
        entry = self._undo.register(operation, call) if isinstance(operation, Effect) else None
        step = RunningStep(self, operation, call, check=check, amended=amended, entry=entry)
        result = await step.run()
        return Done(step.call.request, result)

    async def until(self, wait: Wait[Req, Res], request: Req) -> Res:
        """Wait for something to happen in a system, however long it takes."""
        return await self.do(wait, request)

    def undoable(self) -> _Undoable:
        """`async with self.undoable():` what is done inside can be taken back; its end is the point of no return."""
        return _Undoable(self)

    async def hand_on(self, process: type[Process], start: Start) -> None:
        """Start another process that lives on by itself. One already started for this reference is left alone."""
        await self.unbroken(self._start_other(process, start))

    def ignored(self, reason: str) -> Outcome:
        """End with nothing done: the object is not ours."""
        if not self._undo.empty:
            raise RuntimeError("a process ignores its object before any effect, not after")
        return Outcome(kind=OutcomeKind.IGNORED, reason=reason)

    def completed(self, result: Record) -> Outcome:
        """End with all done."""
        return Outcome(kind=OutcomeKind.COMPLETED, result=result.model_dump(mode="json"), manual=tuple(self._manual))

    def note(self, text: str) -> None:
        """Tell staff something in the view. No personal data."""
        self._notes = [*self._notes, text[:NOTE_LENGTH_MAX]][-NOTES_MAX:]
        self.show()

    # ---- messages -------------------------------------------------------------------------------------------------

    @workflow.query
    def view(self) -> View:
        """The process as it is now."""
        return View(
            process=workflow.info().workflow_type,
            reference=workflow.info().workflow_id.partition(":")[2],
            status=self.status(),
            steps=tuple(self.steps),
            waits=tuple(one.shown() for one in self.waits),
            undone=self._undone_steps(),
            decisions=tuple(self._decisions),
            notes=tuple(self._notes),
            manual=tuple(self._manual),
            outcome=self._outcome,
        )

    @workflow.signal(name="decide", description='Answer a wait: {"wait": ..., "action": ..., "who": ..., "why": ...}')
    @raw
    async def decide_by_signal(self, *arguments: Any) -> None:
        """Answer a wait. Whatever cannot be taken is noted in the view and otherwise ignored."""
        try:
            self._claim(read_decision(read(arguments)), verified=False)
        except BadDecision as problem:
            self.note(f"a decision was ignored: {problem}")

    @workflow.signal(dynamic=True)
    async def other_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Note a signal that no process knows."""
        self.note(f"signal {name[:50]!r} was ignored: there is only 'decide'")

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
            raise ApplicationError(f"too late: {wait.title} succeeded meanwhile", type="TooLate")
        return kept

    @decide_by_update.validator
    @raw
    def check_decision(self, *arguments: Any) -> None:
        """Refuse a decision that cannot be taken before it becomes an event."""
        try:
            self.waits.check(read_decision(read(arguments)))
        except BadDecision as problem:
            raise _refused(problem) from None

    # ---- the run --------------------------------------------------------------------------------------------------

    async def _run(self, story: Callable[..., Awaitable[Outcome]], arguments: Sequence[Any]) -> Outcome:
        self.start = self._checked_start(arguments)
        self.policy = self.start.policy
        self.show()
        try:
            outcome = await self._told(story)
        except Stopped as stopped:
            await self.unbroken(self._take_back())
            outcome = self._outcome_undone(str(stopped))
        self._end(outcome)
        await self.unbroken(workflow.wait_condition(workflow.all_handlers_finished))
        if outcome.kind is OutcomeKind.UNDONE and workflow.cancellation_reason() is not None:
            raise asyncio.CancelledError
        return outcome

    async def _told(self, story: Callable[..., Awaitable[Outcome]]) -> Outcome:
        """The story's outcome. A cancel that ended it outside of a verb, as in a `gather`, is followed all the same."""
        try:
            return await story(self, self.start)
        except asyncio.CancelledError:
            if not self.is_cancel_request():
                raise
            await self.stop("cancelled")
            # A failed task stays, is seen, and goes on with a mended release; a cancelled run would leave its effects.
            raise RuntimeError("a cancel ended the story where only its verbs may wait, too late to undo it") from None

    def _checked_start(self, arguments: Sequence[Any]) -> Start:
        start = read_start(self.start_type, read(arguments))
        problems = start if isinstance(start, list) else self._misplaced(start)
        if problems or isinstance(start, list):
            text = "; ".join(f"{one.field} {one.reason}" for one in problems)
            raise ApplicationError(f"nothing was started: {text}", type="BadStart", non_retryable=True)
        return start

    def _misplaced(self, start: Start) -> list[Problem]:
        problems = [
            Problem(field=f"route.{role}", reason="is missing: which connection fills this role?")
            for role in self.roles
            if not start.route.get(role)
        ]
        expected = workflow_id(self.name, start.reference)
        if workflow.info().workflow_id != expected:
            problems.append(Problem(field="workflow id", reason=f"must be {expected}, so that it runs once"))
        return problems

    def _end(self, outcome: Outcome) -> None:
        self._outcome = outcome
        if outcome.kind is not OutcomeKind.COMPLETED:
            workflow.upsert_search_attributes([attributes.STATUS.value_set(outcome.kind.value)])
        self.show()

    async def _start_other(self, process: type[Process], start: Start) -> None:
        try:
            await workflow.start_child_workflow(
                process.name,
                start,
                id=workflow_id(process.name, start.reference),
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=attributes.at_start(start.reference),
                static_summary=f"{process.name} of {start.reference}",
            )
        except WorkflowAlreadyStartedError:
            self.note(f"{process.name} was already started")

    # ---- cancel and undo ------------------------------------------------------------------------------------------

    def stop_requested(self) -> bool:
        return workflow.cancellation_reason() is not None and not self.forward_only

    def is_cancel_request(self) -> bool:
        """Whether a CancelledError just caught is the process's cancellation; else the cache evicts the run."""
        task = asyncio.current_task()
        if workflow.cancellation_reason() is None or task in self._cancel_delivered:
            return False
        self._cancel_delivered.add(task)
        if self.forward_only:
            self.note("a cancel came too late: the point of no return is passed")
        return True

    async def unbroken(self, work: Awaitable[T]) -> T:
        """Await to the end, whatever cancel arrives; a cancel request is found again by whoever tests for it."""
        task = asyncio.ensure_future(work)
        while not task.done():
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError:
                if not self.is_cancel_request():
                    raise
        return task.result()

    async def stop(self, reason: str) -> None:
        """Raise Stopped unless a gate says that the goods have left: then the process only goes forward."""
        if await self.unbroken(self._gates_say_too_late()):
            self.forward_only = True
            self.note(f"{reason}: too late, the point of no return is passed; the process goes forward")
            self._undoing = False
            self.publish()
            return
        raise Stopped(reason)

    async def _gates_say_too_late(self) -> bool:
        for gate in self._undo.gates:
            self._undoing = True
            answer = await self._take_back_one(gate)
            if answer.state is UndoState.TOO_LATE:
                return True
            gate.answer = answer
        return False

    async def _take_back(self) -> None:
        """Undo what stands, latest first, then follow what vendors only promised."""
        self._undoing = True
        self.publish()
        for entry in self._undo.standing:
            entry.answer = await self._take_back_one(entry)
        for entry in self._undo.answered:
            if entry.answer and entry.answer.state is UndoState.REQUESTED and entry.confirm:
                self.show()
                entry.answer = await RunningStep(self, entry.confirm, entry.call, stoppable=False).run()

    async def _take_back_one(self, entry: Entry) -> Undone:
        answer = Undone(state=UndoState.BY_HAND)
        if entry.undo and not entry.by_hand:
            answer = await RunningStep(self, entry.undo, entry.call, stoppable=False).run()
        if answer.state is UndoState.BY_HAND:
            self._manual.append(f"take back by hand: {entry.effect.title} ({entry.call.key})")
        return answer

    def _outcome_undone(self, reason: str) -> Outcome:
        return Outcome(kind=OutcomeKind.UNDONE, reason=reason, undone=self._undone_steps(), manual=tuple(self._manual))

    def _undone_steps(self) -> tuple[UndoneStep, ...]:
        return tuple(
            UndoneStep(
                title=entry.effect.title,
                connection=self.start.route[entry.effect.role],
                key=entry.call.key,
                answer=entry.answer,
            )
            for entry in self._undo.answered
            if entry.answer
        )

    # ---- decisions and what is shown ------------------------------------------------------------------------------

    def _claim(self, decision: Decision, *, verified: bool) -> tuple[OpenWait, Decided]:
        wait = self.waits.claim(decision)
        kept = Decided(
            wait=decision.wait,
            action=decision.action,
            who=decision.who,
            why=decision.why,
            at=workflow.now().isoformat(),
            verified=verified,
        )
        self._decisions = [*self._decisions, kept][-DECISIONS_MAX:]
        return wait, kept

    def status(self) -> Status:
        if self._outcome:
            return Status(self._outcome.kind.value)
        waiting = {one.status for one in self.waits}
        for status in (Status.WAITING, Status.HELD_UP):
            if status in waiting:
                return status
        return Status.UNDOING if self._undoing else Status.RUNNING

    def publish(self) -> None:
        """Set the search attributes: only when a wait starts or stops, since each time is an event."""
        first = next(iter(self.waits), None)
        status = self.status()
        workflow.upsert_search_attributes(
            [
                attributes.REFERENCE.value_set(self.start.reference),
                _set(attributes.STATUS, None if status is Status.RUNNING else status.value),
                _set(attributes.TEAM, first.team if first else None),
                _set(attributes.CAUSE, first.failure.cause[: attributes.LENGTH_MAX] if first else None),
            ]
        )
        self.show()

    def show(self) -> None:
        workflow.set_current_details(
            current_details(self.status(), self.steps, self.waits, self._notes, self.policy.time_zone)
        )


class _Undoable:
    """The scope before the point of no return. Leaving it by an exception leaves the process undoable."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._process.forward_only = True


def process(name: str) -> Callable[[type[P]], type[P]]:
    """Make a class the process `name`: its `run` is told a checked start, and always ends in an outcome.

    It stands in place of `workflow.defn` and `workflow.run`, since what `run` is sent must be read leniently: an input
    that cannot be decoded would otherwise fail the workflow task for ever.
    """

    def decorate(cls: type[P]) -> type[P]:
        story = cls.__dict__["run"]
        cls.name = name
        cls.start_type = get_type_hints(story)["start"]

        @raw
        async def run(self: P, *arguments: Any) -> Outcome:
            return await self._run(story, arguments)

        for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
            setattr(run, attribute, getattr(story, attribute))
        cls.run = workflow.run(run)  # type: ignore[attr-defined]
        return workflow.defn(name=name)(cls)

    return decorate


def _set(key: SearchAttributeKey[str], value: str | None) -> SearchAttributeUpdate[str]:
    return key.value_unset() if value is None else key.value_set(value)


def _refused(problem: BadDecision) -> ApplicationError:
    return ApplicationError(str(problem)[:REFUSED_LENGTH_MAX], type="BadDecision", non_retryable=True)
