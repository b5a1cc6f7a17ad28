"""The rules that the business sets. A process carries the snapshot it started with."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from pydantic import Field

from seamline.errors import Problem
from seamline.records.aftersales import Aftersales
from seamline.records.approval import Absence, ApprovalRule
from seamline.records.base import Record
from seamline.records.billing import Billing
from seamline.records.calendar import WorkingHours, zone_of
from seamline.records.location import LabelsAt, Location
from seamline.records.moment import Seconds
from seamline.records.money import Money
from seamline.records.parcel import Quote, Rate
from seamline.records.reference import connection_of
from seamline.records.risk import Risk, RiskLevel
from seamline.records.shop_rules import ShopRules

_RULES = {
    "invoice": ApprovalRule(four_eyes=True),
    "changed-order": ApprovalRule(automatic=True, choice="plan-anew"),
}


class Policy(Record):
    """The rules of the processes and the engine's times, each with its default."""

    production: bool = Field(default=True, description="In production, test orders are ignored.")
    service_days_max: dict[str, int] = Field(
        default={"standard": 7, "express": 2},
        description="Promised delivery time in days, by the delivery the customer chose.",
    )
    default_service: str = Field(default="standard", description="What a delivery not named above counts as.")
    label_price_max: dict[str, Decimal] = Field(
        default={"USD": Decimal(60), "GBP": Decimal(50), "EUR": Decimal(55)},
        description="The dearest label bought without an approval, by currency.",
    )
    approvals: dict[str, ApprovalRule] = Field(
        default={}, description="How what is asked is approved, by the question's name."
    )
    absences: tuple[Absence, ...] = Field(default=(), max_length=100, description="When another team decides for one.")
    working_hours: WorkingHours = Field(
        default=WorkingHours(), description="The hours that count until an approval is due or expires."
    )
    risk_levels_asked: tuple[RiskLevel, ...] = Field(
        default=(RiskLevel.MEDIUM, RiskLevel.HIGH),
        description="The shop's assessments that need an approval before anything is done.",
    )
    time_zone: str = Field(default="Europe/London", description="Whose clock working hours and shown times follow.")
    authorization_hours_min: float = Field(
        default=48,
        ge=0,
        le=720,
        description="How much longer an authorised payment must live for its order to be started, where we capture.",
    )
    patience_seconds: Seconds = Field(
        default=300,
        description="How long a failing operation is retried before the process shows as held up.",
    )
    attempt_seconds_max: Seconds = Field(
        default=60,
        description="How long one try of an operation may take; a killed worker's try is repeated after it.",
    )
    healing_interval_max_seconds: Seconds = Field(
        default=180, description="The longest pause between tries once a process is held up."
    )
    poll_seconds: Seconds = Field(
        default=30,
        description="The first pause between looks at something waited for (packing, tracking).",
    )
    poll_max_seconds: Seconds = Field(default=900, description="The longest such pause.")
    tracking_poll_seconds: Seconds = Field(
        default=1800, description="The first pause between looks at a parcel on the road."
    )
    tracking_poll_max_seconds: Seconds = Field(default=14_400, description="The longest such pause.")
    express: tuple[str, ...] = Field(
        default=(),
        max_length=100,
        description="The connections whose steps take the express lane: docs/express-lane.md tells what that gives up.",
    )
    ship_from: str = Field(
        default="GB",
        pattern="^[A-Z]{2}$",
        description="The country that goods leave from: parcels that leave its customs area are declared. "
        "Where it is not set, that of the sender of the carrier's connection, if known.",
    )
    incoterm: str = Field(
        default="DAP",
        pattern="^(DDP|DDU|DAP|FCA)?$",
        description="Who pays duties where the order does not tell: DDP we, else the customer; empty: people decide.",
    )
    locations: dict[str, Location] = Field(
        default={}, description="What differs at each of the shop's locations, by its name in the shop."
    )
    labels_at: LabelsAt = Field(
        default=LabelsAt.RESERVED,
        description="When labels are bought: once stock is `reserved`, one parcel by the goods' weight; or once all is "
        "`packed`, one for each parcel by its final weight.",
    )
    restock_hours: float = Field(
        default=168,
        gt=0,
        le=8760,
        description="How long stock is waited for where that was chosen; then people are asked again.",
    )
    safety_stock: int = Field(
        default=0, ge=0, le=100_000, description="Pieces of each article that a shop is not told of, so not sold."
    )
    aftersales: Aftersales = Field(
        default=Aftersales(), description="Parcels that do not arrive, and returns: the rules."
    )
    shops: dict[str, ShopRules] = Field(
        default={}, description="What differs for the orders of a shop, by its connection's name."
    )
    billing: Billing = Field(default=Billing(), description="What is billed when, and by which rules.")

    def approval(self, question: str) -> ApprovalRule:
        """The rule for a question; the default rule for one that is not set. Invoices need a second person."""
        return self.approvals.get(question) or _RULES.get(question, ApprovalRule())

    def shop(self, reference: str) -> ShopRules:
        """The rules of the shop that an order is of."""
        return self.shops.get(connection_of(reference)) or ShopRules()

    def location(self, name: str) -> Location:
        """What differs at a location of the shop."""
        return self.locations.get(name) or Location()

    def ships_from(self, name: str) -> str:
        """The country that goods leave from at a location."""
        return self.location(name).ship_from or self.ship_from

    def labels_at_location(self, name: str) -> LabelsAt:
        """When labels are bought for what leaves there."""
        return self.location(name).labels_at or self.labels_at

    def chooses(self, role: str) -> bool:
        """Whether it names, for some objects, the connection that fills this role."""
        if role == "accounting":
            return bool(self.billing.entities)
        return any(getattr(one, role, "") for one in self.locations.values())

    def present(self, team: str, now: datetime) -> str:
        """The team, or the one that decides for it today."""
        today = self.today(now)
        return next((one.deputy for one in self.absences if one.covers(team, today)), team)

    def today(self, now: datetime) -> date:
        """The day that it is by the business's clock."""
        return now.astimezone(zone_of(self.time_zone)).date()

    def working_hours_after(self, moment: datetime, hours: float) -> datetime:
        """When so many working hours have passed since the moment."""
        return self.working_hours.after(moment, hours, zone_of(self.time_zone))

    def too_risky(self, risk: Risk) -> str:
        """Why an order of this risk needs an approval; empty when it needs none."""
        if risk.level not in self.risk_levels_asked:
            return ""
        return "; ".join((f"the shop rates the risk of this order as {risk.level.value}", *risk.facts))

    def cheapest_rate(self, service: str, quote: Quote) -> Rate:
        """The cheapest rate that keeps the promised service, or the cheapest of all when staff let the quote pass."""
        kept = self._in_time(service, quote) or quote.rates
        return min(kept, key=lambda rate: (rate.price.amount, rate.id))

    def rate_problems(self, service: str, quote: Quote) -> list[Problem]:
        """Why no rate of a quote keeps the promise; empty when one does."""
        if self._in_time(service, quote):
            return []
        return [Problem(field="rates", reason=f"has no rate within {self._days_max(service)} days")]

    def too_dear(self, price: Money) -> str:
        """Why a label of this price needs an approval; empty when it needs none."""
        limit = self.label_price_max.get(price.currency)
        if limit is None:
            return f"the label costs {price}, and no label_price_max is set for {price.currency}"
        return f"the label costs {price}, above the limit of {limit:.2f}" if price.amount > limit else ""

    def _days_max(self, service: str) -> int:
        default = self.service_days_max.get(self.default_service, 0)
        return self.service_days_max.get(service, default)

    def _in_time(self, service: str, quote: Quote) -> list[Rate]:
        days_max = self._days_max(service)
        return [rate for rate in quote.rates if rate.days is not None and rate.days <= days_max]
