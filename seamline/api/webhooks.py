"""The webhook door: what a vendor signs starts a process or is told to one; acknowledged once Temporal has it."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from seamline import catalog
from seamline.api.door import Door, door_of
from seamline.api.problems import ApiError, documented, wrong_fields
from seamline.errors import Problem
from seamline.records.event import BadSignature, Event, UnreadableEvent
from seamline.records.reference import check_reference
from seamline.settings import variable
from seamline.telemetry import log_event

router = APIRouter(tags=["webhooks"])
TOPIC_LENGTH_MAX = 100
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
async def receive(connection: str, request: Request, door: Annotated[Door, Depends(door_of)]) -> Received:
    """Verify, read, hand to Temporal, acknowledge."""
    event = await _event(connection, request, door)
    topic = event.topic[:TOPIC_LENGTH_MAX]
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


async def _event(connection: str, request: Request, door: Door) -> Event:
    """The event, verified and read; every copy of the same bytes has the same `delivery_id`."""
    known = door.settings.connections.get(connection)
    webhook = catalog.webhook_of(known.system) if known else None
    if known is None or webhook is None:
        raise ApiError(404, "no connection of this name takes webhooks: correct the address at the vendor")
    if known.webhook_secret is None:
        setting = variable(["connections", connection, "webhook_secret"])
        log_event(log, "webhook refused: its secret is not set", logging.ERROR, connection=connection, setting=setting)
        raise ApiError(404, "no connection of this name takes webhooks: its webhook_secret is not set")
    body = await request.body()
    headers, query = dict(request.headers), dict(request.query_params)
    try:
        webhook.verify(known.webhook_secret.get_secret_value(), headers, query, body)
        event = webhook.read(headers, body)
    except BadSignature as error:
        log_event(log, "webhook refused: bad signature", logging.WARNING, connection=connection)
        raise ApiError(401, str(error)) from None
    except UnreadableEvent as error:
        log_event(log, "webhook refused: unreadable", logging.WARNING, connection=connection)
        raise ApiError(400, str(error)) from None
    digest = hashlib.sha256(event.topic.encode() + b"\n" + body).hexdigest()
    return event.model_copy(update={"delivery_id": digest})
