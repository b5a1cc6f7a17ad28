"""Plays many cells, as many at a time as there are sets of connections, and lets the independent checker judge all."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError

from seamline.simulator.checker import Verdict, audit
from tests.end_to_end.world import World
from tests.matrix.places import FOLLOW, ORDER
from tests.matrix.play import Play
from tests.matrix.stage import Stage, Worlds, stage
from tests.matrix.table import KILLS, Cell, Disturbance, not_told

AT_ONCE_MAX = 8
STRUCK_AT_ONCE_MAX = 14
"""Cells that one kill strikes: the last must be at its moment before the first one's call is given up."""
UNSURE_MAX = 2
SETTLE_SECONDS_MAX = 45
READS_AT_ONCE_MAX = 8
ONCE = ("hold", "reserve", "buy-label", "capture", "ship", "post-fulfilment")
_HARMLESS = (
    # A signal came while the last task ran: Temporal has it repeated with the signal in it.
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
)

Trouble = (AssertionError, httpx.HTTPError, RPCError, TemporalError, TimeoutError)


@dataclass(frozen=True)
class Played:
    """What came of a cell. `findings` is empty when it ended as it must."""

    cell: Cell
    reference: str
    end: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What came of all cells. `strays` are findings of the checker that belong to no cell."""

    played: Sequence[Played]
    strays: Sequence[str]
    seconds: float

    @property
    def red(self) -> list[Played]:
        """The cells that did not end as they must."""
        return [one for one in self.played if one.findings]

    @property
    def ok(self) -> bool:
        """Whether every cell is green."""
        return not self.red and not self.strays


Tell = Callable[[Played], None]


async def run_cells(cells: Iterable[Cell], folder: Path, tell: Tell = lambda _: None) -> Report:
    """Play these cells over `folder`, which is emptied. Raises ChildFailed when a part cannot start; FolderInUse."""
    began = time.monotonic()
    groups: dict[Disturbance | None, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[cell.disturbance if cell.disturbance in (*KILLS, Disturbance.UNKNOWN) else None].append(cell)
    sets = max(min(len(groups[None]), AT_ONCE_MAX), *(min(len(groups[kill]), STRUCK_AT_ONCE_MAX) for kill in KILLS), 1)
    async with stage(folder, sets, min(len(groups[Disturbance.UNKNOWN]), UNSURE_MAX)) as on:
        alone, unsure = await asyncio.gather(
            _in_turn(groups[None], on.sets[:AT_ONCE_MAX], tell),
            _in_turn(groups[Disturbance.UNKNOWN], on.unsure, tell),
        )
        played = [*alone, *unsure]
        for kill in KILLS:
            played += await _in_blows(on, groups[kill], tell)
        played = [await _looked_into(on, one) for one in played]
        verdict = await _settled(on)
    return _judged(played, verdict, time.monotonic() - began)


# ---- playing ------------------------------------------------------------------------------------------------------


async def _in_turn(cells: Sequence[Cell], sets: Sequence[Worlds], tell: Tell) -> list[Played]:
    """Each cell as soon as a set of connections is free."""
    free: asyncio.Queue[Worlds] = asyncio.Queue()
    for worlds in sets:
        free.put_nowait(worlds)

    async def one(cell: Cell) -> Played:
        worlds = await free.get()
        play = Play(cell, worlds[cell.place.ours])
        try:
            return await _told(play, _alone(play), tell)
        finally:
            await play.let_go_of_all()
            free.put_nowait(worlds)

    return list(await asyncio.gather(*map(one, cells)))


async def _alone(play: Play) -> str:
    await play.approach()
    await play.park()
    await play.strike()
    await play.let_go()
    return await play.finish()


async def _in_blows(on: Stage, cells: Sequence[Cell], tell: Tell) -> list[Played]:
    """As many cells at a time as there are worlds: brought to their moments, struck by one kill, and let go."""
    played: list[Played] = []
    for start in range(0, len(cells), STRUCK_AT_ONCE_MAX):
        plays = [Play(cell, worlds[cell.place.ours]) for cell, worlds in zip(cells[start:], on.sets, strict=False)]
        troubles = [
            *await asyncio.gather(*(play.approach() for play in plays), return_exceptions=True),
            *await asyncio.gather(*(play.park() for play in plays), return_exceptions=True),
            *await asyncio.gather(*(play.strike() for play in plays), return_exceptions=True),
        ]
        await _strike(on, plays)
        first = {play: next(filter(None, troubles[n :: len(plays)]), None) for n, play in enumerate(plays)}
        played += await asyncio.gather(*(_told(play, _struck(play, first[play]), tell) for play in plays))
    return played


async def _strike(on: Stage, plays: Sequence[Play]) -> None:
    """Kill a part. What was kept waiting goes on while it is dead; then it is started again."""
    part = on.worker if plays[0].cell.disturbance is Disturbance.WORKER_KILLED else on.temporal
    await part.kill()
    await asyncio.gather(*(play.let_go_of_all() for play in plays))
    await part.start()


async def _struck(play: Play, trouble: BaseException | None) -> str:
    if trouble:
        raise trouble
    return await play.finish()


async def _told(play: Play, playing: Coroutine[None, None, str], tell: Tell) -> Played:
    try:
        played = Played(play.cell, play.reference, await playing)
    except Trouble as error:
        played = Played(play.cell, "", "red", (f"{type(error).__name__}: {str(error)[:300]}",))
        await play.abandon()
    played = replace(played, reference=play.reference)
    tell(played)
    return played


# ---- judging ------------------------------------------------------------------------------------------------------


async def _settled(on: Stage) -> Verdict:
    """What the checker says once parcels have arrived and the list of processes, which lags behind, has settled."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while True:
        verdict = await audit(on.world.simulator.url, on.world.client, settled=True)
        if verdict.ok or time.monotonic() > deadline:
            return verdict
        await asyncio.sleep(1)


