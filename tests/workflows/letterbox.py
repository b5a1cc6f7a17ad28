"""A mail system kept in memory."""

from __future__ import annotations

from collections.abc import Mapping

from seamline.records.base import Record
from seamline.records.reminder import ReminderMail
from seamline.records.returning import ReturnMail
from seamline.records.shipping import Sent, ShippedMail
from seamline.records.system import Repeat
from tests.workflows.scripted import Scripted


class Letterbox(Scripted):
    """Satisfies `activities.mail.MailSystem`."""

    role = "mail"
    repeats: Mapping[str, Repeat] = {"send_shipped": Repeat.HARMLESS, "send_reminder": Repeat.HARMLESS}

    def __init__(self) -> None:
        super().__init__()
        self.mails: dict[str, Record] = {}
        """By effect key: a mail sent again is the same mail."""

    async def send_shipped(self, key: str, mail: ShippedMail) -> Sent:
        return await self._send("send_shipped", key, mail)

    async def send_return_label(self, key: str, mail: ReturnMail) -> Sent:
        return await self._send("send_return_label", key, mail)

    async def send_reminder(self, key: str, mail: ReminderMail) -> Sent:
        return await self._send("send_reminder", key, mail)

    async def _send(self, call: str, key: str, mail: Record) -> Sent:
        await self.called(call)
        self.mails[key] = mail
        self.did(call.replace("_", "-"), key, call)
        return Sent(message_id=f"<{key}>")
