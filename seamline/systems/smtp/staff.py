"""A mail server in the role of staff: a team is told by mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from typing import Final

from seamline.http import HttpFactory, located
from seamline.records.notice import Notice, Told
from seamline.records.system import Card, Holding, Repeat
from seamline.systems.smtp import mapping, wire
from seamline.systems.smtp.client import SmtpClient
from seamline.systems.smtp.mail import Account as Account
from seamline.systems.smtp.mail import card_of, client_of


def connect(name: str, account: Account, http: HttpFactory) -> SmtpStaff:
    """The adapter of the connection `name`. Nothing is sent yet; `http` is not used by mail."""
    return SmtpStaff(name, account, client_of(name, account, http))


class SmtpStaff:
    """Satisfies `activities.staff.StaffSystem`."""

    # A lost answer cannot be looked up: the notice is sent again under the same Message-ID.
    repeats: Final[Mapping[str, Repeat]] = {"notify": Repeat.HARMLESS}

    def __init__(self, name: str, account: Account, client: SmtpClient) -> None:
        self.name = name
        self._account = account
        self._client = client
        self._sender = Address(display_name="Seamline", addr_spec=account.sender)

    async def close(self) -> None:
        """Nothing is kept open between mails."""

    @located
    async def notify(self, key: str, notice: Notice) -> Told:
        """Mail the notice to its team. Refusal with field `to` when the address is refused."""
        message = mapping.notice(key, notice, self._sender.domain)
        try:
            email = wire.email_message(message, self._sender, datetime.now(UTC))
        except ValueError:
            raise mapping.bad_recipient("is not a mail address") from None
        await self._client.send(email)
        return Told(id=message.message_id)

    @located
    async def holdings(self, reference: str) -> Sequence[Holding]:
        """Nothing: a mail server forgets what it has passed on."""
        return []

    @located
    async def references(self, external_id: str) -> Sequence[str]:
        """None: a mail server forgets what it has passed on."""
        return []

    @located
    async def card(self) -> Card:
        """Reach the server, log in, and describe the connection."""
        return card_of(self.name, "staff", self._account, self.repeats, await self._client.greet())
