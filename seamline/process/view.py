"""What a process shows of itself: the answer of the query `view`, and its outcome."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from seamline.errors import Problem
from seamline.process.decision import Action, Decided
from seamline.records.base import Record
from seamline.records.undo import Undone


class Status(StrEnum):
    """Where a process is, in one word."""

    RUNNING = "running"
    WAITING = "waiting"
    """Needs a decision of a team."""
    HELD_UP = "held up"
    """Stopped by an outage or locked out; goes on by itself."""
    UNDOING = "undoing"
    COMPLETED = "completed"
    UNDONE = "undone"
    IGNORED = "ignored"
    OBSERVED = "observed"
    """Nothing was written: the process only told what it would have done."""


class StepState(StrEnum):
    """How far a step is."""

    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    WAITING = "waiting"
    HELD_UP = "held up"
    STOPPED = "stopped"
    HELD_BACK = "held back"
    """Its write did not leave, since the process only observes."""


class Step(Record):
    """One line of a process. `object_id` is the id, in the system, of what the step made."""

    name: str
    title: str
    connection: str
    state: StepState
    started: datetime
    ended: datetime | None = None
    key: str = ""
    object_id: str = ""
    detail: str = ""


class Wait(Record):
    """What holds a process, for staff: the team, the cause, the fields, and the answers it takes."""

    name: str
    title: str
    status: Status
    team: str
    cause: str
    reason: str
    problems: tuple[Problem, ...] = ()
    actions: tuple[Action, ...]
    since: datetime
    due: datetime | None = None
    """When the team is late; None when nothing was set."""
    request: dict[str, Any]
    """What `amend` changes."""
    result_fields: tuple[str, ...] = ()
    """What a `skip` must give as the step's result."""
    choices: dict[str, str] = Field(default={})
    """What `choose` can name, each with its meaning."""


class UndoneStep(Record):
    """What became of one effect when the process was taken back."""

    title: str
    connection: str
    key: str
    answer: Undone


class Planned(Record):
    """What a cancel would do about one effect, in words."""

    title: str
    connection: str
    key: str
    how: str


class Unwritten(Record):
    """An effect that a process which only observes would have done. `told` holds no personal data."""

    title: str
    connection: str
    key: str
    told: str = ""
    holding: str = ""
    """What `trace` calls the object that it would have made."""
    amount: str = ""


class OutcomeKind(StrEnum):
    """How a process ended."""

    COMPLETED = "completed"
    UNDONE = "undone"
    IGNORED = "ignored"
    OBSERVED = "observed"


class Outcome(Record):
    """The result of a run. `result` is the process's own record; `manual` are tasks left to people, in words."""

    kind: OutcomeKind
    reason: str = ""
    code: str = ""
    """Of what was ignored: why, as it is counted."""
    result: dict[str, Any] = Field(default={})
    undone: tuple[UndoneStep, ...] = ()
    manual: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    """The keys of effects that others did, or that staff skipped."""
    unwritten: tuple[Unwritten, ...] = ()
    """What a process that only observes would have done, in its order."""


class View(Record):
    """A process at one moment."""

    process: str
    reference: str
    status: Status
    steps: tuple[Step, ...]
    waits: tuple[Wait, ...]
    undone: tuple[UndoneStep, ...]
    undo_plan: tuple[Planned, ...] = ()
    """What a cancel would take back now, in this order; empty when nothing was done, or nothing can be any more."""
    left: bool = False
    """The point of no return is passed: nothing can be taken back any more."""
    decisions: tuple[Decided, ...]
    notes: tuple[str, ...]
    manual: tuple[str, ...]
    unwritten: tuple[Unwritten, ...] = ()
    """What it would have done, where it only observes."""
    outcome: Outcome | None = None
