"""What every system must do that fills the role mail."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from activities.mail import MailSystem
from seamline.errors import Outage, Refusal
from seamline.records.reminder import ReminderMail
from seamline.records.shipping import MailLine, ShippedMail
from tests.systems.conformance import (
    REFERENCE,
    Side,
    SystemConformance,
)

REMINDER_KEY = "books-uk:invoice-7/send-reminder#1"


class MailSide(Side, Protocol):
    """A mail server, and the letter box."""

    @property
    def adapter(self) -> MailSystem: ...

    async def received(self) -> list[dict[str, Any]]:
        """The mails that arrived: message_id, to, subject, text, html, reference, key."""

    async def lose_reply(self) -> None:
        """The next mail is taken, and the answer is lost."""


class MailConformance(SystemConformance):
    """The role mail."""

    key = f"{REFERENCE}/send-shipped#1"

    async def test_a_mail_arrives_in_text_and_html(self, side: MailSide) -> None:
        sent = await side.adapter.send_shipped(self.key, shipped_mail())
        (mail,) = await side.received()
        assert mail["message_id"] == sent.message_id
        assert (mail["to"], mail["reference"], mail["key"]) == (["jo.fielding@example.com"], REFERENCE, self.key)
        for body in (mail["text"], mail["html"]):
            assert "TRACK-1" in body
            assert "Enamel mug" in body
        assert "#5001" in mail["subject"]

    async def test_html_is_escaped(self, side: MailSide) -> None:
        await side.adapter.send_shipped(self.key, shipped_mail(name="<script>alert(1)</script>"))
        (mail,) = await side.received()
        assert "<script>" not in mail["html"]
        assert "<script>" in mail["text"]

    @pytest.mark.parametrize(("locale", "words"), [("de-AT", "Sendungsnummer"), ("en", "Tracking"), ("fr", "Tracking")])
    async def test_it_speaks_the_customers_language(self, side: MailSide, locale: str, words: str) -> None:
        await side.adapter.send_shipped(self.key, shipped_mail(locale=locale))
        (mail,) = await side.received()
        assert words in mail["text"]
        assert words in mail["html"]

    async def test_one_key_is_one_message_id(self, side: MailSide) -> None:
        first = await side.adapter.send_shipped(self.key, shipped_mail())
        assert (await side.adapter.send_shipped(self.key, shipped_mail())).message_id == first.message_id
        second = await side.adapter.send_shipped(f"{REFERENCE}/send-shipped#2", shipped_mail())
        assert second.message_id != first.message_id

    async def test_a_lost_answer_is_an_outage(self, side: MailSide) -> None:
        await side.lose_reply()
        with pytest.raises(Outage):
            await side.adapter.send_shipped(self.key, shipped_mail())
        sent = await side.adapter.send_shipped(self.key, shipped_mail())
        assert {mail["message_id"] for mail in await side.received()} == {sent.message_id}

    @pytest.mark.parametrize("to", ["nobody@refused.example", "no address", "", "a@b@c", "jo\nBcc: x@example.com"])
    async def test_a_bad_address_is_refused(self, side: MailSide, to: str) -> None:
        with pytest.raises(Refusal) as caught:
            await side.adapter.send_shipped(self.key, shipped_mail(to=to))
        assert [problem.field for problem in caught.value.failure.problems] == ["to"]
        assert await side.received() == []

    async def test_a_busy_mailbox_is_an_outage(self, side: MailSide) -> None:
        with pytest.raises(Outage):
            await side.adapter.send_shipped(self.key, shipped_mail(to="jo@busy.example"))

    @pytest.mark.parametrize(("overdue", "words"), [(False, "is due on 2026-12-02"), (True, "is overdue")])
    async def test_a_reminder_arrives_in_text_and_html(self, side: MailSide, overdue: bool, words: str) -> None:
        sent = await side.adapter.send_reminder(REMINDER_KEY, reminder_mail(overdue=overdue, name="<b>Ada</b>"))
        (mail,) = await side.received()
        assert (mail["message_id"], mail["key"]) == (sent.message_id, REMINDER_KEY)
        assert mail["subject"] == f"Invoice INV-7 {words}"
        for body in (mail["text"], mail["html"]):
            assert "50.00 GBP" in body
            assert "120.00 GBP" in body
            assert "https://pay.example/7" in body
        assert "<b>Ada" not in mail["html"]

    async def test_a_reminder_links_to_web_pages_only(self, side: MailSide) -> None:
        await side.adapter.send_reminder(REMINDER_KEY, reminder_mail(link="javascript:alert(1)"))
        (mail,) = await side.received()
        assert "javascript" not in mail["text"] + mail["html"]

    async def test_a_reminder_whose_answer_was_lost_is_the_same_mail_again(self, side: MailSide) -> None:
        await side.lose_reply()
        with pytest.raises(Outage):
            await side.adapter.send_reminder(REMINDER_KEY, reminder_mail())
        sent = await side.adapter.send_reminder(REMINDER_KEY, reminder_mail())
        assert {mail["message_id"] for mail in await side.received()} == {sent.message_id}

    async def test_a_reminder_to_a_bad_address_is_refused(self, side: MailSide) -> None:
        with pytest.raises(Refusal) as caught:
            await side.adapter.send_reminder(REMINDER_KEY, reminder_mail(to="nobody@refused.example"))
        assert [problem.field for problem in caught.value.failure.problems] == ["to"]


def reminder_mail(**changes: Any) -> ReminderMail:
    """The mail about an invoice."""
    values: dict[str, Any] = {
        "reference": "books-uk:invoice-7",
        "to": "bills@acme.example",
        "name": "Ada Byron",
        "number": "INV-7",
        "total": {"amount": "120.00", "currency": "GBP"},
        "amount_due": {"amount": "50.00", "currency": "GBP"},
        "due": "2026-12-02",
        "overdue": False,
        "link": "https://pay.example/7",
    }
    return ReminderMail.model_validate(values | changes)


def shipped_mail(**changes: Any) -> ShippedMail:
    """The mail about a parcel."""
    values: dict[str, Any] = {
        "reference": REFERENCE,
        "to": "jo.fielding@example.com",
        "name": "Jo Fielding",
        "number": "#5001",
        "carrier": "Royal Mail",
        "tracking_number": "TRACK-1",
        "tracking_page": "https://carrier.example/TRACK-1",
        "lines": (MailLine(title="Enamel mug, blue", quantity=2),),
    }
    return ShippedMail.model_validate(values | changes)
