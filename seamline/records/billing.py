"""What is billed when: the rules that sales, accounting and marketing would each hold differently, in one place."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from seamline.records.base import Record
from seamline.records.calendar import WorkingDays
from seamline.records.deal import Deal
from seamline.records.moment import Seconds
from seamline.records.money import Currency
from seamline.records.tax import UK_RULES, TaxCase, TaxRule, tax_rule
from seamline.records.terms import Terms, TermsStart, end_of_month

if TYPE_CHECKING:
    from seamline.records.bill import Bill

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Limit = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=4, allow_inf_nan=False)]
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=7, decimal_places=4, allow_inf_nan=False)]
ReminderDay = Annotated[int, Field(ge=-365, le=365)]


class Duty(StrEnum):
    """Who does what."""

    US = "us"
    """The process does it."""
    ACCOUNTING = "accounting"
    """Accounting does it, or its people, without being told."""
    MARKETING = "marketing"
    """The same of marketing."""
    NOBODY = "nobody"


class DateRule(StrEnum):
    """The day that an invoice bears."""

    CLOSE_DATE = "close-date"
    DELIVERY_DATE = "delivery-date"
    TODAY = "today"
    END_OF_MONTH = "end-of-month"
    """The last day of the month in which the deal was closed."""


class TaxRounding(StrEnum):
    """Where tax is rounded to the smallest unit."""

    LINE = "line"
    TOTAL = "total"


class Billing(Record):
    """The rules of billing a deal."""

    settle_seconds: Seconds = Field(
        default=600, description="How long a won deal is left alone, in case its stage is set back at once."
    )
    entities: dict[str, str] = Field(
        default={},
        description='Legal entity, by the CRM\'s name for it ("" for deals that name none) -> its connection of role '
        "accounting. Not needed where there is one of each.",
    )
    seller_countries: dict[str, Country] = Field(
        default={"": "GB"}, description="The country of each legal entity, by the same names."
    )
    currencies: tuple[Currency, ...] = Field(default=("GBP", "EUR", "USD"), description="What is billed in.")
    invoice_date: DateRule = Field(
        default=DateRule.CLOSE_DATE,
        description="The day that an invoice bears: close-date, delivery-date, today, or end-of-month, the last of the "
        "month of the close date. An instalment bears its own day.",
    )
    days_back_max: int = Field(
        default=90, ge=0, le=3660, description="How old that day may be. An older one becomes today."
    )
    terms: dict[str, Terms] = Field(
        default={
            "net-0": Terms(days=0),
            "net-7": Terms(days=7),
            "net-14": Terms(days=14),
            "net-30": Terms(days=30),
            "net-60": Terms(days=60),
            "end-of-month-30": Terms(days=30, counted_from=TermsStart.END_OF_MONTH),
            "working-days-10": Terms(days=10, working_days=True),
        },
        description="The terms of payment that deals may name.",
    )
    standard_terms: str = Field(default="net-30", description="The terms of customers whose group has none.")
    group_terms: dict[str, str] = Field(default={}, description="The terms of a customer group, by its name.")
    calendar: WorkingDays = Field(default=WorkingDays(), description="The working days that terms count.")
    tax_rounding: TaxRounding = Field(
        default=TaxRounding.LINE,
        description="Where tax is rounded: line, each line by itself, or total, the sum of all lines of one rate.",
    )
    tax_category: str = Field(default="standard", max_length=40, description="What lines without a tax category are.")
    tax_rules: tuple[TaxRule, ...] = Field(
        default=UK_RULES, max_length=1000, description="Which tax a line bears. Of those that fit it the first counts."
    )
    e_invoicing_countries: tuple[Country, ...] = Field(
        default=("BE", "FR", "HR", "IT", "PL", "RO"),
        description="Where two businesses of the country need an e-invoice by law: such deals wait for staff.",
    )
    invoice_max: dict[Currency, Limit] = Field(
        default={"GBP": Decimal(10_000), "EUR": Decimal(12_000), "USD": Decimal(13_000)},
        description="The largest invoice, tax included, that is posted without an approval, by currency.",
    )
    discount_percent_max: Percent = Field(
        default=Decimal(15), description="The largest discount on a line that needs no approval."
    )
    new_customers_asked: bool = Field(
        default=True, description="Whether the first invoice of a customer that accounting did not have is approved."
    )
    other_terms_asked: bool = Field(
        default=True, description="Whether terms other than the customer's standard ones are approved."
    )
    sends: Literal[Duty.US, Duty.ACCOUNTING] = Field(
        default=Duty.US, description="Who has the posted invoice mailed: us, or accounting by itself."
    )
    reminds: Literal[Duty.US, Duty.ACCOUNTING, Duty.NOBODY] = Field(
        default=Duty.US, description="Who reminds the customer of a payment: us, accounting by itself, or nobody."
    )
    owns_stage: Literal[Duty.US, Duty.MARKETING] = Field(
        default=Duty.US, description="Who makes the company and its people customers: us, or marketing by itself."
    )
    remind_days: tuple[ReminderDay, ...] = Field(
        default=(-3, 1, 7, 14), max_length=50, description="When it is reminded, in days after the due date."
    )
    day_seconds: Seconds = Field(
        default=86_400, description="How long such a day is; shorter only to see in minutes what takes weeks."
    )
    payment_poll_seconds: Seconds = Field(default=3600, description="The first pause between looks for a payment.")
    payment_poll_max_seconds: Seconds = Field(default=14_400, description="The longest such pause.")
    unpaid_days: int = Field(
        default=30,
        ge=1,
        le=365,
        description="So many days after the due date finance is asked about an unpaid invoice, and as often again.",
    )
    small_difference: dict[Currency, Limit] = Field(
        default={"GBP": Decimal(1), "EUR": Decimal(1), "USD": Decimal(1)},
        description="How much less or more than the invoice still counts as paid, by currency; nothing for others.",
    )

    def connection_of(self, entity: str) -> str:
        """The accounting connection of a legal entity; empty when none is set."""
        return self.entities.get(entity, "")

    def usual_terms(self, deal: Deal) -> str:
        """The code of the terms that the customer has where the deal names none."""
        group = deal.customer.group if deal.customer else ""
        return self.group_terms.get(group, self.standard_terms)

    def tax_of(self, deal: Deal, category: str) -> TaxRule | None:
        """The tax of what the deal sells in this category; None where it cannot be decided."""
        if deal.customer is None:
            return None
        case = TaxCase(
            seller=self.seller_countries.get(deal.entity, ""),
            country=deal.customer.address.country,
            region=deal.customer.address.region,
            category=category or self.tax_category,
            business=bool(deal.customer.tax_id),
        )
        return tax_rule(self.tax_rules, case)

    def issue_date(self, deal: Deal, billed_on: date | None, today: date) -> date:
        """The day that the invoice bears. `billed_on` is the instalment's own day, None for a whole deal."""
        day = billed_on or self._rule_date(deal, today)
        return today if (today - day).days > self.days_back_max else day

    def _rule_date(self, deal: Deal, today: date) -> date:
        """The day by the rule. A day still to come is today, but for the end of a month."""
        wanted = deal.delivery_date if self.invoice_date is DateRule.DELIVERY_DATE else deal.close_date
        day = min(wanted or today, today)
        if self.invoice_date is DateRule.END_OF_MONTH:
            return end_of_month(day)
        return today if self.invoice_date is DateRule.TODAY else day

    def reasons(self, deal: Deal, bill: Bill, *, new_customer: bool) -> list[str]:
        """Why finance must approve the invoice, each in words; empty when it need not."""
        told = [self._too_much(bill), self._too_cheap(deal)]
        if new_customer and self.new_customers_asked:
            told.append("the customer is new in accounting")
        usual = self.usual_terms(deal)
        if bill.terms != usual and self.other_terms_asked:
            told.append(f"the terms are {bill.terms}, and the customer's standard ones {usual}")
        return [reason for reason in told if reason]

    def _too_much(self, bill: Bill) -> str:
        limit = self.invoice_max.get(bill.currency)
        if limit is None:
            return f"the invoice comes to {bill.total}, and no invoice_max is set for {bill.currency}"
        return f"the invoice comes to {bill.total}, above the limit of {limit}" if bill.total.amount > limit else ""

    def _too_cheap(self, deal: Deal) -> str:
        largest = max((line.discount_percent for line in deal.lines), default=Decimal(0))
        if largest <= self.discount_percent_max:
            return ""
        return f"the discount of {largest:g} % is above the limit of {self.discount_percent_max:g} %"
