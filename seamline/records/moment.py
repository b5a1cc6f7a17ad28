"""How a moment is written for people: by the clock of the business."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def local(moment: datetime, time_zone: str) -> str:
    """`2026-11-22 10:50 GMT`; in UTC where the zone is not known."""
    try:
        return f"{moment.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M %Z}"
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{moment:%Y-%m-%d %H:%M} UTC"
