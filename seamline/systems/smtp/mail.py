"""A mail server in the role of mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from seamline.http import HttpFactory, located
from seamline.records.reminder import ReminderMail
from seamline.records.returning import ReturnMail
from seamline.records.shipping import Message, Sent, ShippedMail
from seamline.records.system import Card, Holding, Repeat
from seamline.systems.smtp import mapping, wire
from seamline.systems.smtp.client import SmtpClient


class Security(StrEnum):
    """How the line to the server is secured."""

    STARTTLS = "starttls"
    TLS = "tls"
    PLAIN = "plain"


class Account(BaseModel):
    """A mail server and who we are there."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    host: str = Field(min_length=1, max_length=253, description="The mail server's name.")
    port: int = Field(default=587, gt=0, le=65_535, description="587 for starttls, 465 for tls.")
    security: Security = Field(
        default=Security.STARTTLS, description="starttls, tls, or plain for a server on the same machine."
    )
    username: str = Field(default="", description="The login; empty where the server asks for none.")
    password: SecretStr = Field(default=SecretStr(""), description="The login's password.")
    sender: str = Field(max_length=254, description="The address that mails come from: orders@shop.example.")
    sender_name: str = Field(default="", max_length=100, description="The shop's name, as customers know it.")
    mails_per_second_max: float = Field(default=5, gt=0, le=100, description="How fast mails may be sent.")

    @field_validator("sender")
    @classmethod
    def _an_address(cls, value: str) -> str:
        try:
            domain = wire.address(value).domain
        except ValueError:
            domain = ""
        if not domain:
            raise ValueError("must be a mail address, for example orders@shop.example")
        return value

    @model_validator(mode="after")
    def _login_is_safe(self) -> Account:
        if bool(self.username) != bool(self.password.get_secret_value()):
            raise ValueError("give username and password both, or neither")
        return self


def connect(name: str, account: Account, http: HttpFactory) -> SmtpMail:
    """The adapter of the connection `name`. Nothing is sent yet; `http` only says whether mails may leave."""
    return SmtpMail(name, account, client_of(name, account, http))


def client_of(name: str, account: Account, http: HttpFactory) -> SmtpClient:
    """The transport to the account's server."""
    login = (account.username, account.password.get_secret_value()) if account.username else None
    return SmtpClient(
        name,
        account.host,
        account.port,
        account.security,
        login,
        account.mails_per_second_max,
        observed=http.holds_back(name),
    )


def card_of(name: str, role: str, account: Account, repeats: Mapping[str, Repeat], greeting: str) -> Card:
    """A connection to a mail server that greeted us, in whatever role."""
    return Card(
        connection=name,
        system="smtp",
        role=role,
        holds=(),
        connected=f"SMTP ({account.security})",
        authentication="login" if account.username else "none",
        limits=f"at most {account.mails_per_second_max:g} mails a second from here",
        repeats=repeats,
        account=greeting.splitlines()[0] if greeting else account.host,
    )


class SmtpMail:
    """Satisfies `activities.mail.MailSystem`."""

    # A lost answer cannot be looked up: the mail is sent again under the same Message-ID.
    repeats: Final[Mapping[str, Repeat]] = {
        "send_shipped": Repeat.HARMLESS,
        "send_return_label": Repeat.HARMLESS,
        "send_reminder": Repeat.HARMLESS,
    }

    def __init__(self, name: str, account: Account, client: SmtpClient) -> None:
        self.name = name
        self._account = account
        self._client = client
        self._sender = Address(display_name=account.sender_name, addr_spec=account.sender)

    async def close(self) -> None:
        """Nothing is kept open between mails."""

    @located
    async def send_shipped(self, key: str, mail: ShippedMail) -> Sent:
        """Tell the customer that the parcel left. Refusal with field `to` when the address is refused."""
        return await self._send(mapping.shipped(key, mail, self._we, self._sender.domain))

    @located
    async def send_return_label(self, key: str, mail: ReturnMail) -> Sent:
        """Bring the customer the label to send goods back with. Refusals as above."""
        return await self._send(mapping.return_label(key, mail, self._we, self._sender.domain))

    @located
    async def send_reminder(self, key: str, mail: ReminderMail) -> Sent:
        """Remind the customer of an invoice. Refusals as above."""
        return await self._send(mapping.reminder(key, mail, self._we, self._sender.domain))

    @property
    def _we(self) -> str:
        """Who customers know us as."""
        return self._account.sender_name or self._sender.domain

    async def _send(self, message: Message) -> Sent:
        try:
            email = wire.email_message(message, self._sender, datetime.now(UTC))
        except ValueError:
            raise mapping.bad_recipient("is not a mail address") from None
        await self._client.send(email)
        return Sent(message_id=message.message_id)

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
        return card_of(self.name, "mail", self._account, self.repeats, await self._client.greet())
