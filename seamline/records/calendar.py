"""When people work: days, hours, holidays and whose clock they follow."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, model_validator

from seamline.records.base import Record

DAYS_AHEAD_MAX = 3660
_MIDNIGHT = time(0)


class Weekday(StrEnum):
    """The days as settings name them."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


_WEEK = tuple(Weekday)


class WorkingDays(Record):
    """The days that count."""

    days: tuple[Weekday, ...] = Field(default=_WEEK[:5], min_length=1, description="The days worked.")
    holidays: tuple[date, ...] = Field(default=(), max_length=1000, description="Days without work, as 2026-12-25.")

    def is_working(self, day: date) -> bool:
        """Whether the day counts."""
        return _WEEK[day.weekday()] in self.days and day not in self.holidays

    def days_after(self, day: date, count: int) -> date:
        """The day on which so many working days have passed since `day`; `day` itself for none."""
        ahead = (day + timedelta(days=number) for number in range(1, DAYS_AHEAD_MAX))
        counted = islice(filter(self.is_working, ahead), count)
        return max(counted, default=day)


class WorkingHours(WorkingDays):
    """The hours that count until something is due. Around the clock: all days, from 00:00 to 00:00."""

    opens: time = Field(default=time(9), description="When they begin: 09:00.")
    closes: time = Field(default=time(17), description="When they end; 00:00 is the end of the day.")

    @model_validator(mode="after")
    def _check_order(self) -> WorkingHours:
        if self.closes != _MIDNIGHT and self.closes <= self.opens:
            raise ValueError("closes must be later than opens; 00:00 is the end of the day")
        return self

    def after(self, moment: datetime, hours: float, zone: tzinfo) -> datetime:
        """The moment at which so many working hours have passed since `moment`, by the clock of `zone`."""
        left = timedelta(hours=hours)
        day = moment.astimezone(zone).date()
        for _ in range(DAYS_AHEAD_MAX):
            opens, closes = self._hours_of(day, zone)
            begin = max(opens, moment)
            if begin < closes:
                if left <= closes - begin:
                    return begin + left
                left -= closes - begin
            day += timedelta(days=1)
        return moment + timedelta(days=DAYS_AHEAD_MAX)

    def _hours_of(self, day: date, zone: tzinfo) -> tuple[datetime, datetime]:
        """The day's hours in UTC, in which no clock changes; an empty span on a day without work."""
        opens = datetime.combine(day, self.opens, zone).astimezone(UTC)
        if not self.is_working(day):
            return opens, opens
        last = day + timedelta(days=1) if self.closes == _MIDNIGHT else day
        return opens, datetime.combine(last, self.closes, zone).astimezone(UTC)


def zone_of(name: str) -> tzinfo:
    """The time zone of this name, UTC where this machine knows none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
