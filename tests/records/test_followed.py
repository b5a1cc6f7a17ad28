"""What is news of a parcel, by the carrier's last word and by the time that passed without one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from seamline.records.followed import Course, ParcelNews, ParcelWatch, SentParcel
from seamline.records.order import FulfilmentLine
from seamline.records.parcel import ParcelNumber, Tracking, TrackingState

BEGAN = datetime(2026, 11, 2, 9, tzinfo=UTC)
PARCEL = ParcelNumber(carrier="evri", number="H1")


def day(number: float) -> datetime:
    """So many days after the parcel left."""
    return BEGAN + timedelta(days=number)


def word(state: TrackingState, at: float | None = None, substate: str = "") -> Tracking:
    """The carrier's last word, on that day."""
    return Tracking(state=state, at=None if at is None else day(at), substate=substate)


def watch(known: ParcelNews | None = None, silent_days: float | None = 7, since: float = 0) -> ParcelWatch:
    """A parcel that is followed since a day."""
    return ParcelWatch(parcel=PARCEL, since=day(since), silent_days=silent_days, known=known)


@pytest.mark.parametrize(
    ("tracking", "today", "course"),
    [
        (word(TrackingState.UNKNOWN), 6.9, None),
        (word(TrackingState.UNKNOWN), 7, Course.SILENT),
        (word(TrackingState.TRANSIT, 3), 9.9, None),
        (word(TrackingState.TRANSIT, 3), 10, Course.SILENT),
        (word(TrackingState.TRANSIT, -30), 6.9, None),
        (word(TrackingState.DELIVERED, 2), 30, Course.DELIVERED),
        (word(TrackingState.RETURNED, 2), 2, Course.RETURNED),
        (word(TrackingState.FAILURE, 2), 2, Course.EXCEPTION),
        (word(TrackingState.FAILURE, 2, "package_lost"), 2, Course.LOST),
    ],
)
def test_what_is_news(tracking: Tracking, today: float, course: Course | None) -> None:
    news = watch().news(tracking, day(today))
    assert (news.course if news else None) is course


def test_silence_is_none_where_nobody_counts_it() -> None:
    assert watch(silent_days=None).news(word(TrackingState.TRANSIT, 1), day(300)) is None


@pytest.mark.parametrize(
    ("tracking", "course"),
    [
        (word(TrackingState.FAILURE, 2), None),
        (word(TrackingState.FAILURE, 4), Course.EXCEPTION),
        (word(TrackingState.TRANSIT, 4), Course.MOVING),
        (word(TrackingState.RETURNED, 4), Course.RETURNED),
        (word(TrackingState.DELIVERED, 4), Course.DELIVERED),
    ],
)
def test_what_people_know_is_no_news(tracking: Tracking, course: Course | None) -> None:
    known = ParcelNews(course=Course.EXCEPTION, tracking=word(TrackingState.FAILURE, 2))
    news = watch(known, silent_days=None).news(tracking, day(4))
    assert (news.course if news else None) is course


def test_who_waits_on_is_asked_again_after_as_long() -> None:
    known = ParcelNews(course=Course.RETURNED, tracking=word(TrackingState.RETURNED, 2))
    waiting = watch(known, since=3)
    assert waiting.news(known.tracking, day(9.9)) is None
    again = waiting.news(known.tracking, day(10))
    assert again is not None
    assert again.course is Course.SILENT


def test_silence_that_people_know_is_told_again_only_after_as_long() -> None:
    known = ParcelNews(course=Course.SILENT, tracking=word(TrackingState.TRANSIT, 1))
    waiting = watch(known, since=9)
    assert waiting.news(known.tracking, day(15.9)) is None
    news = waiting.news(known.tracking, day(16))
    assert news is not None
    assert news.course is Course.SILENT


def test_a_scan_ends_a_silence_that_people_know() -> None:
    known = ParcelNews(course=Course.SILENT, tracking=word(TrackingState.TRANSIT, 1))
    news = watch(known, silent_days=None).news(word(TrackingState.TRANSIT, 9), day(9))
    assert news is not None
    assert news.course is Course.MOVING


def test_what_is_sent_again_never_has_the_number_of_another() -> None:
    line = FulfilmentLine(id="1", order_line_id="2", sku="MUG", quantity=1)
    both = [
        SentParcel(order_number="#1", fulfilment_order_id="3", lines=(line,), number=one, parcels=2) for one in (1, 2)
    ]
    numbers = [one.number for sent in both for one in (sent, sent.again, sent.again.again)]
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]
