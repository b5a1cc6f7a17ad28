"""HubSpot's webhooks: the events an app subscribed to, several in one request, signed anew at each try.

`X-HubSpot-Signature-v3` is the base64 HMAC-SHA256 of method, address, body and `X-HubSpot-Request-Timestamp` (in
milliseconds) under the app's client secret, `secret-<connection>`. HubSpot gives an address 5 seconds and tries ten
times more. Which events a private app takes is set in HubSpot's pages, not over the API. Sources:
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation,
https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import zlib

from seamline.simulator.deliveries import Deliveries
from seamline.simulator.world import Body, World

ANSWER_SECONDS_MAX = 5.0
TRIES_MAX = 11
SUBSCRIPTION = "hubspot-subscription"
APP_ID = 1


class Webhooks:
    """Subscriptions and deliveries of all accounts."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._deliveries = Deliveries(
            world,
            "hubspot.deliver-webhook",
            answer_seconds_max=ANSWER_SECONDS_MAX,
            tries_max=TRIES_MAX,
            again=lambda status: not 200 <= status < 300,
            renew=_renewed,
        )

    def subscribe(self, connection: str, event: str, property_name: str, url: str) -> Body:
        """Send events of this kind (of this property) to `url` from now on. The same twice is one subscription."""
        wanted = {"event": event, "property": property_name, "url": url}
        for known in self.world.find(connection, SUBSCRIPTION):
            if wanted.items() <= known.items():
                return known
        made = {"id": str(self.world.next_id(connection, SUBSCRIPTION, start=501)), **wanted}
        self.world.put(connection, SUBSCRIPTION, made["id"], made)
        return made

    def tell(self, connection: str, events: list[Body]) -> None:
        """Send these events to those who subscribed, one request for each address."""
        by_url: dict[str, list[Body]] = {}
        for one in events:
            for subscription in self.world.find(connection, SUBSCRIPTION, {"event": one["subscriptionType"]}):
                if subscription["property"] == one.get("propertyName", ""):
                    by_url.setdefault(subscription["url"], []).append(self._event(connection, subscription, one))
        for url, told in by_url.items():
            about = {"events": ", ".join(one["subscriptionType"] for one in told)}
            self._deliveries.post(connection, url, json.dumps(told), about=about)

    def deliveries(self, connection: str) -> list[Body]:
        """Every delivery: its events, how often it was tried, and the last answer's status (0 for none)."""
        kept = self.world.find(connection, "delivery")
        return [{"id": one["id"], **one["about"], "tries": one["tries"], "status": one["status"]} for one in kept]

    def again(self, connection: str, times: int) -> int:
        """Send all that was sent so far again, as HubSpot may at any time; how many requests that is."""
        kept = self.world.find(connection, "delivery")
        for one in kept * times:
            self._deliveries.post(connection, one["url"], one["body"], about=one["about"])
        return len(kept) * times

    def _event(self, connection: str, subscription: Body, what: Body) -> Body:
        return {
            "eventId": self.world.next_id(connection, "hubspot-event", start=100_001),
            "subscriptionId": int(subscription["id"]),
            "portalId": portal_id(connection),
            "appId": APP_ID,
            "occurredAt": round(time.time() * 1000),
            "attemptNumber": 0,
            **what,
        }


def portal_id(connection: str) -> int:
    """The account's number, the same for a name at any time."""
    return zlib.crc32(connection.encode())


def sign(connection: str, url: str, body: str, timestamp: str) -> str:
    """The value of `X-HubSpot-Signature-v3` for a POST."""
    told = f"POST{url}{body}{timestamp}".encode()
    digest = hmac.new(f"secret-{connection}".encode(), told, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _renewed(connection: str, delivery: Body) -> Body:
    """The delivery as it is sent at this try: with the number of tries before, and signed now."""
    events = [event | {"attemptNumber": delivery["tries"] - 1} for event in json.loads(delivery["body"])]
    body, timestamp = json.dumps(events), str(round(time.time() * 1000))
    headers = {
        "X-HubSpot-Signature-v3": sign(connection, delivery["url"], body, timestamp),
        "X-HubSpot-Request-Timestamp": timestamp,
        "User-Agent": "HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client)",
    }
    return delivery | {"body": body, "headers": headers}
