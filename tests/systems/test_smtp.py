"""A mail server in the role of mail, and its oddities."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from seamline.errors import LockedOut, Outage, Refusal
from seamline.http import HttpFactory
from seamline.records.returning import ReturnMail
from seamline.records.shipping import MailLine
from seamline.systems.smtp import mapping
from seamline.systems.smtp.mail import Account, SmtpMail, connect
from tests.systems.mail_suite import MailConformance, shipped_mail
from tests.systems.vendors import Simulated

NAME = "mail-main"


class Side:
    """The server that the connection `mail-main` sends by."""

    name = NAME
    secrets = (f"smtp-test-{NAME}",)

    def __init__(self, simulated: Simulated) -> None:
        self.simulated = simulated
        self.adapter: SmtpMail = connected(simulated)

    async def throttle(self) -> None:
        self.adapter = connected(self.simulated, port=refusing_port())

    async def go_down(self) -> None:
        self.adapter = connected(self.simulated, port=refusing_port())

    async def lock_out(self) -> None:
        self.adapter = connected(self.simulated, password="wrong")

    async def heal(self) -> None:
        self.adapter = connected(self.simulated)

    async def received(self) -> list[dict[str, Any]]:
        return await self.simulated.mails()

    async def lose_reply(self) -> None:
        await self.simulated.fault(NAME, "lost-reply", "send", count=1)


def refusing_port() -> int:
    """A port where nobody listens: the discard service."""
    return 9


def connected(simulated: Simulated, **changes: Any) -> SmtpMail:
    """An adapter for the simulated server."""
    values: dict[str, Any] = {
        "host": simulated.smtp_host,
        "port": simulated.smtp_port,
        "security": "plain",
        "username": NAME,
        "password": f"smtp-test-{NAME}",
        "sender": "orders@shop.example",
        "sender_name": "Tide & Co",
    }
    return connect(NAME, Account.model_validate(values | changes), HttpFactory())


@pytest.fixture
def side(simulated: Simulated) -> Side:
    """The adapter and the server it talks to."""
    return Side(simulated)


class TestConformance(MailConformance):
    """SMTP fills the role."""


@pytest.mark.parametrize(("status", "kind"), [(451, Outage), (421, Outage), (554, Refusal), (535, LockedOut)])
async def test_codes(side: Side, simulated: Simulated, status: int, kind: type[Exception]) -> None:
    await simulated.fault(NAME, "status", "send", status=status, reason="Mill Lane")
    with pytest.raises(kind) as caught:
        await side.adapter.send_shipped("shop-uk:5001/send-shipped#1", shipped_mail())
    assert "Mill Lane" not in str(caught.value)


def test_message_ids_are_stable_and_differ() -> None:
    keys = ["shop-uk:5001/send-shipped#1", "shop-uk:5001/send-shipped#2", "shop-uk:5001.2/send-shipped#1"]
    ids = [mapping.message_id(key, "shop.example") for key in keys]
    assert ids == [mapping.message_id(key, "shop.example") for key in keys]
    assert len(set(ids)) == 3
    assert ":" not in "".join(ids)


def test_only_web_pages_become_links() -> None:
    mail = shipped_mail(tracking_page="javascript:alert(1)")
    message = mapping.shipped("shop-uk:5001/send-shipped#1", mail, "Shop", "shop.example")
    assert "javascript" not in message.html + message.text


@pytest.mark.parametrize("locale", ["en", "de"])
def test_every_parcel_can_be_followed_and_a_part_says_that_more_comes(locale: str) -> None:
    other = {"tracking_number": "TRACK-2", "tracking_page": "https://carrier.example/TRACK-2"}
    mail = shipped_mail(others=[other], partial=True, locale=locale)
    message = mapping.shipped("shop-uk:5001.2/send-shipped#1", mail, "Shop", "shop.example")
    whole = mapping.shipped("shop-uk:5001/send-shipped#1", shipped_mail(locale=locale), "Shop", "shop.example")
    for text in (message.text, message.html):
        assert all(text.count(f"https://carrier.example/TRACK-{number}") == 1 for number in (1, 2))
        assert text.count("TRACK-2") == 2
    assert "rest" in message.text.lower()
    assert "rest" not in whole.text.lower()
    assert "TRACK-2" not in whole.text


@pytest.mark.parametrize("changes", [{"sender": "nobody"}, {"sender": "a@"}, {"username": "x"}, {"security": "none"}])
def test_wrong_settings_name_themselves(changes: dict[str, str]) -> None:
    values = {"host": "mail.example", "sender": "orders@shop.example"}
    with pytest.raises(ValidationError):
        Account.model_validate(values | changes)


@pytest.mark.parametrize(
    ("locale", "subject", "word"),
    [("en", "Your return label for order #5001", "returning"), ("de-AT", "Ihr Rücksendeetikett", "senden zurück")],
)
def test_the_return_label_in_the_customers_language(locale: str, subject: str, word: str) -> None:
    mail = ReturnMail(
        reference="shop-uk:5001-R9001",
        to="jo@example.com",
        name="Jo",
        number="#5001",
        locale=locale,
        label_page="https://labels.example/1",
        lines=(MailLine(title="<Mug>", quantity=2),),
    )
    message = mapping.return_label("shop-uk:5001-R9001/send-return-label#1", mail, "Seaside Goods", "shop.example")
    assert message.message_id == "<shop-uk=5001-R9001/send-return-label#1@shop.example>"
    assert message.subject.startswith(subject)
    assert word in message.text
    assert 'href="https://labels.example/1"' in message.html
    assert "&lt;Mug&gt;" in message.html
    unsafe = mapping.return_label("k", mail.model_copy(update={"label_page": "javascript:x"}), "Shop", "shop.example")
    assert "href" not in unsafe.html
