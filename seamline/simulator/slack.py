"""Slack's incoming webhooks: one channel for each connection, and everything that was written in it.

The address is `/slack/{connection}/services/T0SIMULATED/B0SIMULATED/slack-test-<connection>`. One operation: `post`.
The effect `tell-team` has the message's number as object; a message carries neither reference nor key. Answers are
plain texts, as Slack documents them: `ok`, or 400 invalid_payload, 400 no_text, 403 invalid_token, 404 no_service,
410 channel_is_archived, 429 with `Retry-After`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse, Response

from seamline.simulator.faults import FaultKind, Injected
from seamline.simulator.vendor import Vendor, read_json
from seamline.simulator.world import THROTTLE_SECONDS_DEFAULT, Body, Call, World, now

SYSTEM = "slack"
MESSAGE = "message"
TEXT_LENGTH_MAX = 40_000


def vendor(world: World) -> Vendor:
    """Slack, on this world."""
    router = APIRouter()

    @router.post("/services/{workspace}/{service}/{token}")
    async def post(connection: str, workspace: str, service: str, token: str, request: Request) -> Response:
        async with world.call(connection, SYSTEM, "post") as call:
            error = _error(call, f"{workspace}/{service}", token) or _take(call, await read_json(request))
            if error is None:
                return PlainTextResponse("ok")
            status, text = error
            call.outcome = "unauthorised" if status in (403, 404) else "refused"
            return PlainTextResponse(text, status)

    return Vendor(system=SYSTEM, router=router, render=render, control=_control(world))


def render(injected: Injected) -> Response:
    """An injected fault as Slack would answer it."""
    fault = injected.fault
    if fault.kind is FaultKind.THROTTLE:
        seconds = THROTTLE_SECONDS_DEFAULT if fault.delay_seconds is None else fault.delay_seconds
        return PlainTextResponse("rate_limited", 429, headers={"Retry-After": f"{seconds:.0f}"})
    if fault.kind is FaultKind.REFUSE:
        return PlainTextResponse("action_prohibited", 403)
    texts = {403: "action_prohibited", 404: "channel_not_found", 410: "channel_is_archived"}
    status = fault.status or 503
    return PlainTextResponse(texts.get(status, "rollup_error"), status)


def messages(world: World, connection: str | None) -> list[Body]:
    """What was written, oldest first, everywhere or in one channel."""
    channels = [name for name, system in world.connections().items() if system == SYSTEM]
    found = [one for name in channels if connection in (None, name) for one in world.find(name, MESSAGE)]
    return sorted(found, key=lambda one: str(one["at"]))


def _control(world: World) -> APIRouter:
    routes = APIRouter()

    @routes.get("/messages")
    async def written(connection: Annotated[str | None, Query(max_length=31)] = None) -> list[dict[str, Any]]:
        return messages(world, connection)

    return routes


def _error(call: Call, address: str, token: str) -> tuple[int, str] | None:
    if address != "T0SIMULATED/B0SIMULATED":
        return 404, "no_service"
    return None if token == f"slack-test-{call.connection}" else (403, "invalid_token")


def _take(call: Call, body: Body | None) -> tuple[int, str] | None:
    text = None if body is None else body.get("text")
    if body is None or not isinstance(text, str | None):
        return 400, "invalid_payload"
    if not text:
        return 400, "no_text"
    world, number = call.world, str(call.world.next_id(call.connection, MESSAGE))
    message = {"id": number, "connection": call.connection, "at": now().isoformat(), "text": text[:TEXT_LENGTH_MAX]}
    with world.transaction():
        world.put(call.connection, MESSAGE, number, message)
        call.effect("tell-team", object_id=number)
    return None
