"""Working hours: days, holidays, clocks that change, and the sum that must come out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from seamline.records.approval import Absence
from seamline.records.calendar import Weekday, WorkingHours, zone_of

LONDON = ZoneInfo("Europe/London")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
OFFICE = WorkingHours(holidays=(date(2026, 12, 25),))


def london(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


@pytest.mark.parametrize(
    ("asked", "hours", "due"),
    [
        ("2026-11-23T10:00", 4, "2026-11-23T14:00"),
        ("2026-11-23T15:00", 4, "2026-11-24T11:00"),
        ("2026-11-23T06:00", 1, "2026-11-23T10:00"),
        ("2026-11-23T20:00", 1, "2026-11-24T10:00"),
        ("2026-11-27T16:00", 2, "2026-11-30T10:00"),
        ("2026-11-28T12:00", 8, "2026-11-30T17:00"),
        ("2026-12-24T16:00", 2, "2026-12-28T10:00"),
        ("2026-11-23T09:00", 16, "2026-11-24T17:00"),
    ],
)
def test_only_working_hours_count(asked: str, hours: float, due: str) -> None:
    assert OFFICE.after(london(asked), hours, LONDON) == london(due)


def test_the_clock_is_that_of_the_zone() -> None:
    asked = datetime(2026, 11, 23, 15, tzinfo=UTC)
    assert OFFICE.after(asked, 1, ZoneInfo("America/New_York")) == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert OFFICE.after(asked, 1, ZoneInfo("Asia/Tokyo")) == datetime(2026, 11, 24, 1, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_around_the_clock_a_day_has_the_hours_it_has(day: date, hours: int) -> None:
    always = WorkingHours(days=tuple(Weekday), opens=time(0), closes=time(0))
    midnight = datetime.combine(day, time(0), LONDON)
    assert always.after(midnight, hours, LONDON) == datetime.combine(day + timedelta(days=1), time(0), LONDON)


@given(
    st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: NEW_YEAR + timedelta(minutes=minutes)),
    st.floats(0.01, 500),
    st.floats(0.01, 500),
)
def test_hours_add_up(moment: datetime, first: float, second: float) -> None:
    both = OFFICE.after(moment, first + second, LONDON)
    one_by_one = OFFICE.after(OFFICE.after(moment, first, LONDON), second, LONDON)
    assert moment < both
    assert abs(both - one_by_one) < timedelta(seconds=1) or OFFICE.after(both, 0.001, LONDON) > one_by_one


def test_a_calendar_without_any_work_still_ends() -> None:
    none = WorkingHours(days=(Weekday.MON,), holidays=tuple(date(2026, 1, 5) + timedelta(weeks=n) for n in range(600)))
    assert none.after(london("2026-01-05T10:00"), 1, LONDON) > london("2036-01-01T00:00")


def test_hours_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ValidationError, match="closes must be later than opens"):
        WorkingHours(opens=time(17), closes=time(9))
    with pytest.raises(ValidationError):
        WorkingHours(days=())
    with pytest.raises(ValidationError, match="last_day must not be before"):
        Absence(team="it", deputy="operations", first_day=date(2026, 2, 2), last_day=date(2026, 2, 1))


def test_a_zone_that_nobody_knows_counts_as_utc() -> None:
    assert zone_of("Middle/Earth") is UTC
