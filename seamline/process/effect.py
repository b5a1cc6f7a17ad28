"""How an operation of a role is declared: reads, waits, and effects with their undo.

An operation is one activity. The role's file in `activities/` writes the method once and declares beside it what the
engine needs to know: `reserve = Effect(Inventory.reserve, undo=Inventory.release, ...)`. mypy rejects a wrong undo.
"""

from __future__ import annotations

import functools
import logging
import time
import traceback
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, Generic, ParamSpec, TypeVar, get_args, get_type_hints

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from seamline.errors import Failure, Kind, Observed, SystemFailure
from seamline.observing import observing
from seamline.process.trytime import TryTime
from seamline.records.base import Record
from seamline.records.event import EventKind
from seamline.records.shop_rules import TakenOver
from seamline.records.system import FORESEEN
from seamline.records.undo import Undone

Req = TypeVar("Req", bound=Record)
Res = TypeVar("Res", bound=Record)
P = ParamSpec("P")
R = TypeVar("R")

Method = Callable[[Any, "Call[Req]"], Coroutine[Any, Any, Res]]

log = logging.getLogger(__name__)

PROCESSES = "waiting"
"""The role that is about the processes themselves, and that no connection fills."""
_CATEGORY = {True: ApplicationErrorCategory.BENIGN, False: ApplicationErrorCategory.UNSPECIFIED}
"""Neither looking again for what has not happened yet nor a write held back is a failure: not logged nor counted."""


class Call(Record, Generic[Req]):
    """What every activity is sent. One model, so that a field can be added without breaking a running process."""

    reference: str
    key: str = ""
    """The effect key; empty for reads and waits."""
    request: Req
    amendment: int = 0
    """How often staff amended the request; part of a vendor's native idempotency key."""
    repeated: bool = False
    """An earlier issue of this operation may have had its effect, though this activity's attempt is 1."""
    patience_seconds: float | None = None
    """For waits: how long an outage may last before the attempt gives up and the process shows as held up."""
    healing: bool = False
    """For waits after an outage: the first answer ends the activity, whatever it is."""
    taken_over: TakenOver | None = None
    """What others may have made for the object before us, where its rules have us go on with it."""
    observe_only: bool = False
    """The process only observes: whatever this operation would write is held back."""


class Irreversible(StrEnum):
    """Stands where an effect has no undo."""

    IRREVERSIBLE = "irreversible"
    STANDS = "stands"


IRREVERSIBLE: Final = Irreversible.IRREVERSIBLE
"""Nothing takes it back but people: an undone process leaves them the task."""
STANDS: Final = Irreversible.STANDS
"""It is meant to stay when the process is taken back: a hold released, an order cancelled on rejection."""


