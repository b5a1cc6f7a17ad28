"""The engine: what a process can do, in few verbs: `do`, `ask`, wait `until`, take back what is `undoable`, `hand_on`.

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
from datetime import timedelta
from typing import Any, ClassVar, TypeVar, get_type_hints, overload

from temporalio import workflow
from temporalio.common import VersioningBehavior
from temporalio.exceptions import ApplicationError, FailureError

from seamline.errors import Problem
from seamline.process.asking import Answer, Asking, Question
from seamline.process.beginning import begin
from seamline.process.effect import Call, Effect, Operation, Req, Res, Wait
from seamline.process.express import Lane
from seamline.process.foresight import HeldBack
from seamline.process.lookout import Lookout
from seamline.process.raw import raw, read
from seamline.process.start import Start, read_start, workflow_id
from seamline.process.step import Done, RunningStep
from seamline.process.taking_back import Stopped, TakingBack
from seamline.process.view import Outcome, OutcomeKind, StepState
from seamline.records.base import Record
from seamline.records.event import EventKind
from seamline.records.reference import effect_key

P = TypeVar("P", bound="Process")


class Process(TakingBack):
    """Base of every process. A subclass is one file in `workflows/`, decorated with `process(name)`."""

    name: ClassVar[str]
    start_type: ClassVar[type[Start]]
    starts_on: ClassVar[Sequence[EventKind]] = ()
    """The events that start this process."""
    roles: ClassVar[Sequence[str]] = ()
    """The roles it needs a connection for."""
    origin: ClassVar[str] = ""
    """The role that the reference's own connection must fill; any where empty."""
    chosen: ClassVar[Sequence[str]] = ()
    """Of its roles, those whose connection the story may choose once it knows its object."""
    has_parts: ClassVar[bool] = False
    """Whether parts of its object have processes of their own, which are told what is told of the whole."""
    repeats: ClassVar[bool] = False
    """Whether it may run again for the same reference once it is over: each run finds what there is to do."""

    # ---- the verbs ------------------------------------------------------------------------------------------------

    async def do(
        self,
        operation: Operation[Req, Res],
        request: Req,
        *,
        number: int = 1,
        check: Callable[[Res], list[Problem]] | None = None,
        strict: bool = False,
    ) -> Res:
        """Carry out an operation and return its result; whatever fails is retried, healed or mended by staff first.

        `number` counts repeats that are meant. `check` finds what is wrong with a result: then the process waits, and
        staff retry (it is looked up anew), amend the result itself, or accept it as it is; not so with `strict`.
        """
        return (await self.perform(operation, request, number=number, check=check, strict=strict)).result

    async def perform(
        self,
        operation: Operation[Req, Res],
        request: Req,
        *,
        number: int = 1,
        check: Callable[[Res], list[Problem]] | None = None,
        strict: bool = False,
        amended: Callable[[Req, Req], Awaitable[Req]] | None = None,
    ) -> Done[Req, Res]:
        """Like `do`, and tells the request finally used and what the system found.

        `amended(old, new)` makes an amended request whole again. An effect done again under its key (the same number)
        replaces what it made before.
        """
        call = self._call(operation, request, number)
        entry = self.undo.register(operation, call) if isinstance(operation, Effect) else None
        call = entry.call if entry else call
        return await RunningStep(self, operation, call, check=check, strict=strict, amended=amended, entry=entry).run()

    def _call(self, operation: Operation[Req, Res], request: Req, number: int = 1) -> Call[Req]:
        key = effect_key(self.start.reference, operation.purpose, number) if isinstance(operation, Effect) else ""
        return Call[operation.request_type](  # type: ignore[name-defined]
            reference=self.start.reference,
            key=key,
            request=request,
            repeated=_is_reset(),
            observe_only=self.start.observe_only,
            taken_over=self.taken_over,
        )

    async def ask(self, question: Question) -> Answer:
        """Ask people, by the rule that the policy has for the question, and wait for their answer."""
        answer = await Asking(self, question).run()
        if answer is None:
            raise RuntimeError("a question without a lookout is never needless")
        return answer

    @overload
    async def ask_or_until(self, question: Question, wait: Wait[Req, Res], request: Req) -> Answer | Res: ...

    @overload
    async def ask_or_until(
        self,
        question: Question,
        wait: Wait[Req, Res],
        request: Req,
        *,
        unless: Sequence[EventKind],
        since: int | None = None,
    ) -> Answer | Res | None: ...

    async def ask_or_until(
        self,
        question: Question,
        wait: Wait[Req, Res],
        request: Req,
        *,
        unless: Sequence[EventKind] = (),
        since: int | None = None,
    ) -> Answer | Res | None:
        """Ask people, and look meanwhile for what would make the question needless: whichever comes first.

        None when one of the events `unless` was heard first, counted as by `until`.
        """
        lookout = Lookout(self, wait, request, unless, since)
        answer = await Asking(self, question, lookout).run()
        return answer or (lookout.result() if lookout.seen else None)

    @overload
    async def until(
        self, wait: Wait[Req, Res], request: Req, *, check: Callable[[Res], list[Problem]] | None = None
    ) -> Res: ...

    @overload
    async def until(
        self,
        wait: Wait[Req, Res],
        request: Req,
        *,
        unless: Sequence[EventKind],
        since: int | None = None,
        refused: Sequence[str] = (),
        check: Callable[[Res], list[Problem]] | None = None,
    ) -> Res | None: ...

    async def until(
        self,
        wait: Wait[Req, Res],
        request: Req,
        *,
        unless: Sequence[EventKind] = (),
        since: int | None = None,
        refused: Sequence[str] = (),
        check: Callable[[Res], list[Problem]] | None = None,
    ) -> Res | None:
        """Wait for something to happen in a system, however long it takes; `check` is as for `do`.

        None when one of the events `unless` was heard first (more than `since`, a count of `self.heard(unless)`; where
        left out: from now on), or when the system refused with one of these codes. What happened all the same is told.
        """
        known = self.heard(unless) if since is None else since
        call = self._call(wait, request)
        step = RunningStep(
            self, wait, call, check=check, gives_way=lambda: self.heard(unless) > known, gives_way_on=refused
        )
        done = await step.run()
        return None if step.gave_way else done.result

    async def settle(self, seconds: float, title: str) -> None:
        """Let the world come to rest before the story reads its object: what events asked until then is outdated.

        Raises Stopped when the process is cancelled meanwhile.
        """
        place = self.begin_step("settle", title, "clock")
        until = workflow.now() + timedelta(seconds=seconds)
        while workflow.cancellation_reason() is None and workflow.now() < until:
            try:
                await workflow.sleep(until - workflow.now())
            except asyncio.CancelledError:
                if not self.is_cancel_request():
                    raise
        self.stop_asked = ""
        stopped = self.stop_requested()
        self.mark(place, StepState.STOPPED if stopped else StepState.DONE, ended=True)
        if stopped:
            await self.stop(self.why_stopped())

    async def give_back(self, effect: Effect[Any, Any], *, number: int = 1) -> None:
        """Take back one effect that the story needs no more. What its system only promises is not waited for."""
        key = effect_key(self.start.reference, effect.purpose, number)
        for entry in [one for one in self.undo.standing if one.call.key == key]:
            entry.answer = await self._take_back_one(entry)

    def choose(self, role: str, connection: str) -> None:
        """Have a role filled by this connection from here on."""
        if role not in self.chosen:
            raise RuntimeError(f"{role} is not among the roles whose connection the story chooses")
        self.route[role] = connection

    async def hand_on(self, process: type[Process], start: Start, *, again: bool = False) -> None:
        """Start another process that lives on by itself. One already started for this reference is left alone.

        With `again` one that is over does not count, as for a process that `repeats`. Where this one only observes,
        only one is started that does so too: others would be about what was never made.
        """
        if self.start.observe_only and not start.observe_only:
            self.note(f"{process.name} would be started")
        elif not await self.unbroken(begin(process.name, start, again=again or process.repeats)):
            self.note(f"{process.name} was already started")

    def ignored(self, reason: str, code: str = "") -> Outcome:
        """End with nothing done: the object is not ours. The code is what ignored objects are counted by."""
        if not self.undo.empty:
            raise RuntimeError("a process ignores its object before any effect, not after")
        left = ("this run was reset: look by a trace for what it left behind before",) if _is_reset() else ()
        return Outcome(kind=OutcomeKind.IGNORED, reason=reason, code=code, manual=left)

    def completed(self, result: Record) -> Outcome:
        """End with all done; with what would have been done, where the process only observes."""
        if self.start.observe_only:
            return self._observed("")
        return Outcome(
            kind=OutcomeKind.COMPLETED,
            result=result.model_dump(mode="json"),
            manual=tuple(self.manual),
            by_hand=self.undo.by_hand,
        )

    def _observed(self, reason: str) -> Outcome:
        return Outcome(
            kind=OutcomeKind.OBSERVED,
            reason=reason,
            manual=tuple(self.manual),
            by_hand=self.undo.by_hand,
            unwritten=tuple(self.foresight.unwritten),
        )

    # ---- the run --------------------------------------------------------------------------------------------------

    async def _run(self, story: Callable[..., Awaitable[Outcome]], arguments: Sequence[Any]) -> Outcome:
        self.start = self._checked_start(arguments)
        self.policy = self.start.policy
        self.route = dict(self.start.route)
        self.express = Lane(self.policy.express)
        self.show()
        try:
            outcome = await self._told(story)
        except HeldBack as unknown:
            outcome = self._observed(str(unknown))
        except Stopped as stopped:
            await self.unbroken(self._take_back())
            outcome = self._outcome_undone(str(stopped))
        self.close(outcome)
        await self.unbroken(workflow.wait_condition(workflow.all_handlers_finished))
        if outcome.kind is OutcomeKind.UNDONE and workflow.cancellation_reason() is not None:
            raise asyncio.CancelledError
        return outcome

    async def _told(self, story: Callable[..., Awaitable[Outcome]]) -> Outcome:
        """The story's outcome. A cancel that ended it outside of a verb, as in a `gather`, is followed all the same."""
        try:
            return await story(self, self.start)
        except FailureError as error:
            # It would end the run as failed, with its effects left; so only the task fails, for a release to mend.
            raise RuntimeError(f"the story raised {type(error).__name__}") from error
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
            if role not in self.chosen and not start.route.get(role)
        ]
        expected = workflow_id(self.name, start.reference)
        if workflow.info().workflow_id != expected:
            problems.append(Problem(field="workflow id", reason=f"must be {expected}, so that it runs once"))
        return problems


def process(name: str, *, upgrades: bool = False) -> Callable[[type[P]], type[P]]:
    """Make a class the process `name`: its `run` is told a checked start, and always ends in an outcome.

    It stands in place of `workflow.defn` and `workflow.run`, since what `run` is sent must be read leniently: an input
    that cannot be decoded would otherwise fail the workflow task for ever. With worker versions, a process that
    `upgrades` moves to a new build while it runs; others stay with the build they began on.
    """
    behavior = VersioningBehavior.AUTO_UPGRADE if upgrades else VersioningBehavior.PINNED

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
        return workflow.defn(name=name, versioning_behavior=behavior)(cls)

    return decorate


def _is_reset() -> bool:
    """Whether staff reset the run to a point in its past: what follows there may have happened once before."""
    return workflow.info().run_id != workflow.info().original_execution_run_id
