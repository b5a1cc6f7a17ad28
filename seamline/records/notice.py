"""What a team is told: that processes wait for it, or are held up, for one cause. Nothing personal is in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from seamline.records.base import Record
from seamline.records.moment import local

PROCESSES_SHOWN_MAX = 10


class Occasion(StrEnum):
    """Why a team is told now."""

    NEW = "new"
    DUE = "due"
    """A decision that was due has not come."""
    REMINDER = "reminder"
    OVER = "over"
    """The cause holds nothing up any more."""


class HeldProcess(Record):
    """One process that a notice names; `page` is its page in Temporal, '' where that is not set."""

    id: str
    page: str = ""
    due: datetime | None = None


class HeldGroup(Record):
    """The processes that one cause holds, for one team.

    `oldest` is when the first of them was started, `due` when the next decision is due; both are None where there are
    too many to look at each.
    """

    team: str
    cause: str
    heals: bool
    """Whether they are held up and go on by themselves; else they wait for a decision."""
    count: int
    overdue: int = 0
    oldest: datetime | None = None
    due: datetime | None = None
    processes: tuple[HeldProcess, ...] = Field(max_length=PROCESSES_SHOWN_MAX)


class HeldGroups(Record):
    """Every cause and team; `complete` is False where there are more than are looked at."""

    groups: tuple[HeldGroup, ...] = ()
    complete: bool = True


class Notice(Record):
    """One notice for one team, by one connection. `to` is a mail address, '' where the connection is the place.

    `title` is how the team is called.
    """

    to: str = ""
    title: str
    occasion: Occasion
    group: HeldGroup
    time_zone: str = "UTC"

    @property
    def headline(self) -> str:
        """The notice in one line."""
        group = self.group
        if self.occasion is Occasion.OVER:
            return f"Over: {group.cause} holds nothing up any more"
        one = group.count == 1
        if group.heals:
            text = f"{group.count} {'process is' if one else 'processes are'} held up: {group.cause}"
        else:
            text = f"{group.count} {'process waits' if one else 'processes wait'} for {self.title}: {group.cause}"
        match self.occasion:
            case Occasion.DUE:
                return f"Overdue: {text}"
            case Occasion.REMINDER:
                return f"Reminder: {text}"
        return text

    @property
    def facts(self) -> tuple[str, ...]:
        """What else there is to know, a sentence each."""
        return tuple(self._facts())

    @property
    def commands(self) -> tuple[str, ...]:
        """What to type to see more."""
        if self.occasion is Occasion.OVER:
            return ()
        status = "held-up" if self.group.heals else "waiting"
        shown = (f"seamline show {one.id}" for one in self.group.processes[:1])
        return (f"seamline list --status {status} --team {self.group.team}", *shown)

    def dated(self, process: HeldProcess) -> str:
        """A process by its id, and when its decision is due."""
        return f"{process.id}, due {local(process.due, self.time_zone)}" if process.due else process.id

    def _facts(self) -> Iterator[str]:
        group = self.group
        if group.heals and group.count:
            yield "They go on by themselves once the cause is gone."
        if group.oldest:
            yield f"The oldest was started {local(group.oldest, self.time_zone)}."
        if group.overdue:
            yield f"{group.overdue} of them should have been decided by now."
        elif group.due:
            yield f"The next decision is due {local(group.due, self.time_zone)}."
        if more := group.count - len(group.processes):
            yield f"{more} more than are named here."


class Told(Record):
    """A team was told. `perhaps_twice` says that an earlier answer was lost, so it may have read it twice."""

    id: str
    perhaps_twice: bool = False
