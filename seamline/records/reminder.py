"""When a customer is reminded of an invoice, and what the reminder says."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from pydantic import Field

from seamline.records.base import Record
from seamline.records.calendar import zone_of
from seamline.records.money import Money
from seamline.records.policy import Policy
from seamline.records.reference import Reference

REMIND_AT = time(9)
"""By the clock of the business."""
DAY_SECONDS = 86_400
NEVER = datetime.max.replace(tzinfo=UTC)


class ReminderMail(Record):
    """The mail that reminds a customer of an invoice; `overdue` once its due date has passed."""

    reference: Reference
    to: str = Field(max_length=254)
    name: str = Field(default="", max_length=201)
    number: str = Field(max_length=80)
    """The invoice's, in accounting."""
    total: Money
    amount_due: Money
    due: date
    overdue: bool
    link: str = ""


def moment_of(day: date, days: int, policy: Policy, began: datetime) -> datetime:
    """The morning so many days after a day. Where the policy makes days shorter, those since `began` are."""
    try:
        morning = datetime.combine(day + timedelta(days=days), REMIND_AT, zone_of(policy.time_zone))
        return began + (morning - began) * (policy.billing.day_seconds / DAY_SECONDS)
    except OverflowError:
        return NEVER
