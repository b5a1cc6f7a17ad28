"""Shippo's wire models and our records, both ways. Pure and total: what does not fit raises Refusal naming fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from seamline.errors import Problem, Refusal
from seamline.records.address import Address
from seamline.records.money import Money
from seamline.records.parcel import (
    CheckedAddress,
    Label,
    LabelState,
    ParcelRequest,
    Quote,
    Rate,
    Tracking,
    TrackingState,
)
from seamline.records.reading import refusing
from seamline.systems.shippo import wire

S = TypeVar("S")

_STATES = {
    "WAITING": LabelState.QUEUED,
    "QUEUED": LabelState.QUEUED,
    "SUCCESS": LabelState.BOUGHT,
    "ERROR": LabelState.FAILED,
    "REFUNDED": LabelState.REFUNDED,
    "REFUNDPENDING": LabelState.REFUND_REQUESTED,
    "REFUNDREJECTED": LabelState.REFUND_REJECTED,
}
_REFUNDS = {
    "QUEUED": LabelState.REFUND_REQUESTED,
    "PENDING": LabelState.REFUND_REQUESTED,
    "SUCCESS": LabelState.REFUNDED,
    "ERROR": LabelState.REFUND_REJECTED,
}
_CARRIERS = {"evri_uk": "hermes_uk", "deutsche_post_dhl": "deutsche_post", "dhl_paket": "dhl_germany"}
"""Carriers whose code for tracking is not their name in small letters."""

_FIELDS = {
    "name": "name",
    "company": "company",
    "street1": "street1",
    "street2": "street2",
    "city": "city",
    "state": "region",
    "zip": "postcode",
    "country": "country",
    "phone": "phone",
    "email": "email",
}
"""Shippo's names of an address's fields, and ours."""

# Carriers say what is wrong in words of their own; the first that fits names the field.
_WORDS = (
    (re.compile(r"post(al)?[ _]?code|\bzip|postcode|ZIP4", re.I), "postcode"),
    (re.compile(r"street|thoroughfare|premise|house|\bbox\b|unit|address ?line|address not found", re.I), "street1"),
    (re.compile(r"\bcity\b|locality|town", re.I), "city"),
    (re.compile(r"\bstate\b|province|administrative|region", re.I), "region"),
    (re.compile(r"\bcountry\b", re.I), "country"),
    (re.compile(r"\bphone", re.I), "phone"),
    (re.compile(r"e-?mail", re.I), "email"),
    (re.compile(r"\bname\b|recipient", re.I), "name"),
)
_WEIGHT = re.compile(r"weight|\bkg\b|\blbs?\b|too heavy", re.I)


def address_out(address: Address) -> dict[str, str]:
    """The address in Shippo's names; empty fields are left out."""
    values = {theirs: str(getattr(address, ours)) for theirs, ours in _FIELDS.items()}
    return {name: value for name, value in values.items() if value or name == "country"}


def parcel_out(request: ParcelRequest, box: Mapping[str, float], empty_grams: int) -> dict[str, str]:
    """The parcel in centimetres and grams, the box's own weight added."""
    sides = {side: f"{box[side]:g}" for side in ("length", "width", "height")}
    return {**sides, "distance_unit": "cm", "weight": str(request.weight_grams + empty_grams), "mass_unit": "g"}


def checked_address(asked: Address, found: wire.Address) -> CheckedAddress:
    """The address as Shippo corrected it. Refusal `address-invalid` with a problem for each message."""
    results = found.validation_results or wire.ValidationResults()
    if results.is_valid is False:
        raise Refusal("address-invalid", _texts(results.messages), problems=_problems(results.messages, "", "street1"))
    corrected = {ours: getattr(found, theirs) or getattr(asked, ours) for theirs, ours in _FIELDS.items()}
    with refusing("unreadable-answer", "the address that Shippo answered does not fit"):
        return CheckedAddress.model_validate({"address": corrected, "residential": found.is_residential})


def quote(found: wire.Shipment) -> Quote:
    """The rates, in Shippo's order. Refusal `no-rates` with the carriers' reasons when there are none but messages."""
    if not found.rates and found.messages:
        raise Refusal("no-rates", _texts(found.messages), problems=_problems(found.messages, "address", "address"))
    return Quote(id=found.object_id, rates=tuple(rate(one) for one in found.rates))


