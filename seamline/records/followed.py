"""What happens to a parcel after it has left, and what is done when it does not arrive."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, Field

from seamline.records.base import Record
from seamline.records.money import Money
from seamline.records.order import FulfilmentLine
from seamline.records.parcel import ParcelNumber, Tracking, TrackingState
from seamline.records.remedy import Goods, GoodsLine


class Course(StrEnum):
    """How it stands with a parcel on the road."""

    MOVING = "moving"
    DELIVERED = "delivered"
    EXCEPTION = "exception"
    """The carrier cannot deliver it, for now."""
    LOST = "lost"
    RETURNED = "returned"
    SILENT = "silent"
    """Nobody has scanned it for long."""


_TROUBLES = {TrackingState.FAILURE: Course.EXCEPTION, TrackingState.RETURNED: Course.RETURNED}
_LOST = "package_lost"


class ParcelNews(Record):
    """What became of a parcel, and the carrier's last word."""

    course: Course
    tracking: Tracking


class ParcelWatch(Record):
    """A parcel to be followed until there is news of it. `silent_days` of None: silence is none."""

    parcel: ParcelNumber
    since: AwareDatetime
    """From when on silence counts where the carrier tells of no later scan."""
    silent_days: float | None = None
    known: ParcelNews | None = None
    """What people know already."""

    def news(self, tracking: Tracking, now: datetime) -> ParcelNews | None:
        """What is new by this word of the carrier; None when nothing is."""
        course = _course(tracking)
        is_known = self.known is not None and (tracking.state, tracking.at) == self._last
        if is_known or (self.known is None and course is Course.MOVING):
            if not self._silent(tracking, now):
                return None
            course = Course.SILENT
        return ParcelNews(course=course, tracking=tracking)

    def used(self, tracking: Tracking, now: datetime) -> ParcelNews | None:
        """What is new of a label that is to be used: the carrier has its parcel, or it was unused for too long."""
        if tracking.state not in (TrackingState.UNKNOWN, TrackingState.PRE_TRANSIT):
            return ParcelNews(course=_course(tracking), tracking=tracking)
        return ParcelNews(course=Course.SILENT, tracking=tracking) if self._silent(Tracking(), now) else None

    @property
    def _last(self) -> tuple[TrackingState, datetime | None] | None:
        return (self.known.tracking.state, self.known.tracking.at) if self.known else None

    def _silent(self, tracking: Tracking, now: datetime) -> bool:
        if self.silent_days is None:
            return False
        heard = max(self.since, tracking.at) if tracking.at else self.since
        return now - heard >= timedelta(days=self.silent_days)


def _course(tracking: Tracking) -> Course:
    """How it stands with a parcel by the carrier's word alone."""
    if tracking.state is TrackingState.DELIVERED:
        return Course.DELIVERED
    if tracking.state in _TROUBLES:
        return Course.LOST if tracking.substate == _LOST else _TROUBLES[tracking.state]
    return Course.MOVING


class SentParcel(Record):
    """What left in a parcel, so that it can be mended when the parcel does not arrive."""

    order_number: str
    fulfilment_order_id: str
    lines: tuple[FulfilmentLine, ...] = Field(min_length=1)
    whole: bool = False
    """Whether all that is shipped of the order is in it: then what its delivery cost belongs to it too."""
    number: int = Field(default=1, ge=1)
    """Its number in effect keys: of its label, and of what is done for it once more."""
    parcels: int = Field(default=1, ge=1)
    """How many parcels left together: the next number of each is so many higher, and so never another's."""

    @property
    def goods(self) -> Goods:
        """What is refunded when it is given up."""
        lines = tuple(GoodsLine(order_line_id=one.order_line_id, quantity=one.quantity) for one in self.lines)
        return Goods(lines=lines, shipping=self.whole)

    @property
    def again(self) -> SentParcel:
        """The same goods in the parcel that takes its place."""
        return self.model_copy(update={"number": self.number + self.parcels})


class Claim(Record):
    """What the carrier is asked to pay for a parcel. Number and amount are entered once they are known."""

    carrier: str
    tracking_number: str
    claim_number: str = Field(default="", max_length=100)
    amount: Money | None = None


class ParcelStory(Record):
    """What became of a parcel that was followed."""

    carrier: str
    tracking_number: str
    course: Course
    remedy: str = ""
    """What staff chose, empty when it arrived."""
    told: str = ""
    """In words: who chose it and why."""
    refunded: str = ""
    restocked: int = 0
    """Pieces that came back and went on the shelf again."""