def operation(
    name: str, *, about: str = ""
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Callable[P, Coroutine[Any, Any, R]]]:
    """Make a role's method an activity called `role.verb` that tells its failures as the engine reads them.

    `about` is the request's field that names an object to be read first: one that a process which only observes would
    have made is nowhere to be read, so nothing is asked. Raises ApplicationError of type `Kind`, with the `Failure` as
    its only detail; its message holds no personal data.
    """

    def decorate(method: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        @functools.wraps(method)
        async def run(*args: P.args, **kwargs: P.kwargs) -> R:
            call: Call[Any] = args[1]  # type: ignore[assignment]
            limit = TryTime()
            try:
                with observing(call.observe_only):
                    _check_made(call, about)
                    return await limit.give(method(*args, **kwargs))
            except SystemFailure as error:
                failure = error.failure.model_copy(update={"operation": name})
                raise _told(failure, call, limit) from None
            except ApplicationError:
                raise
            except Exception as error:
                log.error("defect in %s\n%s", name, "".join(traceback.format_tb(error.__traceback__)))
                failure = Failure(kind=Kind.DEFECT, code=type(error).__name__, operation=name)
                raise _told(failure, call, limit) from None

        return activity.defn(name=name)(run)

    return decorate


def _check_made(call: Call[Any], about: str) -> None:
    if call.observe_only and about and getattr(call.request, about) == FORESEEN:
        raise Observed("observe-only", "what it is about was held back")


def _told(failure: Failure, call: Call[Any], limit: TryTime) -> ApplicationError:
    final = failure.kind in (Kind.REFUSAL, Kind.UNKNOWN_OUTCOME)
    # A setting is not changed within the patience for an outage.
    final = final or (failure.kind is Kind.OBSERVED and (call.observe_only or not limit.endless))
    if failure.kind is Kind.NOT_YET:
        final = call.healing
        _remember_outage(None)
    elif not final and call.patience_seconds is not None:
        final = _outage_lasted() >= call.patience_seconds
    delay = failure.retry_after_seconds
    # Temporal would let the last moments pass and then tell of its own limit instead of this cause.
    final = final or not limit.another_fits(delay)
    return ApplicationError(
        f"{failure.cause} in {failure.operation}",
        failure,
        type=failure.kind.value,
        non_retryable=final,
        category=_CATEGORY[failure.kind in (Kind.NOT_YET, Kind.OBSERVED)],
        next_retry_delay=timedelta(seconds=delay) if delay and not final else None,
    )


def _outage_lasted() -> float:
    """Seconds since the first attempt that failed in a row. Temporal keeps heartbeat details over attempts."""
    details = activity.info().heartbeat_details
    since = float(details[0]) if details and details[0] is not None else time.time()
    _remember_outage(since)
    return time.time() - since


def _remember_outage(since: float | None) -> None:
    if activity.info().heartbeat_details or since is not None:
        activity.heartbeat(since)


def is_repeat(call: Call[Any]) -> bool:
    """Whether an earlier try of this operation may have had its effect."""
    return call.repeated or activity.info().attempt > 1


@functools.cache
def hints_of(method: Callable[..., Any]) -> Mapping[str, Any]:
    """The types that a method declares. Read once: each step asks for them."""
    return get_type_hints(method)


@dataclass(frozen=True, kw_only=True)
class Operation(Generic[Req, Res]):
    """One thing a role can do. `title` is how staff read it; `team` decides when the system refuses."""

    method: Method[Req, Res] = field(kw_only=False)
    title: str
    team: str = "operations"
    news: tuple[EventKind, ...] = ()
    """Events after which it is worth looking again: they wake a wait, and read again what was found wrong."""

    @property
    def name(self) -> str:
        """The activity's name: `inventory.reserve`."""
        return str(activity._Definition.must_from_callable(self.method).name)

    @property
    def role(self) -> str:
        """The role that the operation belongs to: `inventory`."""
        return self.name.split(".", 1)[0]

    @property
    def purpose(self) -> str:
        """The operation's part in effect keys and names of waits: `reserve`."""
        return self.name.split(".", 1)[1].replace("_", "-")

    @property
    def request_type(self) -> type[Req]:
        """The model that staff's amendments are checked against."""
        call = hints_of(self.method)["call"]
        metadata: dict[str, Any] = getattr(call, "__pydantic_generic_metadata__", {})
        (request,) = metadata.get("args") or get_args(call)
        return request  # type: ignore[no-any-return]

    @property
    def result_type(self) -> type[Res]:
        """The model that a skip's result is checked against."""
        return hints_of(self.method)["return"]  # type: ignore[no-any-return]


@dataclass(frozen=True, kw_only=True)
class Read(Operation[Req, Res]):
    """Looks something up; changes nothing."""


@dataclass(frozen=True, kw_only=True)
class Wait(Operation[Req, Res]):
    """Asks whether something happened, by an activity that raises NotYet until it has. Retries cost no history."""

    poll_first: timedelta = timedelta(seconds=30)
    poll_max: timedelta = timedelta(minutes=15)
    foreseen: Callable[[Req], Res] | None = None
    """What a process that only observes goes on with, once what it would wait for was held back; without it the process
    ends here."""


@dataclass(frozen=True)
class Foreseen(Generic[Req, Res]):
    """What a process that only observes goes on with, and tells, where the effect is held back.

    `result` is told the call, and what an earlier effect with such a result was foreseen to make; None where it cannot
    tell. `told` puts the request in words without personal data; `holding` is what `trace` calls the object it would
    make, and `amount` the money of it.
    """

    result: Callable[[Call[Req], Res | None], Res | None]
    told: Callable[[Req], str]
    holding: str = ""
    amount: Callable[[Req], object] = lambda request: ""


@dataclass(frozen=True, kw_only=True)
class Effect(Operation[Req, Res]):
    """One change in a system.

    `undo` is sent the same call as the effect (its latest request) and must tolerate that the effect never happened.
    `confirm` follows an undo that a vendor only promised, and looks again at `news`. The undo of a `gate` decides
    whether undoing is possible. Without `foreseen` a process that only observes ends here.
    """

    undo: Method[Req, Undone] | Irreversible
    confirm: Method[Req, Undone] | None = None
    gate: bool = False
    foreseen: Foreseen[Req, Res] | None = None
