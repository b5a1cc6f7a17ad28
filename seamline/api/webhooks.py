"""The webhook door: what a vendor signs starts a process or is told to one; acknowledged once Temporal has it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from opentelemetry import trace
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from seamline import catalog
from seamline.api.door import Door, door_of
from seamline.api.problems import ApiError, documented, wrong_fields
from seamline.errors import Problem
from seamline.records.event import BadSignature, Delivery, Event, UnreadableEvent
from seamline.records.reference import check_reference
from seamline.settings_sources import variable
from seamline.telemetry import log_event

router = APIRouter(tags=["webhooks"])
TOPIC_LENGTH_MAX = 100
EVENTS_MAX = 1000
IGNORED_LENGTH_MAX = 500
log = logging.getLogger(__name__)


class Received(BaseModel):
    """What became of a webhook: the process it starts, those that were told of it, or why nothing was to be done."""

    model_config = ConfigDict(hide_input_in_errors=True)

    workflow_id: str | None = Field(default=None, examples=["order-to-shipment:shop-uk:5001"])
    started: bool = False
    told: tuple[str, ...] = Field(default=(), examples=[["order-to-shipment:shop-uk:5001"]])
    ignored: str | None = Field(default=None, examples=["no process wants products/update"])


@router.post(
    "/webhooks/{connection}",
    response_model=Received,
    response_model_exclude_none=True,
    summary="Take a vendor's webhook",
    description=(
        "Give this address to the vendor, with the connection's webhook secret. The signature is checked over the raw "
        "body. The same event may come any number of times: one process starts, and a running one is told once."
    ),
    responses=documented(400, 401, 404, 413, 503),
)
async def receive(connection: str, request: Request, door: Annotated[Door, Depends(door_of)]) -> Received | Response:
    """Verify, read, hand to Temporal, acknowledge."""
    try:
        received = [await _handed_on(connection, event, door) for event in await _events(connection, request, door)]
    except ApiError as error:
        if not _answered_without_body(connection, door):
            raise
        return Response(status_code=error.status, headers=error.headers)
    return Response() if _answered_without_body(connection, door) else _together(received)


def _answered_without_body(connection: str, door: Door) -> bool:
    """Whether the vendor takes an answer with a body for a wrong one."""
    known = door.settings.connections.get(connection)
    return known is not None and getattr(catalog.webhook_of(known.system), "ANSWERED_WITHOUT_BODY", False) is True


async def _handed_on(connection: str, event: Event, door: Door) -> Received:
    topic = event.topic[:TOPIC_LENGTH_MAX]
    told = {"seamline.connection": connection, "seamline.event": event.kind.value}
    trace.get_current_span().set_attributes(told)
    if not (catalog.starting_on(event.kind, door.processes) or catalog.hearing(event.kind, door.processes)):
        return Received(ignored=f"no process wants {topic}")
    if not (event.reference or event.external_id):
        return Received(ignored=f"this {topic} carries no reference of ours")
    try:
        reference = check_reference(event.reference or f"{connection}:{event.external_id}")
        done = await door.deliver(reference, event)
    except ValueError as error:
        raise wrong_fields([Problem(field="external id", reason=str(error))], 400) from None
    log_event(log, "webhook", connection=connection, kind=event.kind.value, **asdict(done))
    received = Received(workflow_id=done.workflow_id, started=done.started, told=done.told)
    if done.workflow_id or done.told:
        return received
    return Received(ignored=f"no process takes {topic} for this object: it ended, never started, or was told too much")


def _together(received: Sequence[Received]) -> Received:
    """One answer for all events of a delivery."""
    if len(received) == 1:
        return received[0]
    return Received(
        started=any(one.started for one in received),
        told=tuple(
            identity for one in received for identity in (*one.told, *((one.workflow_id,) if one.workflow_id else ()))
        ),
        ignored="; ".join(sorted({one.ignored for one in received if one.ignored}))[:IGNORED_LENGTH_MAX] or None,
    )


async def _events(connection: str, request: Request, door: Door) -> Sequence[Event]:
    """The events, verified and read; every copy has the same `delivery_id`: the reader's, or of the same bytes."""
    known = door.settings.connections.get(connection)
    webhook = catalog.webhook_of(known.system) if known else None
    if known is None or webhook is None:
        raise ApiError(404, "no connection of this name takes webhooks: correct the address at the vendor")
    if known.webhook_secret is None:
        setting = variable(["connections", connection, "webhook_secret"])
        log_event(log, "webhook refused: its secret is not set", logging.ERROR, connection=connection, setting=setting)
        raise ApiError(404, "no connection of this name takes webhooks: its webhook_secret is not set")
    body = await request.body()
    url = f"{door.settings.api.public_url.rstrip('/')}{request.url.path}" if door.settings.api.public_url else ""
    delivery = Delivery(url or str(request.url), dict(request.headers), dict(request.query_params), body)
    try:
        webhook.verify(known.webhook_secret.get_secret_value(), delivery)
        events = list(webhook.read(delivery))
    except BadSignature as error:
        log_event(log, "webhook refused: bad signature", logging.WARNING, connection=connection)
        raise ApiError(401, str(error)) from None
    except UnreadableEvent as error:
        log_event(log, "webhook refused: unreadable", logging.WARNING, connection=connection)
        raise ApiError(400, str(error)) from None
    if len(events) > EVENTS_MAX:
        raise ApiError(413, f"the body holds {len(events)} events: send {EVENTS_MAX} at most at once")
    return [
        event.model_copy(update={"delivery_id": event.delivery_id or _digest(event.topic, number, body)})
        for number, event in enumerate(events)
    ]


def _digest(topic: str, number: int, body: bytes) -> str:
    """The same for every copy of an event. The first's is made as for the only one."""
    place = str(number).encode() if number else b""
    return hashlib.sha256(topic.encode() + b"\n" + place + body).hexdigest()
