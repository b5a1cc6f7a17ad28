"""A Slack-compatible incoming webhook in the role of staff: one channel, in which teams are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from seamline.http import HttpFactory, located
from seamline.records.notice import Notice, Told
from seamline.records.system import Card, Holding, Repeat
from seamline.systems.slack import mapping
from seamline.systems.slack.client import SlackClient, open_client


class Account(BaseModel):
    """One channel's webhook."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: SecretStr = Field(description="The webhook's whole address: whoever has it can write in the channel.")
    messages_per_second_max: float = Field(
        default=1, gt=0, le=100, description="How fast messages may be written; Slack allows one a second."
    )

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in ("https", "http") or not parts.hostname or not parts.path.strip("/"):
            raise ValueError("must be the whole address, https://hooks.slack.com/services/...")
        return value


def connect(name: str, account: Account, http: HttpFactory) -> SlackStaff:
    """The adapter of the connection `name`. Nothing is sent yet."""
    url = account.url.get_secret_value()
    client = open_client(name, url, http, messages_per_second_max=account.messages_per_second_max)
    return SlackStaff(name, account, client)


class SlackStaff:
    """Satisfies `activities.staff.StaffSystem`."""

    # A webhook knows no key and lists nothing: after a lost answer the message is written again.
    repeats: Final[Mapping[str, Repeat]] = {"notify": Repeat.HARMLESS}

    def __init__(self, name: str, account: Account, client: SlackClient) -> None:
        self.name = name
        self._account = account
        self._client = client

    async def close(self) -> None:
        """Close what is kept open."""
        await self._client.close()

    @located
    async def notify(self, key: str, notice: Notice) -> Told:
        """Write the notice into the channel."""
        await self._client.post(mapping.message(notice))
        return Told(id=key)

    @located
    async def holdings(self, reference: str) -> Sequence[Holding]:
        """Nothing: a webhook only takes."""
        return []

    @located
    async def references(self, external_id: str) -> Sequence[str]:
        """None: a webhook only takes."""
        return []

    @located
    async def card(self) -> Card:
        """Reach the webhook, without writing, and describe the connection."""
        await self._client.check()
        host = urlsplit(self._account.url.get_secret_value()).hostname or ""
        return Card(
            connection=self.name,
            system="slack",
            role="staff",
            holds=(),
            connected="incoming webhook over HTTPS",
            authentication="secret address",
            limits=f"at most {self._account.messages_per_second_max:g} messages a second from here",
            repeats=self.repeats,
            account=host,
        )