def rate(found: wire.Rate) -> Rate:
    """A rate; the carrier is the code that its parcels are tracked by."""
    with refusing("unreadable-answer", "the rate that Shippo answered does not fit", "rates"):
        return Rate(
            id=found.object_id,
            carrier=carrier_code(found.provider),
            service=found.servicelevel.token,
            price=Money(amount=found.amount, currency=found.currency),
            days=found.estimated_days,
        )


def carrier_code(provider: str) -> str:
    """`royal_mail` of `Royal Mail`: what `GET /tracks/{carrier}` takes."""
    code = re.sub(r"[^a-z0-9]+", "_", provider.lower()).strip("_")
    return _CARRIERS.get(code, code)


def label(reference: str, found: wire.Transaction, at: Rate | None) -> Label:
    """The label; `at` is the rate it was bought at, where known. Metadata that is no key of ours is no key."""
    return Label(
        id=found.object_id,
        rate_id=found.rate or (at.id if at else ""),
        key=found.metadata if is_ours(reference, found) else "",
        state=label_state(found.status),
        carrier=at.carrier if at else "",
        service=at.service if at else "",
        tracking_number=found.tracking_number,
        tracking_page=found.tracking_url_provider,
        label_page=found.label_url,
        price=at.price if at else None,
    )


def is_ours(reference: str, found: wire.Transaction) -> bool:
    """Whether the label carries an effect key of this reference."""
    return found.metadata.startswith(f"{reference}/")


def label_state(status: str) -> LabelState:
    """Shippo's transaction status. Refusal `unknown-status` when it is new."""
    return _known(_STATES, status, "status")


def refund_state(found: wire.Refund) -> LabelState:
    """What a refund's status makes of its label."""
    return _known(_REFUNDS, found.status, "refund.status")


def not_sold(found: wire.Transaction) -> Refusal:
    """Why the carrier would not sell the label, by the fields of the request for it."""
    problems = _problems(found.messages, "parcel.address", "parcel")
    return Refusal("label-refused", _texts(found.messages), problems=problems)


def tracking(found: wire.Track) -> Tracking:
    """Where the parcel is; unknown until the carrier has seen it."""
    if found.tracking_status is None:
        return Tracking(state=TrackingState.UNKNOWN)
    states = {state.name: state for state in TrackingState}
    return Tracking(
        state=_known(states, found.tracking_status.status, "tracking_status.status"),
        at=found.tracking_status.status_date,
        detail=found.tracking_status.status_details,
    )


def error_problems(body: Any, place: str = "") -> list[Problem]:
    """What Shippo's 400 body says: `{"zip": ["..."]}`, nested by object, or `{"detail": "..."}`. Never raises."""
    if isinstance(body, str):
        return [Problem(field=place or "request", reason=body)]
    if isinstance(body, Mapping):
        parts: Iterable[Problem] = (
            problem for name, value in body.items() for problem in error_problems(value, _below(place, str(name)))
        )
        return list(parts)
    if isinstance(body, Sequence) and not isinstance(body, bytes):
        return [problem for value in body for problem in error_problems(value, place)]
    return []


def _below(place: str, name: str) -> str:
    if name in ("detail", "__all__", "non_field_errors", "error"):
        return place
    ours = {"address_to": "address", "address_from": "sender"}.get(name, _FIELDS.get(name, name))
    return f"{place}.{ours}" if place else ours


def _problems(messages: Sequence[wire.Message], place: str, otherwise: str) -> list[Problem]:
    found = [(_field(one, place, otherwise), one.text or one.code or "is refused") for one in messages]
    return [Problem(field=field, reason=text) for field, text in found or [(otherwise, "is refused without a reason")]]


def _field(message: wire.Message, place: str, otherwise: str) -> str:
    words = f"{message.code} {message.text}"
    for pattern, name in _WORDS:
        if pattern.search(words):
            return f"{place}.{name}" if place else name
    if place.startswith("parcel") and _WEIGHT.search(words):
        return "parcel.weight_grams"
    return otherwise


def _texts(messages: Sequence[wire.Message]) -> str:
    return "; ".join(one.text or one.code for one in messages)


def _known(states: Mapping[str, S], status: str, field: str) -> S:
    if status not in states:
        problem = Problem(field=field, reason="is a status that is not known here")
        raise Refusal("unknown-status", f"{field} is {status}", problems=[problem])
    return states[status]
