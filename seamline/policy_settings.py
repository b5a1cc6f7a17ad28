"""The policy as it is set: unlike the one a process carries, it refuses what it does not know."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ConfigDict, Field, field_validator

from seamline.billing_settings import BillingSettings
from seamline.records.aftersales import Aftersales
from seamline.records.approval import Absence, ApprovalRule
from seamline.records.calendar import WorkingHours
from seamline.records.location import Location
from seamline.records.policy import Policy


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
    billing: BillingSettings = Field(
        default=BillingSettings(), description="What is billed when, and by which rules: the table below."
    )

    @field_validator("approvals", mode="before")
    @classmethod
    def _spell_questions(cls, value: object) -> object:
        return {str(name).replace("_", "-"): rule for name, rule in value.items()} if isinstance(value, dict) else value

    @field_validator("time_zone")
    @classmethod
    def _check_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is no time zone known here: write one like Europe/London") from None
        return value
