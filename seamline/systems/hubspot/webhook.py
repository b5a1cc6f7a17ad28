"""HubSpot's webhooks: are they signed with our secret and of these minutes, and what do they tell.

The signature covers method, address, body and time. The address is the one that HubSpot calls: behind a proxy the
setting `api.public_url` says it. An event names HubSpot's own object, and nothing of ours.
Source: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from seamline.records.event import BadSignature, Delivery, Event, EventKind, UnreadableEvent

AGE_SECONDS_MAX = 300
_SIGNATURE, _TIME = "X-HubSpot-Signature-v3", "X-HubSpot-Request-Timestamp"
_OPTED_OUT = "hs_email_optout"


def verify(secret: str, delivery: Delivery) -> None:
    """Raise BadSignature unless the signature fits and the time it covers is at most five minutes away."""
    given, timestamp = (delivery.headers.get(name.lower(), "") for name in (_SIGNATURE, _TIME))
    if not (given and timestamp):
        raise BadSignature(f"the header {_TIME if given else _SIGNATURE} is missing")
    told = b"".join((b"POST", delivery.url.encode(), delivery.body, timestamp.encode()))
    right = base64.b64encode(hmac.new(secret.encode(), told, hashlib.sha256).digest())
    if not hmac.compare_digest(right, given.encode()):
        raise BadSignature(f"the header {_SIGNATURE} does not fit the address, the body and our secret")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp) / 1000) > AGE_SECONDS_MAX:
        raise BadSignature(f"the header {_TIME} is not of the last {AGE_SECONDS_MAX // 60} minutes")


def read(delivery: Delivery) -> Sequence[Event]:
    """The events of the list. UnreadableEvent names what is missing."""
    try:
        events = json.loads(delivery.body)
    except (ValueError, RecursionError):
        raise UnreadableEvent("the body is not JSON") from None
    if not isinstance(events, list):
        raise UnreadableEvent("the body is not a list of events")
    return [_event(f"{place}.", one) for place, one in enumerate(events)]


def _event(place: str, one: Any) -> Event:
    topic = one.get("subscriptionType") if isinstance(one, dict) else None
    if not isinstance(topic, str):
        raise UnreadableEvent(f"{place}subscriptionType: is missing or not a text")
    if not _tells_of_consent(topic, one):
        return Event(kind=EventKind.OTHER, topic=topic)
    number = one.get("objectId")
    if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
        raise UnreadableEvent(f"{place}objectId: is missing or not a number")
    return Event(kind=EventKind.CONSENT_CHANGED, topic=topic, external_id=str(number), delivery_id=_identity(one))


def _tells_of_consent(topic: str, one: Mapping[str, Any]) -> bool:
    return topic == "contact.privacyDeletion" or (
        topic == "contact.propertyChange" and one.get("propertyName") == _OPTED_OUT
    )


def _identity(one: Mapping[str, Any]) -> str:
    """The same at each try, though the number of the attempt differs."""
    told = ":".join(str(one.get(name)) for name in ("subscriptionId", "eventId", "occurredAt", "objectId"))
    return hashlib.sha256(told.encode()).hexdigest()
