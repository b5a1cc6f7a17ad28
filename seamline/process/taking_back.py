"""A process's cancel, and how it takes back what it did: the gates first, then the rest, latest first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from temporalio import workflow

from seamline.process.inbox import Inbox
from seamline.process.step import RunningStep
from seamline.process.undo import Entry
from seamline.process.view import Outcome, OutcomeKind
from seamline.records.undo import Undone, UndoState

CANCEL_REASON_LENGTH_MAX = 200

T = TypeVar("T")


class Stopped(Exception):
    """The process was cancelled and its effects can be, or have been, taken back."""


class TakingBack(Inbox):
    """A process that can be cancelled until its point of no return."""

    def __init__(self) -> None:
        super().__init__()
        self._cancel_delivered: set[asyncio.Task[Any] | None] = set()
        self._gates_asked = asyncio.Lock()

    def undoable(self) -> Undoable:
        """`async with self.undoable():` what is done inside can be taken back; its end is the point of no return."""
        return Undoable(self)

    def stop_requested(self) -> bool:
        """Whether somebody wants the process taken back, and it still can be."""
        return (workflow.cancellation_reason() is not None or bool(self.stop_asked)) and not self.forward_only

    def why_stopped(self) -> str:
        """The reason of a stop requested, in words."""
        if workflow.cancellation_reason() is None:
            return self.stop_asked
        reason = workflow.cancellation_reason() or ""
        return f"cancelled: {reason[:CANCEL_REASON_LENGTH_MAX]}" if reason else "cancelled"

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
        await self.unbroken(self._ask_gates(reason))
        if not self.forward_only:
            raise Stopped(reason)

    async def _ask_gates(self, reason: str) -> None:
        """Ask once, also where several steps that run at once are stopped."""
        async with self._gates_asked:
            if self.forward_only or not await self._gates_say_too_late():
                return
            self.forward_only = True
            self.note(f"{reason}: too late, the point of no return is passed; the process goes forward")
            self.undoing = False
            if self.stop_asked:
                self.leave_customer_to_people(self.stop_asked)
            self.publish()

    async def _gates_say_too_late(self) -> bool:
        for gate in self.undo.gates:
            self.undoing = True
            answer = await self._take_back_one(gate)
            if answer.state is UndoState.TOO_LATE:
                return True
            gate.answer = answer
        return False

    async def _take_back(self) -> None:
        """Undo what stands, latest first, then follow what vendors only promised."""
        self.undoing = True
        self.publish()
        for entry in self.undo.standing:
            entry.answer = await self._take_back_one(entry)
        for entry in self.undo.answered:
            if entry.answer and entry.answer.state is UndoState.REQUESTED and entry.confirm:
                self.show()
                entry.answer = (await RunningStep(self, entry.confirm, entry.call, stoppable=False).run()).result
                self._leave_by_hand(entry, entry.answer)

    async def _take_back_one(self, entry: Entry) -> Undone:
        answer = Undone(state=UndoState.BY_HAND)
        if entry.undo and not entry.by_hand:
            answer = (await RunningStep(self, entry.undo, entry.call, stoppable=False).run()).result
        self._leave_by_hand(entry, answer)
        return answer

    def _leave_by_hand(self, entry: Entry, answer: Undone) -> None:
        if answer.state is UndoState.BY_HAND:
            self.manual.append(f"take back by hand: {entry.effect.title} ({entry.call.key})")

    def _outcome_undone(self, reason: str) -> Outcome:
        undone = self.undo.told(self.route)
        return Outcome(kind=OutcomeKind.UNDONE, reason=reason, undone=undone, manual=tuple(self.manual))


class Undoable:
    """The scope before the point of no return. Leaving it by an exception leaves the process undoable."""

    def __init__(self, process: TakingBack) -> None:
        self._process = process

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._process.forward_only = True
