"""A mail server in the role of staff."""

from __future__ import annotations

import pytest

from seamline.errors import Refusal
from seamline.http import HttpFactory
from seamline.systems.smtp.staff import Account, SmtpStaff, connect
from tests.systems.staff_suite import KEY, PAGE, PROCESS, StaffConformance, notice
from tests.systems.test_smtp import refusing_port
from tests.systems.vendors import Simulated

NAME = "mail-main"


class Side:
    """A team's letter box, and the server of the connection `mail-main`."""

    name = NAME
    to = "operations@shop.example"
    secrets = (f"smtp-test-{NAME}",)

    def __init__(self, simulated: Simulated) -> None:
        self.simulated = simulated
        self.adapter: SmtpStaff = self.connected()

    def connected(self, **changes: object) -> SmtpStaff:
        values: dict[str, object] = {
            "host": self.simulated.smtp_host,
            "port": self.simulated.smtp_port,
            "security": "plain",
            "username": NAME,
            "password": f"smtp-test-{NAME}",
            "sender": "orders@shop.example",
        }
        return connect(NAME, Account.model_validate(values | changes), HttpFactory())

    async def throttle(self) -> None:
        self.adapter = self.connected(port=refusing_port())

    async def go_down(self) -> None:
        self.adapter = self.connected(port=refusing_port())

    async def lock_out(self) -> None:
        self.adapter = self.connected(password="wrong")

    async def heal(self) -> None:
        self.adapter = self.connected()

    async def read(self) -> list[str]:
        return [mail["html"] for mail in await self.simulated.mails()]

    async def lose_reply(self) -> None:
        await self.simulated.fault(NAME, "lost-reply", "send", count=1)


@pytest.fixture
def side(simulated: Simulated) -> Side:
    """The adapter and the server it talks to."""
    return Side(simulated)


class TestConformance(StaffConformance):
    """SMTP fills the role."""


async def test_the_plain_text_says_the_same_to_the_team_alone(side: Side) -> None:
    told = await side.adapter.notify(KEY, notice(side))
    (mail,) = await side.simulated.mails()
    assert (mail["to"], mail["message_id"], mail["key"], mail["reference"]) == ([side.to], told.id, KEY, "")
    assert mail["subject"] == "12 processes wait for Warehouse: shippo-main refusal bad-postcode"
    text = mail["text"].replace("\r\n", "\n")
    assert f"- {PROCESS}, due 2026-11-22 12:00 GMT\n  {PAGE}\n" in text
    assert "\n    seamline list --status waiting --team operations\n" in text


async def test_a_notice_told_again_has_the_same_message_id(side: Side) -> None:
    first = await side.adapter.notify(KEY, notice(side))
    assert (await side.adapter.notify(KEY, notice(side))).id == first.id


async def test_a_bad_address_is_refused(side: Side) -> None:
    with pytest.raises(Refusal):
        await side.adapter.notify(KEY, notice(side).model_copy(update={"to": "nobody@refused.example"}))
