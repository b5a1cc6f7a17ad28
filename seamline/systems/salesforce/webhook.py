"""What a Flow of the organisation tells: is it signed with our secret, is it fresh, and what happened.

Salesforce has no signed webhooks of its own: the Flow signs as docs/salesforce.md says. The timestamp is signed too,
so that an old message cannot be sent again by somebody who overheard it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seamline.records.event import BadSignature, Delivery, Event, EventKind, UnreadableEvent
from seamline.systems.salesforce.ids import OPPORTUNITY, full_id

AGE_SECONDS_MAX = 300
_KINDS = {
    "opportunity-won": EventKind.DEAL_WON,
    "opportunity-reopened": EventKind.DEAL_REOPENED,
    "opportunity-changed": EventKind.DEAL_CHANGED,
}


class _Told(BaseModel):
    """The Flow's message."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    event: str = Field(min_length=1, max_length=80)
    id: str = Field(default="", max_length=18)


def verify(secret: str, delivery: Delivery) -> None:
    """Raise BadSignature unless `X-Seamline-Signature` fits timestamp and body, and the timestamp is fresh."""
    timestamp = delivery.headers.get("x-seamline-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdigit():
        raise BadSignature("the header X-Seamline-Timestamp is missing, or is not a number of seconds")
    given = delivery.headers.get("x-seamline-signature", "")
    if not given:
        raise BadSignature("the header X-Seamline-Signature is missing")
    right = hmac.new(secret.encode(), f"{timestamp}.".encode() + delivery.body, hashlib.sha256).digest()
    if not hmac.compare_digest(base64.b64encode(right), given.encode()):
        raise BadSignature("the header X-Seamline-Signature does not fit the timestamp, the body and our secret")
    if abs(time.time() - int(timestamp[:20])) > AGE_SECONDS_MAX:
        raise BadSignature(f"the header X-Seamline-Timestamp is more than {AGE_SECONDS_MAX} seconds from our clock")


def read(delivery: Delivery) -> Sequence[Event]:
    """The event; `external_id` is the opportunity's 18-character id. UnreadableEvent names what is missing."""
    try:
        told = _Told.model_validate_json(delivery.body)
    except ValidationError as error:
        places = [".".join(map(str, one["loc"])) or "body" for one in error.errors(include_input=False)]
        raise UnreadableEvent(f"{places[0]}: is not as the Flow writes it") from None
    kind = _KINDS.get(told.event, EventKind.OTHER)
    if kind is EventKind.OTHER:
        return (Event(kind=kind, topic=told.event),)
    deal = full_id(told.id)
    if not deal.startswith(OPPORTUNITY):
        raise UnreadableEvent("id: is not the id of an opportunity")
    return (Event(kind=kind, topic=told.event, external_id=deal),)