async def _looked_into(on: Stage, played: Played) -> Played:
    """With what ledger and history say, and the checker does not ask."""
    if not played.reference:
        return played
    counts = Counter(one["operation"] for one in await on.world.effects(played.reference))
    twice = [f"{counts[one]} times {one}, also if taken back" for one in ONCE if counts[one] > 1]
    failed = [
        text
        for process in ((ORDER, FOLLOW) if counts["ship"] else (ORDER,))
        for text in await _failed_tasks(on.world, process, played.reference)
    ]
    return replace(played, findings=(*played.findings, *twice, *failed))


async def _failed_tasks(world: World, process: str, reference: str) -> list[str]:
    found = []
    try:
        history = await world.handle(process, reference).fetch_history()
    except RPCError:
        return [f"{process}: there is none"]
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            attributes = event.workflow_task_failed_event_attributes
            if attributes.cause not in _HARMLESS:
                found.append(f"{process}: a workflow task failed: {attributes.failure.message[:200]}")
    return found


def _held_against(played: Played, found: Sequence[str]) -> Sequence[str]:
    """What staff skipped since the shop would not take it, the checker counts as missing: there it is right."""
    return [one for one in found if not (not_told(played.cell) and " 0 post-fulfilment " in one)]


def _judged(played: Sequence[Played], verdict: Verdict, seconds: float) -> Report:
    """Each finding of the checker with its cell."""
    of: dict[str, list[str]] = defaultdict(list)
    for finding in verdict.findings:
        of[finding.reference.partition(".")[0]].append(f"{finding.rule}: {finding.detail}")
    known = {one.reference for one in played}
    judged = [replace(one, findings=(*one.findings, *_held_against(one, of[one.reference]))) for one in played]
    strays = [f"{reference} {text}" for reference, texts in of.items() if reference not in known for text in texts]
    return Report(judged, strays, seconds)
