"""Tell each team, once for a cause, what waits for it or is held up.

A schedule runs it again and again (`worker.notifier`). What was told is in the result of the last run, which Temporal
hands to the next: losing it only repeats a notice. No process depends on it; while it is down, notices are late.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from activities import staff, waiting
from activities.waiting import HeldRequest
from seamline.errors import Failure
from seamline.process.attempt import failure_of
from seamline.process.effect import Call
from seamline.records.base import Record
from seamline.records.notice import HeldGroup, HeldGroups, Notice, Occasion
from seamline.records.notice import Told as Answer

TRY_WITHIN = timedelta(seconds=30)
LOOK_WITHIN = timedelta(minutes=5)
TELL_WITHIN = timedelta(minutes=1)
"""A place that cannot be told in this time is told with the next run."""
_RETRIES = RetryPolicy(maximum_attempts=3)
"""In one run; the next one is never far."""


class Place(Record):
    """Where a team is told: a connection, and for mail an address."""

    connection: str
    to: str = ""


class Team(Record):
    """A team as notices call it, and where it is told."""

    title: str = ""
    places: tuple[Place, ...] = ()


class Rules(Record):
    """Who is told, and how often. A team not named is told where `default_team` is."""

    teams: Mapping[str, Team]
    default_team: str
    remind_after_seconds: float
    notices_max: int
    time_zone: str = "UTC"


class Told(Record):
    """That a team was told of a cause, at a place."""

    team: str
    cause: str
    place: Place
    at: datetime
    heals: bool
    overdue: bool

    @property
    def mark(self) -> Mark:
        """What it is remembered by."""
        return self.team, self.cause, self.place


class NotTold(Record):
    """A notice that could not be given; the next run tries again."""

    team: str
    cause: str
    connection: str
    failure: str


class Notified(Record):
    """What a run did. `told` is what the next run remembers; `left` are notices beyond the limit of a place."""

    told: tuple[Told, ...] = ()
    sent: int = 0
    failed: tuple[NotTold, ...] = ()
    left: int = 0


class Due(Record):
    """A notice to give now, and where."""

    place: Place
    notice: Notice

    @property
    def mark(self) -> Mark:
        """What it is remembered by."""
        return self.notice.group.team, self.notice.group.cause, self.place


Mark = tuple[str, str, Place]
Memory = Mapping[Mark, Told]


@workflow.defn(name="notify-teams")
class NotifyTeams:
    """Look what waits, and tell the teams that do not know."""

    @workflow.run
    async def run(self, rules: Rules) -> Notified:
        """One look."""
        held: HeldGroups = await workflow.execute_activity(
            waiting.held.name,
            Call[HeldRequest](reference="", request=HeldRequest()),
            result_type=HeldGroups,
            start_to_close_timeout=TRY_WITHIN,
            schedule_to_close_timeout=LOOK_WITHIN,
            retry_policy=_RETRIES,
            summary=waiting.held.title,
        )
        at = workflow.now()
        memory = still_true(_last_run().told, rules, held)
        due = [*due_now(rules, held, memory, at), *over_now(rules, held, memory)]
        now = within_limit(due, rules.notices_max)
        answers = await asyncio.gather(*(self._tell(number, one) for number, one in enumerate(now, 1)))
        given = [one for one, failure in zip(now, answers, strict=True) if not failure]
        return Notified(
            told=tuple(remembered(memory, given, at).values()),
            sent=len(given),
            failed=tuple(_not_told(one, failure) for one, failure in zip(now, answers, strict=True) if failure),
            left=len(due) - len(now),
        )

    async def _tell(self, number: int, due: Due) -> Failure | None:
        try:
            await workflow.execute_activity(
                staff.notify.name,
                Call[Notice](reference="", key=f"notices/{workflow.info().run_id}#{number}", request=due.notice),
                task_queue=due.place.connection,
                result_type=Answer,
                start_to_close_timeout=TRY_WITHIN,
                schedule_to_close_timeout=TELL_WITHIN,
                retry_policy=_RETRIES,
                summary=f"{staff.notify.title}: {due.notice.group.team} by {due.place.connection}",
            )
        except ActivityError as error:
            return failure_of(error, due.place.connection, staff.notify.name)
        return None


def due_now(rules: Rules, held: HeldGroups, memory: Memory, now: datetime) -> Iterator[Due]:
    """What is to be told, the new first: once for a cause, again when it is overdue or lasts."""
    found = [
        (occasion, group, place)
        for group in held.groups
        for place in _team(rules, group.team).places
        if (occasion := _occasion(group, memory.get((group.team, group.cause, place)), rules, now))
    ]
    for occasion, group, place in sorted(found, key=lambda one: _ORDER.index(one[0])):
        yield _due(rules, occasion, group, place)


def over_now(rules: Rules, held: HeldGroups, memory: Memory) -> Iterator[Due]:
    """What healed by itself since it was told. What people released they know."""
    there = {(group.team, group.cause) for group in held.groups}
    for (team, cause, place), told in memory.items():
        if told.heals and held.complete and (team, cause) not in there:
            gone = HeldGroup(team=team, cause=cause, heals=True, count=0, processes=())
            yield _due(rules, Occasion.OVER, gone, place)


def within_limit(due: Sequence[Due], each_max: int) -> list[Due]:
    """As many as each place may get in one run: one that is dead keeps no other from being told."""
    counts = Counter[Place]()
    taken = []
    for one in due:
        counts[one.place] += 1
        if counts[one.place] <= each_max:
            taken.append(one)
    return taken


def still_true(last: Sequence[Told], rules: Rules, held: HeldGroups) -> Memory:
    """What the last run remembers and is so still. What healed is kept until that is told."""
    groups = {(group.team, group.cause): group for group in held.groups}
    memory = {}
    for told in last:
        group = groups.get((told.team, told.cause))
        if told.place in _team(rules, told.team).places and (group or told.heals or not held.complete):
            overdue = told.overdue and (group is None or group.overdue > 0)
            memory[told.mark] = told.model_copy(update={"overdue": overdue})
    return memory


def remembered(memory: Memory, given: Sequence[Due], at: datetime) -> Memory:
    """The memory with the notices that were given."""
    new = dict(memory)
    for one in given:
        group = one.notice.group
        if one.notice.occasion is Occasion.OVER:
            del new[one.mark]
        else:
            new[one.mark] = Told(
                team=group.team,
                cause=group.cause,
                place=one.place,
                at=at,
                heals=group.heals,
                overdue=group.overdue > 0,
            )
    return new


def _occasion(group: HeldGroup, told: Told | None, rules: Rules, now: datetime) -> Occasion | None:
    if told is None:
        return Occasion.NEW
    if group.overdue and not told.overdue:
        return Occasion.DUE
    return Occasion.REMINDER if (now - told.at).total_seconds() >= rules.remind_after_seconds else None


def _due(rules: Rules, occasion: Occasion, group: HeldGroup, place: Place) -> Due:
    title = _title(rules, group.team)
    return Due(
        place=place, notice=Notice(to=place.to, title=title, occasion=occasion, group=group, time_zone=rules.time_zone)
    )


def _team(rules: Rules, name: str) -> Team:
    return rules.teams.get(name) or rules.teams.get(rules.default_team) or Team()


def _title(rules: Rules, name: str) -> str:
    return rules.teams[name].title if name in rules.teams else name


def _not_told(due: Due, failure: Failure) -> NotTold:
    group = due.notice.group
    return NotTold(team=group.team, cause=group.cause, connection=due.place.connection, failure=failure.cause)


def _last_run() -> Notified:
    """What the run before did; nothing where there was none, or another release wrote it otherwise."""
    try:
        return Notified.model_validate(workflow.get_last_completion_result(dict) or {})
    except ValidationError:
        return Notified()


_ORDER = tuple(Occasion)
