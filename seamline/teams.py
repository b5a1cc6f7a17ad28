"""The settings of teams: where each is told what waits for it, and how often the notifier looks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.errors import MessageError
from email.headerregistry import Address
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from seamline.section import Section

TEAMS = ("operations", "it", "fraud", "finance", "support", "sales-ops")
"""The teams that our own causes are for. A policy may name others."""
NOTIFIER = "notify-teams"
"""The id of the schedule that runs the notifier, and the beginning of its runs' ids."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a team's name has small letters, digits and dashes, 31 at most: sales-ops")
    return name


def _check_address(value: str) -> str:
    try:
        found = Address(addr_spec=value)
    except (MessageError, IndexError, ValueError):
        found = Address()
    if not found.username or not found.domain:
        raise ValueError("must be a mail address, for example operations@example.com")
    return value


TeamName = Annotated[str, AfterValidator(_check_name)]
TeamAddress = Annotated[str, AfterValidator(_check_address)]


class TeamSettings(Section):
    """Where a team is told what waits for it."""

    title: str = Field(default="", max_length=60, description="How notices call it; by default its name.")
    email: TeamAddress | None = Field(default=None, description="Where it gets mail, over a connection of role staff.")
    chat: str = Field(default="", description="The connection that writes in its channel.")

    @model_validator(mode="after")
    def _check_reachable(self) -> TeamSettings:
        if not self.email and not self.chat:
            raise ValueError("give email, chat or both: it could not be told otherwise")
        return self


class NotifierSettings(Section):
    """How teams are told. Nobody is unless a team is set."""

    enabled: bool = Field(default=True, description="Whether teams are told, once any is set.")
    interval_seconds: float = Field(default=60, ge=1, le=86_400, description="How often it looks what waits.")
    remind_after_seconds: float = Field(
        default=14_400, ge=1, le=31_536_000, description="When a team is told again of a cause that lasts."
    )
    notices_max: int = Field(
        default=20, ge=1, le=100, description="Notices to one place in one look; the rest come with the next."
    )
    default_team: str = Field(default="operations", description="The team that is told for teams not set.")


def check_teams(
    teams: Mapping[str, TeamSettings], notifier: NotifierSettings, *, mailing: str | None, chats: Sequence[str]
) -> None:
    """Raise ValueError when a team cannot be told as set. `mailing` is the connection that mails to teams."""
    for name, team in teams.items():
        if team.chat and team.chat not in chats:
            there = ", ".join(sorted(chats)) or "none"
            raise ValueError(f"teams.{name}.chat names no connection that writes in a chat; there are: {there}")
        if team.email and not mailing:
            raise ValueError(
                f"teams.{name}.email: needs one connection that mails to staff: add one of system smtp, "
                "or set routes.staff where there are several"
            )
    if teams and notifier.default_team not in teams:
        raise ValueError(f"notifier.default_team is no team that is set; there are: {', '.join(sorted(teams))}")
