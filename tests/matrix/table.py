"""Which cells there are, how each must end, and why some make no sense. Nothing here runs anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from seamline.process.view import Status
from tests.matrix.places import ASKED, FOLLOW, GATES, PLACES, Kind, Place


class Moment(StrEnum):
    """When a place is disturbed."""

    BEFORE = "before"
    """Its call is on its way, and nothing has happened yet."""
    AFTER = "after"
    """It has happened, or what is waited for is true, and the answer is not here yet."""
    UNDOING = "undoing"
    """The process is being taken back: the call of its undo is on its way, and nothing has happened yet."""
    TAKEN_BACK = "taken-back"
    """Its undo has happened, and the answer is not here yet."""


UNDO = (Moment.UNDOING, Moment.TAKEN_BACK)
HAPPENED = (Moment.AFTER, Moment.TAKEN_BACK)


class Disturbance(StrEnum):
    """What disturbs it."""

    SHOP_CANCEL = "shop-cancel"
    STAFF_CANCEL = "staff-cancel"
    """The answer `cancel` where a wait is open, else the command `seamline cancel`."""
    TEMPORAL_CANCEL = "temporal-cancel"
    """Temporal's own command, and its API."""
    SECOND_CANCEL = "second-cancel"
    WORKER_KILLED = "worker-killed"
    TEMPORAL_KILLED = "temporal-killed"
    """Killed, and started again over its database."""
    LOST_REPLY = "lost-reply"
    TIMEOUT = "timeout"
    OUTAGE = "long-outage"
    """Longer than patience."""
    REFUSAL = "refusal"
    UNKNOWN = "unknown-outcome"
    """The reply is lost, and the system can be neither asked nor told twice."""
    HAND_OVER = "hand-over"
    """The warehouse hands the parcel over while the process is being taken back."""


CANCELS = (
    Disturbance.SHOP_CANCEL,
    Disturbance.STAFF_CANCEL,
    Disturbance.TEMPORAL_CANCEL,
    Disturbance.SECOND_CANCEL,
)
KILLS = (Disturbance.WORKER_KILLED, Disturbance.TEMPORAL_KILLED)
"""They strike everything that runs."""


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix."""

    place: Place
    disturbance: Disturbance
    moment: Moment

    def __str__(self) -> str:
        return f"{self.place.name}-{self.disturbance}-{self.moment}"

    @property
    def undoes(self) -> bool:
        """Whether it is disturbed while it is being taken back."""
        return self.moment in UNDO


@dataclass(frozen=True)
class Expected:
    """How a cell must end (`either`: whichever side was first), and what the process must show on the way."""

    end: str
    through: Status | None = None

    def __str__(self) -> str:
        return f"{self.through}, {self.end}" if self.through else self.end


COMPLETED, UNDONE, EITHER = "completed", "undone", "either"


def cells() -> Iterator[Cell]:
    """All cells that make sense."""
    for cell in (*_matrix(), *_races()):
        if not senseless(cell):
            yield cell


def left_out() -> Iterator[tuple[Cell, str]]:
    """All others of the matrix, and why."""
    for cell in _matrix():
        if reason := senseless(cell):
            yield cell, reason


def _matrix() -> Iterator[Cell]:
    for place in PLACES:
        for disturbance in Disturbance:
            for moment in Moment:
                if disturbance is not Disturbance.HAND_OVER:
                    yield Cell(place, disturbance, moment)


def _races() -> Iterator[Cell]:
    for place in GATES:
        for moment in UNDO:
            yield Cell(place, Disturbance.HAND_OVER, moment)


def senseless(cell: Cell) -> str:
    """Why this cell makes no sense; empty when it makes some."""
    place, disturbance = cell.place, cell.disturbance
    if cell.undoes and place.undo is None:
        return place.no_undo
    if not cell.undoes and place.no_call:
        return place.no_call
    if place.kind is Kind.QUESTION and (cell.moment is Moment.AFTER or disturbance not in (*CANCELS, *KILLS)):
        return ASKED
    if disturbance is Disturbance.LOST_REPLY and cell.moment not in HAPPENED:
        return "a reply is lost only once there is one"
    if disturbance is Disturbance.REFUSAL and cell.moment in HAPPENED:
        return "what has happened is refused no more"
    if disturbance is Disturbance.UNKNOWN:
        return _surely_known(cell)
    return ""


def _surely_known(cell: Cell) -> str:
    if cell.place.sure:
        return cell.place.sure
    if cell.undoes:
        return "an undo can be repeated: it takes back what it finds"
    if (cell.place.name, cell.moment) in (("reserve-draft", Moment.AFTER), ("reserve", Moment.BEFORE)):
        return "half made: staff finish it there before they answer, which is the cell of the other half"
    return ""


def expected(cell: Cell) -> Expected:
    """How a cell must end, by rule."""
    way = _way_on(cell)
    match cell.disturbance:
        case Disturbance.HAND_OVER:
            return Expected(EITHER)
        case Disturbance.OUTAGE:
            return Expected(way, Status.HELD_UP)
        case Disturbance.REFUSAL | Disturbance.UNKNOWN:
            return Expected(way, Status.WAITING)
        case Disturbance.STAFF_CANCEL if cell.moment is Moment.BEFORE:
            return Expected(_way_when_cancelled(cell), Status.WAITING)
        case _ if not_told(cell):
            return Expected(COMPLETED, Status.WAITING)
        case _ if cell.disturbance in CANCELS:
            return Expected(_way_when_cancelled(cell))
    return Expected(way)


def not_told(cell: Cell) -> bool:
    """Whether the order was cancelled in the shop after the goods left: the shop cannot be told of them any more."""
    by_shop = cell.disturbance in (Disturbance.SHOP_CANCEL, Disturbance.SECOND_CANCEL)
    left = (("handed-over", Moment.AFTER), ("post-fulfilment", Moment.BEFORE))
    return by_shop and (cell.place.name, cell.moment) in left


def _way_on(cell: Cell) -> str:
    return UNDONE if cell.undoes else cell.place.way


def _way_when_cancelled(cell: Cell) -> str:
    place = cell.place
    if place.process == FOLLOW:
        # A parcel on the road is not the shop's to cancel; staff can stop following it, which changes nothing.
        return COMPLETED if cell.disturbance is Disturbance.SHOP_CANCEL else UNDONE
    goods_left = place.name == "handed-over" and cell.moment is Moment.AFTER
    return COMPLETED if place.forward or goods_left else UNDONE
