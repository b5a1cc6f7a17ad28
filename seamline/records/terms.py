"""Terms of payment, and the day on which an invoice falls due by them."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from enum import StrEnum

from pydantic import Field

from seamline.records.base import Record
from seamline.records.calendar import WorkingDays


class TermsStart(StrEnum):
    """The day from which the days are counted."""

    INVOICE_DATE = "invoice-date"
    END_OF_MONTH = "end-of-month"


class Terms(Record):
    """How long a customer has."""

    days: int = Field(ge=0, le=365, description="How many days the customer has.")
    counted_from: TermsStart = Field(
        default=TermsStart.INVOICE_DATE,
        description="The first of them follows this day: invoice-date, or end-of-month, the last of the invoice's.",
    )
    working_days: bool = Field(default=False, description="Count the days of policy.billing.calendar alone.")

    def due(self, issued: date, calendar: WorkingDays) -> date:
        """The day on which an invoice of that date falls due."""
        start = end_of_month(issued) if self.counted_from is TermsStart.END_OF_MONTH else issued
        return calendar.days_after(start, self.days) if self.working_days else start + timedelta(days=self.days)


def end_of_month(day: date) -> date:
    """The last day of its month."""
    return day.replace(day=monthrange(day.year, day.month)[1])
