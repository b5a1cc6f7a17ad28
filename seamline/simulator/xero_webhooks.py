"""Xero's webhooks: what happened to contacts, invoices and credit notes; payments are not told.

A subscription is made where the app is kept, after an intent to receive: the address has to answer 200 to what is
signed rightly and 401 to what is not, with no body and no cookie, within 5 seconds. What is told carries ids only. Xero
tries again until it is answered with 200. Source: https://developer.xero.com/documentation/guides/webhooks/overview/
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime

import httpx

from seamline.simulator.deliveries import Deliveries
from seamline.simulator.world import Body, World
from seamline.simulator.xero_answers import new_id
from seamline.simulator.xero_tokens import tenant_id

ANSWER_SECONDS_MAX = 5.0
TRIES_MAX = 6
CATEGORIES = {"Contacts": "CONTACT", "Invoices": "INVOICE", "CreditNotes": "CREDITNOTE"}
_SUBSCRIPTION = "subscription"


class Webhooks:
    """Subscriptions and deliveries of all organisations in this world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._deliveries = Deliveries(
            world,
            "xero.deliver-webhook",
            answer_seconds_max=ANSWER_SECONDS_MAX,
            tries_max=TRIES_MAX,
            again=lambda status: status != 200,
        )

    async def subscribe(self, connection: str, url: str) -> str | None:
        """Check the intent to receive and subscribe; what the address did wrong otherwise."""
        body = json.dumps(_payload([], 0))
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS_MAX, trust_env=False) as client:
            for signature, status in ((sign(connection, body.encode()), 200), (sign("", b"wrong"), 401)):
                if problem := await _intent(client, url, body, signature, status):
                    return problem
        self.world.put(connection, _SUBSCRIPTION, url, {"id": url, "url": url})
        return None

    def tell(self, connection: str, base_url: str, path: str, object_id: str, event: str) -> None:
        """Tell of one object that it came or changed: CREATE or UPDATE."""
        subscriptions = self.world.find(connection, _SUBSCRIPTION)
        if not subscriptions:
            return
        told = {
            "resourceUrl": f"{base_url.rstrip('/')}/xero/{connection}/api.xro/2.0/{path}/{object_id}",
            "resourceId": object_id,
            "tenantId": tenant_id(connection),
            "tenantType": "ORGANISATION",
            "eventCategory": CATEGORIES[path],
            "eventType": event,
            "eventDateUtc": datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds"),
        }
        body = json.dumps(_payload([told], self.world.next_id(connection, "event")))
        headers = {"x-xero-signature": sign(connection, body.encode())}
        for one in subscriptions:
            self._deliveries.post(connection, one["url"], body, headers=headers, about={"id": object_id})

    def deliveries(self, connection: str) -> list[Body]:
        """Every delivery: how often it was tried, and the last answer's status (0 for none)."""
        sent = self.world.find(connection, "delivery")
        return [{**one["about"], "tries": one["tries"], "status": one["status"]} for one in sent]


def sign(connection: str, body: bytes) -> str:
    """The value of `x-xero-signature`: base64 HMAC-SHA256 of the raw body."""
    digest = hmac.new(f"secret-{connection}".encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _payload(events: list[Body], sequence: int) -> Body:
    entropy = "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(20))
    return {"events": events, "firstEventSequence": sequence, "lastEventSequence": sequence, "entropy": entropy}


async def _intent(client: httpx.AsyncClient, url: str, body: str, signature: str, wanted: int) -> str | None:
    headers = {"Content-Type": "application/json", "x-xero-signature": signature, "xero-correlation-id": new_id()}
    try:
        answer = await client.post(url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL):
        return f"no answer within {ANSWER_SECONDS_MAX:.0f} seconds"
    if answer.status_code != wanted:
        return f"answered {answer.status_code} where {wanted} was right"
    if answer.content or answer.cookies:
        return f"answered {wanted} with a body or a cookie"
    return None
