"""What a Flow of the simulated organisation tells: opportunities won, reopened, or changed while won.

The Flow posts {event, id, organizationId, eventId, systemModstamp} to every subscriber, with `X-Seamline-Timestamp`
(Unix seconds) and `X-Seamline-Signature`: base64 HMAC-SHA256 of timestamp, a full stop and the raw body, keyed with
`secret-<connection>`. It does not start for the fields that Seamline writes. Not taken, it is sent again for a while.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Literal

from seamline.simulator.deliveries import Deliveries
from seamline.simulator.salesforce_org import Org
from seamline.simulator.world import Body, World

ANSWER_SECONDS_MAX = 10.0
TRIES_MAX = 6
Event = Literal["opportunity-won", "opportunity-reopened", "opportunity-changed"]
_PASSED_OVER = (
    "Invoice_Number__c",
    "Invoice_Status__c",
    "Invoice_Link__c",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
)


class Flow:
    """Subscriptions and deliveries of all simulated organisations."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._deliveries = Deliveries(
            world,
            "salesforce.deliver-event",
            answer_seconds_max=ANSWER_SECONDS_MAX,
            tries_max=TRIES_MAX,
            again=lambda status: not 200 <= status < 300,
            renew=lambda connection, delivery: delivery | {"headers": signed(connection, delivery["body"])},
        )

    def subscribe(self, connection: str, url: str) -> Body:
        """Tell this address from now on. The same one twice is one subscription."""
        for known in self.world.find(connection, "subscription", {"url": url}):
            return known
        made = {"id": str(self.world.next_id(connection, "subscription")), "url": url}
        self.world.put(connection, "subscription", made["id"], made)
        return made

    def saved(self, connection: str, before: Body | None, after: Body) -> None:
        """Tell what became of an opportunity, if the Flow is to tell it."""
        event = _event(before, after)
        if event is None or not Org(self.world, connection).settings.flow:
            return
        told = self._told(connection, event, after)
        about = {"id": after["Id"], "event": event}
        for one in self.world.find(connection, "subscription"):
            self._deliveries.post(connection, one["url"], told["body"], about=about)

    def deliveries(self, connection: str) -> list[Body]:
        """Every delivery by opportunity and event: how often it was tried, and the last answer's status."""
        return [
            {**one["about"], "tries": one["tries"], "status": one["status"]}
            for one in self.world.find(connection, "delivery")
        ]

    async def redeliver(
        self, connection: str, deal: Body, event: Event, *, times: int, at_once: int, age_seconds: int
    ) -> list[int]:
        """Send the last such event again, `at_once` at one moment, signed `age_seconds` ago; the answers' statuses."""
        past = self.world.find(connection, "event", {"deal": deal["Id"], "event": event})
        told = past[-1] if past else self._told(connection, event, deal)
        headers = signed(connection, told["body"], time.time() - age_seconds)
        urls = [one["url"] for one in self.world.find(connection, "subscription")]
        statuses: list[int] = []
        for start in range(0, times, at_once):
            copies = [url for url in urls for _ in range(min(at_once, times - start))]
            statuses += await asyncio.gather(*(self._deliveries.send(url, told["body"], headers) for url in copies))
        return statuses

    def _told(self, connection: str, event: Event, deal: Body) -> Body:
        event_id = str(uuid.uuid4())
        body = {
            "event": event,
            "id": deal["Id"],
            "organizationId": Org(self.world, connection).id,
            "eventId": event_id,
            "systemModstamp": deal["SystemModstamp"],
        }
        told = {"id": event_id, "deal": deal["Id"], "event": event, "body": json.dumps(body)}
        self.world.put(connection, "event", event_id, told)
        return told


def _event(before: Body | None, after: Body) -> Event | None:
    was_won = before is not None and before["IsWon"] and not before["IsDeleted"]
    if after["IsWon"] and not was_won:
        return None if after["IsDeleted"] else "opportunity-won"
    if not was_won or before is None:
        return None
    if not after["IsWon"] or after["IsDeleted"]:
        return "opportunity-reopened"
    changed = any(before[name] != after[name] for name in after if name not in _PASSED_OVER)
    return "opportunity-changed" if changed else None


def signed(connection: str, body: str, at: float | None = None) -> dict[str, str]:
    """The headers that prove where a delivery comes from and when it was sent."""
    timestamp = f"{time.time() if at is None else at:.0f}"
    digest = hmac.new(f"secret-{connection}".encode(), f"{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return {"X-Seamline-Timestamp": timestamp, "X-Seamline-Signature": base64.b64encode(digest).decode()}
