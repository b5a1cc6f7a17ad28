"""How Xero answers: its dates, its envelope, its refusals; and how it reads what it is asked."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from seamline.simulator.world import Body

SYSTEM = "xero"
CENT = Decimal("0.01")
AMOUNT_MAX = Decimal(10) ** 12
TEXT_LENGTH_MAX = 4_000
_MS_DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Invalid(Exception):
    """What Xero calls a validation exception: one message or more about one element."""

    def __init__(self, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


class Refused(Exception):
    """Any other answer that is no success."""

    def __init__(self, answer: Response) -> None:
        super().__init__(f"refused with {answer.status_code}")
        self.answer = answer


def not_found() -> Refused:
    """Xero's 404 is plain text."""
    return Refused(PlainTextResponse("The resource you're looking for cannot be found", 404))


def exception(number: int, kind: str, message: str) -> Response:
    """A 400 that is about the request and not about an element of it."""
    return JSONResponse({"ErrorNumber": number, "Type": kind, "Message": message}, 400)


def validation(elements: list[Body]) -> Response:
    """A 400 with the elements and what is wrong with each."""
    body = {"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred"}
    return JSONResponse({**body, "Elements": elements}, 400)


def unauthorised(detail: str, status: int = 401) -> Response:
    """A 401 or 403."""
    title = "Unauthorized" if status == 401 else "Forbidden"
    body: Body = {"Type": None, "Title": title, "Status": status, "Detail": detail}
    return JSONResponse(body | {"Instance": new_id(), "Extensions": {}}, status)


def envelope(name: str, items: list[Body], **more: Any) -> Body:
    """Items as every endpoint gives them."""
    moment = f"/Date({_milliseconds(datetime.now(UTC))})/"
    head = {"Id": new_id(), "Status": "OK", "ProviderName": "Simulated", "DateTimeUTC": moment}
    return {**head, **more, name: items}


def with_errors(element: Mapping[str, Any], messages: tuple[str, ...]) -> Body:
    """The element as it came, marked with what is wrong with it."""
    errors = [{"Message": message} for message in messages]
    return {**element, "HasErrors": True, "StatusAttributeString": "ERROR", "ValidationErrors": errors}


def new_id() -> str:
    """An id as Xero gives them."""
    return str(uuid.uuid4())


# -- times ---------------------------------------------------------------------------------------------------------


def stamp() -> str:
    """This moment, as it is stored."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def ms_time(stored: str) -> str:
    """A stored moment as Xero writes it."""
    return f"/Date({_milliseconds(datetime.fromisoformat(stored))}+0000)/"


def ms_date(stored: str) -> str:
    """A stored day as Xero writes it."""
    return f"/Date({_milliseconds(datetime.fromisoformat(stored).replace(tzinfo=UTC))}+0000)/"


def day_text(stored: str) -> str:
    """A day as Xero says it in its messages, `31-Jul-2026`."""
    return date.fromisoformat(stored).strftime("%d-%b-%Y")


def read_ms(text: str) -> datetime | None:
    """What Xero's way of writing a time means, None when it is no such text."""
    found = _MS_DATE.fullmatch(text)
    return _EPOCH + timedelta(milliseconds=int(found[1])) if found else None


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


# -- what is asked ---------------------------------------------------------------------------------------------------


def text(given: Mapping[str, Any], field: str, length_max: int = TEXT_LENGTH_MAX) -> str | None:
    """A field's text, None when it is not given."""
    value = given.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Invalid(f"{field} must be text")
    if len(value) > length_max:
        raise Invalid(f"The {field} field must not be longer than {length_max} characters")
    return value


def day(given: Mapping[str, Any], field: str) -> str | None:
    """A field's day as `2026-11-22`, None when it is not given."""
    value = text(given, field)
    if not value:
        return None
    moment = read_ms(value)
    if moment is not None:
        return moment.date().isoformat()
    try:
        return datetime.fromisoformat(value).date().isoformat()
    except ValueError:
        raise Invalid(f"{field} is not a valid date") from None


def number(given: Mapping[str, Any], field: str) -> Decimal | None:
    """A field's number, None when it is not given."""
    value = given.get(field)
    if value is None:
        return None
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        read = Decimal(str(value))
    except InvalidOperation:
        raise Invalid(f"{field} is not a valid number") from None
    if not read.is_finite() or abs(read) > AMOUNT_MAX:
        raise Invalid(f"{field} is not a valid number")
    return read


def part(given: Mapping[str, Any], field: str) -> Body:
    """A field's object, empty when it is not given."""
    value = given.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid(f"{field} must be an object")
    return value


def parts(given: Mapping[str, Any], field: str) -> list[Body]:
    """A field's objects."""
    value = given.get(field)
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Invalid(f"{field} must be a list of objects")
    return value


def cents(amount: Decimal) -> Decimal:
    """An amount rounded as Xero rounds, half away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)
