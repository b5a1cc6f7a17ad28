"""A Slack-compatible incoming webhook in the role of staff, and its oddities."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from seamline.errors import LockedOut, Outage, Refusal, SystemFailure
from seamline.http import HttpFactory
from seamline.systems.slack.staff import Account, SlackStaff, connect
from tests.systems.staff_suite import KEY, StaffConformance, notice
from tests.systems.vendors import Simulated

NAME = "chat-main"
TOKEN = f"slack-test-{NAME}"


class Side:
    """The channel that the connection `chat-main` writes in."""

    name = NAME
    to = ""
    secrets = (TOKEN, "T0SIMULATED")

    def __init__(self, simulated: Simulated, http: HttpFactory) -> None:
        self.simulated = simulated
        self.http = http
        self.adapter: SlackStaff = self.connected(TOKEN)

    def connected(self, token: str, service: str = "T0SIMULATED/B0SIMULATED") -> SlackStaff:
        url = f"{self.simulated.url}/slack/{NAME}/services/{service}/{token}"
        return connect(NAME, Account.model_validate({"url": url, "messages_per_second_max": 100}), self.http)

    async def throttle(self) -> None:
        await self.simulated.fault(NAME, "throttle", delay_seconds=7)

    async def go_down(self) -> None:
        await self.simulated.fault(NAME, "down")

    async def lock_out(self) -> None:
        self.adapter = self.connected("wrong")

    async def heal(self) -> None:
        await self.simulated.heal()

    async def read(self) -> list[str]:
        return [one["text"] for one in await self.simulated.messages(NAME)]

    async def lose_reply(self) -> None:
        await self.simulated.fault(NAME, "lost-reply", "post", count=1)


@pytest.fixture
def side(simulated: Simulated, http: HttpFactory) -> Side:
    """The adapter and the channel it writes in."""
    return Side(simulated, http)


class TestConformance(StaffConformance):
    """Slack fills the role."""


async def test_a_process_is_a_link_to_its_page(side: Side) -> None:
    await side.adapter.notify(KEY, notice(side))
    (text,) = await side.read()
    assert "• <https://temporal.example/namespaces/default/workflows/order-to-shipment:shop-uk:5001|order-to-" in text


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ({"kind": "status", "status": 500}, Outage, "status-500"),
        ({"kind": "status", "status": 404}, LockedOut, "no-such-webhook"),
        ({"kind": "status", "status": 410}, LockedOut, "channel-archived"),
        ({"kind": "refuse"}, LockedOut, "forbidden"),
        ({"kind": "status", "status": 400}, Refusal, "bad-request"),
    ],
)
async def test_what_slack_says_is_told_apart(
    side: Side, fault: dict[str, Any], kind: type[SystemFailure], code: str
) -> None:
    await side.simulated.fault(NAME, **fault)
    with pytest.raises(kind) as caught:
        await side.adapter.notify(KEY, notice(side))
    assert caught.value.failure.code == code


async def test_throttling_says_when_to_come_back(side: Side) -> None:
    await side.throttle()
    with pytest.raises(Outage) as caught:
        await side.adapter.notify(KEY, notice(side))
    assert caught.value.failure.retry_after_seconds == 7


async def test_a_webhook_that_was_removed_locks_out(side: Side) -> None:
    side.adapter = side.connected(TOKEN, "T0SIMULATED/B0GONE")
    with pytest.raises(LockedOut) as caught:
        await side.adapter.card()
    assert caught.value.failure.reason == "no_service"


async def test_a_page_that_answers_well_is_no_webhook(side: Side) -> None:
    page = httpx.MockTransport(lambda _: httpx.Response(200, text="<html>Sign in</html>"))
    account = Account.model_validate({"url": "https://chat.example/signin"})
    adapter = connect(NAME, account, HttpFactory(transport=page))
    for call in (adapter.notify(KEY, notice(side)), adapter.card()):
        with pytest.raises(Refusal) as caught:
            await call
        assert caught.value.failure.code == "unexpected-answer"


@pytest.mark.parametrize("url", ["", "hooks.slack.com/T0/B0/x", "https://chat.example", "ftp://x.example/y"])
def test_a_wrong_address_names_itself_and_stays_secret(url: str) -> None:
    with pytest.raises(ValidationError, match="must be the whole address") as caught:
        Account.model_validate({"url": url})
    assert not url or url not in str(caught.value)
