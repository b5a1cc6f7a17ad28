"""Mail to customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from activities.tracing import Traceable
from seamline.process.effect import IRREVERSIBLE, STANDS, Call, Effect, Foreseen, is_repeat, operation
from seamline.records.reminder import ReminderMail
from seamline.records.returning import ReturnMail
from seamline.records.shipping import Sent, ShippedMail
from seamline.records.system import FORESEEN, Repeat


class MailSystem(Traceable, Protocol):
    """What a mail system must be able to do. Adapters raise the errors of `seamline.errors`."""

    repeats: Mapping[str, Repeat]

    async def send_shipped(self, key: str, mail: ShippedMail) -> Sent:
        """Write the mail and send it as text and HTML under a Message-ID made from `key`. 4xx: Outage, 5xx: Refusal."""

    async def send_return_label(self, key: str, mail: ReturnMail) -> Sent:
        """The same for a label to send goods back with."""

    async def send_reminder(self, key: str, mail: ReminderMail) -> Sent:
        """The same for an invoice that is to be paid."""


class Mail:
    """The mail activities over any system that fills the role."""

    def __init__(self, system: MailSystem) -> None:
        self.system = system

    @operation("mail.send_shipped")
    async def send_shipped(self, call: Call[ShippedMail]) -> Sent:
        """Tell the customer that the parcel left. After a lost answer it is sent again under the same Message-ID."""
        sent = await self.system.send_shipped(call.key, call.request)
        return sent.model_copy(update={"perhaps_twice": is_repeat(call)})

    @operation("mail.send_return_label")
    async def send_return_label(self, call: Call[ReturnMail]) -> Sent:
        """Bring the customer the label to send goods back with, as carefully."""
        sent = await self.system.send_return_label(call.key, call.request)
        return sent.model_copy(update={"perhaps_twice": is_repeat(call)})

    @operation("mail.send_reminder")
    async def send_reminder(self, call: Call[ReminderMail]) -> Sent:
        """Remind the customer of an invoice, as carefully."""
        sent = await self.system.send_reminder(call.key, call.request)
        return sent.model_copy(update={"perhaps_twice": is_repeat(call)})


def _unsent(call: Call[Any], _: Sent | None) -> Sent:
    return Sent(message_id=FORESEEN)


send_shipped = Effect(
    Mail.send_shipped,
    undo=IRREVERSIBLE,
    title="Mail the customer",
    team="support",
    foreseen=Foreseen(_unsent, lambda mail: f"that {mail.number} is on its way, in {mail.locale}"),
)
send_reminder = Effect(
    Mail.send_reminder,
    undo=STANDS,
    title="Remind the customer",
    team="finance",
    foreseen=Foreseen(_unsent, lambda mail: f"of invoice {mail.number}"),
)
send_return_label = Effect(
    Mail.send_return_label,
    undo=STANDS,
    title="Mail the customer the return label",
    team="support",
    foreseen=Foreseen(_unsent, lambda mail: f"for {mail.number}, in {mail.locale}"),
)
