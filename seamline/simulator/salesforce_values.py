"""How Salesforce takes and refuses the values of fields, with its own error codes and words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from starlette.responses import JSONResponse, Response

from seamline.simulator.salesforce_ids import full_id
from seamline.simulator.salesforce_objects import BY_PREFIX, SECONDS_FORMAT, TYPES, Field, ObjectType

NUMBER_DIGITS_MAX = 18
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")


class Problem(Exception):
    """What Salesforce answers with an error: a status, and a list of {errorCode, message, fields}."""

    def __init__(self, code: str, message: str, fields: Iterable[str] | None = None, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        error: dict[str, Any] = {"message": message, "errorCode": code}
        self.body: list[Any] = [error if fields is None else error | {"fields": list(fields)}]

    def response(self) -> Response:
        """The error as an answer of its own."""
        return JSONResponse(self.body, self.status)


class MultipleChoices(Problem):
    """More than one record has the external id: the addresses of all."""

    def __init__(self, addresses: list[str]) -> None:
        super().__init__("MULTIPLE_CHOICES", "", status=300)
        self.body = list(addresses)


def object_type(name: str) -> ObjectType:
    """The object type of this name, in Salesforce's capitals or not."""
    found = next((one for one in TYPES.values() if one.name.lower() == name.lower()), None)
    if found is None:
        raise Problem("NOT_FOUND", "The requested resource does not exist", status=404)
    return found


def checked_id(text: str, kind: ObjectType) -> str:
    """The 18-character id of a record of this type, as an address names it. 404 where it is none."""
    try:
        record_id = full_id(text)
    except ValueError:
        raise Problem("NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + text[:18],
                      status=404) from None  # fmt: skip
    if BY_PREFIX.get(record_id[:3]) is not kind:
        raise Problem("NOT_FOUND", "The requested resource does not exist", status=404)
    return record_id


def taken(field: Field, value: Any) -> Any:
    """The value as it is kept. Problem where the field cannot take it."""
    if value is None or value == "":
        return False if field.type == "boolean" else None
    match field.type:
        case "boolean":
            if not isinstance(value, bool):
                raise _not_deserialised(field, value)
            return value
        case "currency" | "double" | "percent":
            return _number(field, value)
        case "date":
            return _date(field, value)
        case "reference":
            return _reference(field, value)
        case _:
            return _text(field, value)


def _number(field: Field, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _not_deserialised(field, value)
    number = Decimal(str(value)).quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
    if not number.is_finite() or number.adjusted() + field.scale >= NUMBER_DIGITS_MAX:
        raise Problem(
            "NUMBER_OUTSIDE_VALID_RANGE", f"{field.name}: value outside of valid range on numeric field: {value}",
            [field.name],
        )  # fmt: skip
    return float(number)


def _date(field: Field, value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise _not_deserialised(field, value) from None


def _reference(field: Field, value: Any) -> str:
    try:
        record_id = full_id(value)
    except (TypeError, ValueError):
        raise _malformed_id(field, value) from None
    kind = BY_PREFIX.get(record_id[:3])
    if kind is None or kind.name not in field.refers_to:
        raise _malformed_id(field, value)
    return record_id


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _not_deserialised(field, value)
    if field.type == "email" and not EMAIL.fullmatch(value):
        raise Problem("INVALID_EMAIL_ADDRESS", f"{field.name}: invalid email address: {value}", [field.name])
    if field.values and value not in field.values:
        text = f"{field.name}: bad value for restricted picklist field: {value}"
        raise Problem("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, [field.name])
    if len(value) > field.length:
        text = f"{field.name}: data value too large: {value} (max length={field.length})"
        raise Problem("STRING_TOO_LONG", text, [field.name])
    return value


def _malformed_id(field: Field, value: Any) -> Problem:
    label = field.name.removesuffix("__c").removesuffix("Id").replace("_", " ")
    return Problem("MALFORMED_ID", f"{label} ID: id value of incorrect type: {value}", [field.name])


def _not_deserialised(field: Field, value: Any) -> Problem:
    kind = "VALUE_STRING" if isinstance(value, str) else "VALUE_NUMBER" if isinstance(value, int | float) else "START"
    text = f"Cannot deserialize instance of {field.type} from {kind} value {value} or request may be missing a required"
    return Problem("JSON_PARSER_ERROR", f"{text} field at [line:1, column:2]")


def seconds_text(at: datetime) -> str:
    """A record's time as Salesforce writes it."""
    return at.astimezone(UTC).strftime(SECONDS_FORMAT)
