"""Shippo's wire models and our records, both ways. Pure and total: what does not fit raises Refusal naming fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seamline.conversions import MONEY, TEXT, UNSET, always, by, codes
from seamline.errors import Problem, Refusal
from seamline.fields import LEFT_OUT, Field, FieldMapping, Way
from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.customs import Customs, CustomsLine
from seamline.records.parcel import (
    CheckedAddress,
    Label,
    LabelRequest,
    LabelState,
    ParcelRequest,
    Quote,
    Rate,
    Tracking,
    TrackingState,
)
from seamline.records.reference import reference_of
from seamline.systems.shippo import wire

EXEMPT_MAX = 2500
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


def checked_address(asked: Address, found: wire.Address) -> CheckedAddress:
    """The address as Shippo corrected it. Refusal `address-invalid` with a problem for each message."""
    results = found.validation_results or wire.ValidationResults()
    if results.is_valid is False:
        raise Refusal("address-invalid", _texts(results.messages), problems=_problems(results.messages, "", "street1"))
    return CHECKED.read(found, asked=asked)


def quote(found: wire.Shipment) -> Quote:
    """The rates, in Shippo's order. Refusal `no-rates` with the carriers' reasons when there are none but messages."""
    if not found.rates and found.messages:
        raise Refusal("no-rates", _texts(found.messages), problems=_problems(found.messages, "address", "address"))
    return QUOTE.read(found)


def carrier_code(provider: str) -> str:
    """The code that its parcels are tracked by: `royal_mail` of `Royal Mail`."""
    code = re.sub(r"[^a-z0-9]+", "_", provider.lower()).strip("_")
    return _CARRIERS.get(code, code)


def is_ours(reference: str, found: wire.Transaction) -> bool:
    """Whether the label carries an effect key of this reference."""
    return found.metadata.startswith(f"{reference}/")


def is_marked(found: wire.Transaction, marks: Sequence[str]) -> bool:
    """Whether others named the label in one of these ways: as a word, since `1001` is not in `21001`."""
    if reference_of(found.metadata):
        return False
    return any(re.search(rf"(?<![\w:-]){re.escape(mark)}(?![\w:-])", found.metadata) for mark in marks)


def not_sold(found: wire.Transaction) -> Refusal:
    """Why the carrier would not sell the label, by the fields of the request for it."""
    problems = _problems(found.messages, "parcel.address", "parcel")
    return Refusal("label-refused", _texts(found.messages), problems=problems)


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


def _own_key(metadata: str, reference: str) -> str:
    """The metadata, where it is an effect key of this reference."""
    return metadata if metadata.startswith(f"{reference}/") else ""


def _corrected(found: str | None, asked: str) -> str:
    """As Shippo corrected it, else as asked."""
    return found or asked


def _known_rate(rate: str | None, at: str | None) -> str:
    """The rate that it was bought at, as far as is known."""
    return rate or at or ""


def _centimetres(side: float) -> str:
    """In centimetres, as text."""
    return f"{side:g}"


def _weight(goods: int, box: int) -> str:
    """The goods and the box, in grams, as text."""
    return str(goods + box)


def _contents(returned: bool) -> str:
    """RETURN_MERCHANDISE of what goes back to who sold it, else MERCHANDISE."""
    return "RETURN_MERCHANDISE" if returned else "MERCHANDISE"


def _incoterm(incoterm: str) -> str:
    """DDU for DAP: Shippo takes that of some carriers only, and says that DDU is the same."""
    return "DDU" if incoterm == "DAP" else incoterm


def _exemption(lines: Sequence[CustomsLine], sender: str, country: str) -> Any:
    """Of parcels from the United States, whose goods of one kind are worth at most 2,500 dollars."""
    if sender != "US" or any(one.value.currency != "USD" or one.value.amount > EXEMPT_MAX for one in lines):
        return UNSET
    return "NOEEI_30_36" if country == "CA" else "NOEEI_30_37_a"


def _grams(grams: int) -> str:
    """In grams, as text."""
    return str(grams)


class Refunded(Record):
    """What a refund makes of its label."""

    state: LabelState


ADDRESS = FieldMapping(
    "Shippo",
    Address,
    "Address",
    (
        Field("name", "name", TEXT),
        Field("company", "company", TEXT),
        Field("street1", "street1", TEXT),
        Field("street2", "street2", TEXT),
        Field("city", "city", TEXT),
        Field("state", "region", TEXT),
        Field("zip", "postcode", TEXT),
        Field("country", "country", TEXT),
        Field("phone", "phone", TEXT),
        Field("email", "email", TEXT),
    ),
    way=Way.WRITE,
    wire=wire.Address,
    empty=LEFT_OUT,
)
CHECKED = FieldMapping(
    "Shippo",
    CheckedAddress,
    "Address",
    (
        *(
            Field((str(one.theirs), f"$asked.{one.ours}"), f"address.{one.ours}", by(_corrected, takes_none=True))
            for one in ADDRESS.fields
        ),
        Field("is_residential", "residential"),
    ),
    way=Way.READ,
    wire=wire.Address,
)
PARCEL = FieldMapping(
    "Shippo",
    ParcelRequest,
    "Parcel",
    (
        Field("length", "$box.length_cm", by(write=_centimetres)),
        Field("width", "$box.width_cm", by(write=_centimetres)),
        Field("height", "$box.height_cm", by(write=_centimetres)),
        Field("distance_unit", (), always("cm")),
        Field("weight", ("weight_grams", "$box.empty_grams"), by(write=_weight)),
        Field("mass_unit", (), always("g")),
    ),
    way=Way.WRITE,
)
CUSTOMS_ITEM = FieldMapping(
    "Shippo",
    CustomsLine,
    "CustomsItem",
    (
        Field("description", "description"),
        Field("sku_code", "sku", TEXT),
        Field("tariff_number", "hs_code"),
        Field("origin_country", "origin"),
        Field("quantity", "quantity"),
        Field(("value_amount", "value_currency"), "value", MONEY, "of all pieces"),
        Field("net_weight", "weight_grams", by(write=_grams), "of all pieces"),
        Field("mass_unit", (), always("g")),
    ),
    way=Way.WRITE,
    empty=LEFT_OUT,
)
CUSTOMS = FieldMapping(
    "Shippo",
    Customs,
    "CustomsDeclaration",
    (
        Field("contents_type", "returned", by(write=_contents)),
        Field("non_delivery_option", (), always("RETURN"), "the sender gets back what cannot be delivered"),
        Field("certify", (), always(True)),
        Field("certify_signer", "$signer"),
        Field("incoterm", "incoterm", by(write=_incoterm)),
        Field("eel_pfc", ("lines", "$sender", "$country"), by(write=_exemption)),
        Field("items", "lines", each=CUSTOMS_ITEM),
        Field("metadata", "$key", fact="effect key"),
    ),
    way=Way.WRITE,
    empty=LEFT_OUT,
)
RATE = FieldMapping(
    "Shippo",
    Rate,
    "Rate",
    (
        Field("object_id", "id"),
        Field("provider", "carrier", by(carrier_code)),
        Field("servicelevel.token", "service"),
        Field(("amount", "currency"), "price", MONEY),
        Field("estimated_days", "days"),
    ),
    way=Way.READ,
    wire=wire.Rate,
)
QUOTE = FieldMapping(
    "Shippo",
    Quote,
    "Shipment",
    (Field("object_id", "id"), Field("rates", "rates", each=RATE)),
    way=Way.READ,
    wire=wire.Shipment,
)
LABEL_REQUEST = FieldMapping(
    "Shippo",
    LabelRequest,
    "Transaction",
    (
        Field("rate", "rate.id"),
        Field("metadata", "$key", fact="effect key"),
        Field("async", (), always(True), "the carrier makes the label later"),
    ),
    way=Way.WRITE,
)
LABEL = FieldMapping(
    "Shippo",
    Label,
    "Transaction",
    (
        Field("object_id", "id"),
        Field(("rate", "$at.id"), "rate_id", by(_known_rate, takes_none=True)),
        Field(("metadata", "$reference"), "key", by(_own_key), fact="effect key"),
        Field("status", "state", codes(_STATES)),
        Field("$at.carrier", "carrier", rule="of the rate, where that is known"),
        Field("$at.service", "service", rule="of the rate, where that is known"),
        Field("tracking_number", "tracking_number"),
        Field("tracking_url_provider", "tracking_page"),
        Field("label_url", "label_page"),
        Field("$at.price", "price", rule="of the rate, where that is known"),
    ),
    way=Way.READ,
    wire=wire.Transaction,
)
REFUND = FieldMapping(
    "Shippo", Refunded, "Refund", (Field("status", "state", codes(_REFUNDS)),), way=Way.READ, wire=wire.Refund
)
TRACKING = FieldMapping(
    "Shippo",
    Tracking,
    "Track",
    (
        Field(
            "tracking_status.status",
            "state",
            codes({state.name: state for state in TrackingState}),
            "unknown while the carrier has not seen it",
        ),
        Field("tracking_status.status_date", "at"),
        Field("tracking_status.status_details", "detail"),
        Field("tracking_status.substatus.code", "substate", TEXT),
    ),
    way=Way.READ,
    wire=wire.Track,
)
MAPPINGS: tuple[FieldMapping[Any], ...] = (
    ADDRESS,
    CHECKED,
    PARCEL,
    CUSTOMS,
    CUSTOMS_ITEM,
    QUOTE,
    RATE,
    LABEL_REQUEST,
    LABEL,
    REFUND,
    TRACKING,
)
_FIELDS = {str(one.theirs): str(one.ours) for one in ADDRESS.fields} | {
    "items": "customs.lines",
    "tariff_number": "hs_code",
    "origin_country": "origin",
    "value_amount": "value",
    "net_weight": "weight_grams",
}
