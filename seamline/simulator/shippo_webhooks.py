"""Shippo's webhooks: subscriptions over its own API, and what it tells of labels and parcels.

Nothing is signed: the subscriber puts a secret into the address. Shippo gives an address 3 seconds and tries twice more
after no answer, 408, 429 and 5xx. It tells test webhooks of test labels only; all labels here are. Sources:
https://docs.goshippo.com/tracking/webhooks, https://docs.goshippo.com/api-reference/webhooks/create-a-new-webhook
"""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from starlette.responses import Response

from seamline.simulator.deliveries import NO_ANSWER, Deliveries
from seamline.simulator.shippo_answers import Refused, answered, posted, public, text
from seamline.simulator.shippo_labels import SYSTEM, new_id, stamps
from seamline.simulator.world import Body, Call, World

ANSWER_SECONDS_MAX = 3.0
TRIES_MAX = 3
URL_LENGTH_MAX = 199
EVENTS = ("all", "transaction_created", "transaction_updated", "track_updated", "batch_created", "batch_purchased")


class Webhooks:
    """Subscriptions and deliveries of all Shippo's accounts in this world. `router` has the endpoints."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._deliveries = Deliveries(
            world,
            "shippo.deliver-webhook",
            answer_seconds_max=ANSWER_SECONDS_MAX,
            tries_max=TRIES_MAX,
            again=lambda status: status in (NO_ANSWER, 408, 429) or status >= 500,
        )
        self.router = APIRouter()
        self.router.post("/webhooks")(self.create)
        self.router.get("/webhooks")(self.list_all)
        self.router.delete("/webhooks/{object_id}")(self.delete)

    def tell(self, connection: str, event: str, data: Body) -> None:
        """Tell those who subscribed to this event."""
        body = json.dumps({"event": event, "test": data.get("test", True), "data": public(data)})
        for one in self._active(connection):
            if one["event"] in (event, "all") and one["is_test"]:
                self._deliveries.post(connection, one["url"], body)

    async def create(self, connection: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "webhooks.create") as call:
            return await posted(call, request, self._create)

    async def list_all(self, connection: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "webhooks.list") as call:
            return answered(call, request, lambda: {"results": self._active(connection)})

    async def delete(self, connection: str, object_id: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "webhooks.delete") as call:
            return answered(call, request, lambda: self._delete(connection, object_id), 204)

    def _active(self, connection: str) -> list[Body]:
        return [one for one in self.world.find(connection, "webhook") if one["active"]]

    def _create(self, call: Call, body: Body, _: Request) -> Body:
        url, event = text(body, "url", required=True), text(body, "event", required=True)
        if not url.startswith(("http://", "https://")) or len(url) > URL_LENGTH_MAX:
            raise Refused(400, {"url": [f"Enter a valid URL of at most {URL_LENGTH_MAX} characters."]})
        if event not in EVENTS:
            raise Refused(400, {"event": ["This is not a valid choice."]})
        for known in self._active(call.connection):
            if (known["url"], known["event"]) == (url, event):
                return known
        made = {name: value for name, value in stamps(call.connection, new_id()).items() if name != "test"}
        made |= {"url": url, "event": event, "active": True, "is_test": bool(body.get("is_test", False))}
        self.world.put(call.connection, "webhook", made["object_id"], made)
        return made

    def _delete(self, connection: str, object_id: str) -> Body:
        made = self.world.get(connection, "webhook", object_id)
        if made is None or not made["active"]:
            raise Refused(404, {"detail": "Not found."})
        self.world.put(connection, "webhook", object_id, made | {"active": False})
        return {}
