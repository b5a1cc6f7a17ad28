"""How the business wants something approved: by whom, until when, and what counts when nobody answers."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from seamline.records.base import Record

Hours = Annotated[float, Field(gt=0, le=2000)]
TeamName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]


class Expiry(StrEnum):
    """The answer that counts when none came in time."""

    APPROVE = "approve"
    REJECT = "reject"


class ApprovalRule(Record):
    """Who approves and how. Hours are working hours."""

    team: TeamName | None = Field(default=None, description="The team that is asked; by default the question's own.")
    automatic: bool = Field(default=False, description="Approve without asking; it is kept as decided by policy.")
    authenticated: bool = Field(default=False, description="Take no answer by signal, whose sender is only claimed.")
    four_eyes: bool = Field(
        default=False, description="Who started the process or amended it may not approve; implies authenticated."
    )
    due_hours: Hours = Field(default=4, description="Until the team is reminded and the next team is asked.")
    escalate_to: TeamName | None = Field(default=None, description="The team that is asked once it is due.")
    expire_hours: Hours | None = Field(default=None, description="Until the default answer counts; never if not set.")
    on_expiry: Expiry = Field(default=Expiry.REJECT, description="The default answer.")
    choice: str = Field(
        default="",
        max_length=50,
        description="Where a question offers choices: the one taken without asking if automatic, else on expiry.",
    )


class Absence(Record):
    """Days on which another team decides for one."""

    team: TeamName = Field(description="The team that is away.")
    deputy: TeamName = Field(description="The team that is asked instead.")
    first_day: date = Field(description="The first day, as 2026-12-24.")
    last_day: date = Field(description="The last day, itself included.")

    @model_validator(mode="after")
    def _check_order(self) -> Absence:
        if self.last_day < self.first_day:
            raise ValueError("last_day must not be before first_day")
        return self

    def covers(self, team: str, day: date) -> bool:
        """Whether the team is away on that day."""
        return team == self.team and self.first_day <= day <= self.last_day
