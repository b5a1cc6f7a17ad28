"""The shape of what Shippo answers (API version 2018-02-08). Only what is read here.

Source: https://docs.goshippo.com/shippoapi/public-api
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

API_VERSION = "2018-02-08"
METADATA_LENGTH_MAX = 100
PAGE_SIZE_MAX = 100
OBJECT_ID = re.compile(r"[0-9a-f]{32}")
"""What Shippo's own ids look like."""

T = TypeVar("T")


def _empty_for_none(value: Any) -> Any:
    return "" if value is None else value


Text = Annotated[str, BeforeValidator(_empty_for_none)]
"""Shippo writes null and "" for the same thing."""
Amount = Annotated[Decimal, Field(max_digits=18, decimal_places=4, allow_inf_nan=False)]


class Wire(BaseModel):
    """Base of all that comes back; unknown fields ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Message(Wire):
    """What Shippo or a carrier says of an object."""

    source: Text = ""
    code: Text = ""
    text: Text = ""
    type: Text = ""


class ValidationResults(Wire):
    """Whether the address exists. `is_valid` is null for countries that Shippo cannot check."""

    is_valid: bool | None = None
    messages: tuple[Message, ...] = ()


class Address(Wire):
    """An address as Shippo keeps it, after validation."""

    name: Text = ""
    company: Text = ""
    street1: Text = ""
    street2: Text = ""
    city: Text = ""
    state: Text = ""
    zip: Text = ""
    country: Text = ""
    phone: Text = ""
    email: Text = ""
    is_residential: bool | None = None
    validation_results: ValidationResults | None = None


class ServiceLevel(Wire):
    """A carrier's service."""

    name: Text = ""
    token: Text = ""


class Rate(Wire):
    """What a carrier asks for a shipment. `test` says that a label at this rate ships nothing."""

    object_id: str = Field(min_length=1)
    amount: Amount
    currency: str
    provider: Text = ""
    servicelevel: ServiceLevel = ServiceLevel()
    estimated_days: int | None = None
    test: bool | None = None


class Shipment(Wire):
    """A shipment with its rates. `messages` says which carriers gave none, and why."""

    object_id: str = Field(min_length=1)
    rates: tuple[Rate, ...] = ()
    messages: tuple[Message, ...] = ()


class CustomsDeclaration(Wire):
    """What customs are told of a shipment."""

    object_id: str = Field(min_length=1)


class Transaction(Wire):
    """A label bought or being bought."""

    object_id: str = Field(min_length=1)
    status: str
    rate: Text = ""
    metadata: Text = ""
    tracking_number: Text = ""
    tracking_url_provider: Text = ""
    label_url: Text = ""
    messages: tuple[Message, ...] = ()
    object_created: datetime | None = None


class Refund(Wire):
    """A refund: QUEUED, PENDING, SUCCESS or ERROR."""

    object_id: str = Field(min_length=1)
    status: str


class Page(Wire, Generic[T]):
    """One page of a list. `next` is empty on the last."""

    next: Text = ""
    results: tuple[T, ...] = ()


class Substatus(Wire):
    """What happened, more finely."""

    code: Text = ""


class TrackingStatus(Wire):
    """The carrier's last word."""

    status: str
    substatus: Substatus | None = None
    status_details: Text = ""
    status_date: datetime | None = None


class Track(Wire):
    """Where a parcel is; no status while the carrier has not seen it."""

    tracking_status: TrackingStatus | None = None
