"""Webhooks on their way to whoever subscribed: tried again until taken or given up, also over a restart."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import ssl
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache

import httpx

from seamline.simulator.world import Body, World

RETRY_SECONDS_FIRST = 0.5
NO_ANSWER = 0
"""Stands for the status where no answer came."""

log = logging.getLogger(__name__)


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that certificates are checked by; read once, since it takes longer than a delivery."""
    return httpx.create_ssl_context(trust_env=False)


class Deliveries:
    """One vendor's deliveries. `again(status)` says whether an answer makes him try once more.

    `renew(connection, delivery)` gives the delivery as it is at this try, where its signature covers the time.
    """

    def __init__(
        self,
        world: World,
        due: str,
        *,
        answer_seconds_max: float,
        tries_max: int,
        again: Callable[[int], bool],
        renew: Callable[[str, Body], Body] = lambda _connection, delivery: delivery,
    ) -> None:
        self.world = world
        self._due = due
        self._answer_seconds_max = answer_seconds_max
        self._tries_max = tries_max
        self._again = again
        self._renew = renew
        # No connection is kept open, so that nothing has to be closed when the simulator stops.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(timeout=answer_seconds_max, trust_env=False, limits=limits, verify=_trusted())
        self._sending: set[asyncio.Task[None]] = set()
        world.on(due, self._deliver)

    def post(
        self,
        connection: str,
        url: str,
        body: str,
        *,
        headers: Mapping[str, str] | None = None,
        about: Mapping[str, str] | None = None,
    ) -> None:
        """Send this JSON to the address, soon. What it is about is kept with it in the world."""
        delivery: Body = {"id": uuid.uuid4().hex, "url": url, "body": body, "tries": 0, "status": None}
        delivery |= {"headers": dict(headers or {}), "about": dict(about or {})}
        self.world.put(connection, "delivery", delivery["id"], delivery)
        self._schedule(connection, delivery, 0)

    def _schedule(self, connection: str, delivery: Body, after_seconds: float) -> None:
        self.world.schedule(after_seconds, self._due, connection, f"{delivery['id']}/{delivery['tries']}")

    def _deliver(self, connection: str, delivery_and_tries: str, _due: datetime) -> None:
        """Start a try, and schedule the next in case this process dies before the answer."""
        delivery_id, tries = delivery_and_tries.split("/")
        delivery = self.world.get(connection, "delivery", delivery_id)
        if delivery is None or delivery["tries"] != int(tries) or not self._wanted(delivery):
            return
        delivery["tries"] += 1
        self.world.put(connection, "delivery", delivery_id, delivery)
        self._schedule(connection, delivery, self._answer_seconds_max + _pause_seconds(delivery))
        task = asyncio.get_running_loop().create_task(self._try(connection, delivery))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _try(self, connection: str, delivery: Body) -> None:
        sent = self._renew(connection, delivery)
        tried = delivery | {"status": await self.send(sent["url"], sent["body"], sent["headers"])}
        try:
            self.world.put(connection, "delivery", delivery["id"], tried)
            if self._wanted(tried):
                self._schedule(connection, tried, _pause_seconds(tried))
        except sqlite3.ProgrammingError:
            log.info("the world was closed before a webhook was answered; it is sent again after the next start")

    def _wanted(self, delivery: Body) -> bool:
        status = delivery["status"]
        return delivery["tries"] < self._tries_max and (status is None or self._again(status))

    async def send(self, url: str, body: str, headers: Mapping[str, str]) -> int:
        """Send it once, now: the answer's status, NO_ANSWER when none came."""
        sent = {"Content-Type": "application/json", **headers}
        try:
            return (await self._client.post(url, content=body, headers=sent)).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return NO_ANSWER


def _pause_seconds(delivery: Body) -> float:
    return RETRY_SECONDS_FIRST * float(2 ** (delivery["tries"] - 1))
