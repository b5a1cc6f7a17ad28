"""One effect each: what `ensure` finds, adopts, takes back, makes and refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from temporalio.testing import ActivityEnvironment

from activities.ensure import ensure
from seamline.errors import Refusal, UnknownOutcome
from seamline.process.effect import Call
from seamline.records.system import Repeat
from seamline.records.undo import Undone, UndoState
from tests.process.stage import Made, Thing

KEY = "test:1/paint#1"
RED = Made(id="red-one", key=KEY, colour="red")
BLUE = Made(id="blue-one", key=KEY, colour="blue")
OTHERS = Made(id="other", key="test:2/paint#1", colour="red")
STRANGER = Made(id="stranger", key="", colour="red")


@dataclass
class Shelf:
    """A system's objects, and what was done to them."""

    found: list[Made] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    answer: Undone = field(default_factory=lambda: Undone(state=UndoState.UNDONE))

    async def find(self) -> Sequence[Made]:
        self.done.append("find")
        return list(self.found)

    async def create(self) -> Made:
        self.done.append("create")
        return Made(id="new", key=KEY, colour="red")

    async def take_back(self, made: Made) -> Undone:
        self.done.append(f"take back {made.id}")
        return self.answer


async def ensured(shelf: Shelf, repeat: Repeat, *, attempt: int = 1, repeated: bool = False, key: str = KEY) -> Made:
    """What comes of asking for one red thing."""
    call = Call[Thing](reference="test:1", key=key, request=Thing(name="thing"), repeated=repeated)
    env = ActivityEnvironment()
    env.info = dataclasses.replace(env.info, attempt=attempt)

    async def run() -> Made:
        return await ensure(
            call,
            repeat,
            find=shelf.find,
            matches=lambda one: one.colour == "red",
            create=shelf.create,
            take_back=shelf.take_back,
        )

    return await env.run(run)


@pytest.mark.parametrize(
    ("found", "done", "kept"),
    [
        ([], ["find", "create"], "new"),
        ([RED], ["find"], "red-one"),
        ([OTHERS], ["find", "create"], "new"),
        ([BLUE], ["find", "take back blue-one", "create"], "new"),
        ([BLUE, RED], ["find", "take back blue-one"], "red-one"),
        ([RED, RED.model_copy(update={"id": "twin"})], ["find", "take back twin"], "red-one"),
        ([STRANGER, RED], ["find"], "red-one"),
    ],
)
async def test_what_carries_the_key_is_adopted_and_never_doubled(found: list[Made], done: list[str], kept: str) -> None:
    shelf = Shelf(found)
    assert (await ensured(shelf, Repeat.LOOK_UP)).id == kept
    assert shelf.done == done


async def test_a_strangers_object_is_refused_and_named() -> None:
    shelf = Shelf([STRANGER])
    with pytest.raises(Refusal) as refused:
        await ensured(shelf, Repeat.LOOK_UP)
    assert refused.value.failure.code == "already-there"
    assert "stranger" in refused.value.failure.reason
    assert shelf.done == ["find"]


@pytest.mark.parametrize("repeat", [Repeat.NATIVE_KEY, Repeat.HARMLESS])
@pytest.mark.parametrize("attempt", [1, 2])
async def test_what_is_safe_to_repeat_is_not_looked_up(repeat: Repeat, attempt: int) -> None:
    shelf = Shelf([RED])
    await ensured(shelf, repeat, attempt=attempt, repeated=attempt > 1)
    assert shelf.done == ["create"]


@pytest.mark.parametrize(("attempt", "repeated"), [(2, False), (1, True), (2, True)])
async def test_what_nothing_can_tell_is_not_repeated(attempt: int, repeated: bool) -> None:
    shelf = Shelf()
    with pytest.raises(UnknownOutcome):
        await ensured(shelf, Repeat.NEITHER, attempt=attempt, repeated=repeated)
    assert shelf.done == []


async def test_what_nothing_can_tell_is_done_once() -> None:
    shelf = Shelf()
    await ensured(shelf, Repeat.NEITHER)
    assert shelf.done == ["create"]


async def test_a_second_one_that_is_meant_does_not_adopt_the_first() -> None:
    lost = RED.model_copy(update={"key": "test:1/paint#1"})
    shelf = Shelf([lost])
    second = await ensured(shelf, Repeat.LOOK_UP, key="test:1/paint#2")
    assert second.id == "new"
    assert shelf.done == ["find", "create"]


async def test_what_has_left_and_cannot_be_taken_back_is_kept() -> None:
    shelf = Shelf([BLUE], answer=Undone(state=UndoState.TOO_LATE))
    assert (await ensured(shelf, Repeat.LOOK_UP)).id == "blue-one"
    assert shelf.done == ["find", "take back blue-one"]
