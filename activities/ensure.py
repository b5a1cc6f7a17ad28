"""One effect each: find what carries the key, adopt it, or make it. Written once, for every role and vendor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from seamline.errors import Problem, Refusal, UnknownOutcome
from seamline.process.effect import Call, is_repeat
from seamline.records.system import Repeat
from seamline.records.undo import Undone, UndoState


class Keyed(Protocol):
    """An object in a system that can carry an effect key; the key is empty when somebody else made the object."""

    @property
    def id(self) -> str: ...

    @property
    def key(self) -> str: ...


T = TypeVar("T", bound=Keyed)


async def ensure(
    call: Call[Any],
    repeat: Repeat,
    *,
    find: Callable[[], Awaitable[Sequence[T]]],
    matches: Callable[[T], bool],
    create: Callable[[], Awaitable[T]],
    take_back: Callable[[T], Awaitable[object]],
) -> T:
    """Return the one object for `call.key`: adopted if it matches, made anew if not, created if there is none.

    `find` leaves out what was taken back. What `take_back` answers to be too late for is kept as it is: the parcel has
    left with it, and a second beside it would be wrong. An object for the same reference that carries no key (a
    colleague made it) is never adopted silently: Refusal `already-there`. Only where the object is taken over from
    others, the one that matches is adopted; it keeps having no key, so taking it back is left to people. Where repeats
    cannot be made safe, a repeat raises UnknownOutcome.
    """
    if repeat is Repeat.NEITHER and is_repeat(call):
        raise UnknownOutcome("may-have-happened", "an earlier try may have had its effect and cannot be looked up")
    if repeat is not Repeat.LOOK_UP:
        return await create()
    found = await find()
    ours = [one for one in found if one.key == call.key]
    kept = next((one for one in ours if matches(one)), None)
    for one in ours:
        if one is not kept and _too_late(await take_back(one)):
            kept = kept or one
    if kept is not None:
        return kept
    strangers = [one for one in found if not one.key]
    if not strangers:
        return await create()
    if call.taken_over and call.taken_over.adopt and len(strangers) == 1 and matches(strangers[0]):
        return strangers[0]
    raise _already_there(call, sorted(one.id for one in strangers))


def _already_there(call: Call[Any], ids: Sequence[str]) -> Refusal:
    named, verb, those = ", ".join(ids), *(("exists", "it") if len(ids) == 1 else ("exist", "them"))
    differs = " and is not what would be made now" if call.taken_over and len(ids) == 1 else ""
    return Refusal(
        "already-there",
        f"{named} {verb} for {call.reference} and was not made by us{differs}: "
        f"skip with the right one as the result to use it, or take {those} back there and retry",
        problems=[Problem(field="reference", reason=f"is already served by {named}")],
    )


def _too_late(answer: object) -> bool:
    return isinstance(answer, Undone) and answer.state is UndoState.TOO_LATE
