"""The policy as it is set: unlike the one a process carries, it refuses what it does not know."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ConfigDict, Field, field_validator, model_validator

from seamline.billing_settings import BillingSettings
from seamline.records.aftersales import Aftersales
from seamline.records.approval import Absence, ApprovalRule
from seamline.records.calendar import WorkingHours
from seamline.records.location import Location
from seamline.records.policy import Policy
from seamline.records.shop_rules import ID, NUMBER, ShopRules, TakeOver


class ApprovalSettings(ApprovalRule):
    """A rule that names nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class AbsenceSettings(Absence):
    """An absence that names nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class WorkingHoursSettings(WorkingHours):
    """Hours that name nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class LocationSettings(Location):
    """A location that names nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class AftersalesSettings(Aftersales):
    """Rules that name nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class TakeOverSettings(TakeOver):
    """A rule that names nothing unknown, over a time that is one."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="after")
    def _check(self) -> TakeOverSettings:
        if self.until <= self.since:
            raise ValueError("until must be after since")
        if plain := [mark for mark in self.marks if NUMBER not in mark and ID not in mark]:
            raise ValueError(f"marks: {plain[0]!r} is the same for all orders: write {NUMBER} or {ID} into it")
        return self


class ShopSettings(ShopRules):
    """Rules of a shop that name nothing unknown, and that agree."""

    model_config = ConfigDict(extra="forbid")

    take_over: TakeOverSettings | None = Field(
        default=None, description="Orders that others have begun and we finish: the table below."
    )

    @model_validator(mode="after")
    def _check(self) -> ShopSettings:
        if self.take_over and self.cut_over and self.take_over.since < self.cut_over:
            raise ValueError("take_over.since must not be before cut_over: orders created before that are ignored")
        return self


class PolicySettings(Policy):
    """The policy with all its parts checked. A question may be written with underscores, as variables are."""

    model_config = ConfigDict(extra="forbid")

    approvals: dict[str, ApprovalSettings] = Field(  # type: ignore[assignment]
        default={}, description="How each question is approved, by its name: the table below."
    )
    absences: tuple[AbsenceSettings, ...] = Field(
        default=(), max_length=100, description="When another team decides for one: the table below."
    )
    working_hours: WorkingHoursSettings = Field(
        default=WorkingHoursSettings(), description="The hours that count for approvals: the table below."
    )
    locations: dict[str, LocationSettings] = Field(  # type: ignore[assignment]
        default={}, description="What differs at each of the shop's locations, by its name there: the table below."
    )
    aftersales: AftersalesSettings = Field(
        default=AftersalesSettings(), description="Parcels that do not arrive, and returns: the table below."
    )
    shops: dict[str, ShopSettings] = Field(  # type: ignore[assignment]
        default={}, description="What differs for the orders of a shop, by its connection's name: the table below."
    )
    billing: BillingSettings = Field(
        default=BillingSettings(), description="What is billed when, and by which rules: the table below."
    )

    @field_validator("approvals", mode="before")
    @classmethod
    def _spell_questions(cls, value: object) -> object:
        return {str(name).replace("_", "-"): rule for name, rule in value.items()} if isinstance(value, dict) else value

    @field_validator("shops", mode="before")
    @classmethod
    def _spell_shops(cls, value: object) -> object:
        return {str(name).replace("_", "-"): rule for name, rule in value.items()} if isinstance(value, dict) else value

    @field_validator("time_zone")
    @classmethod
    def _check_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is no time zone known here: write one like Europe/London") from None
        return value
