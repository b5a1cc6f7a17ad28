"""Spans of time, and how a moment is written for people: by the clock of the business."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

Seconds = Annotated[float, Field(ge=0.001, le=31_536_000)]
"""A millisecond to a year: what Temporal takes as a timeout and an interval."""


def local(moment: datetime, time_zone: str) -> str:
    """`2026-11-22 10:50 GMT`; in UTC where the zone is not known."""
    try:
        return f"{moment.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M %Z}"
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{moment:%Y-%m-%d %H:%M} UTC"
