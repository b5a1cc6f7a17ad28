"""Values of the simulated ERP: from the wire, to the wire, and compared as a search does."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from seamline.simulator.tryton_models import Field, Kind

OPERATORS = frozenset(
    ("=", "!=", "in", "not in", "like", "not like", "ilike", "not ilike", "<", ">", "<=", ">=", "where", "not where")
)


class UserError(Exception):
    """What Tryton tells its user: answered with 400."""


class Defect(Exception):
    """What makes the real server raise: an unknown field, a wrong type. Answered with 500 and HTML."""


def split_reference(text: str) -> tuple[str, int]:
    """Model and id of a reference such as `sale.line,12`."""
    model, _, number = text.partition(",")
    return model, int(number)


def created(commands: Any) -> list[Any]:
    """The records of the command `create`: `[["create", [{...}, {...}]]]`."""
    if not isinstance(commands, list) or not all(isinstance(one, list) and one[:1] == ["create"] for one in commands):
        raise Defect("a list is written by commands such as create")
    records = [record for one in commands for record in (one[1] if len(one) == 2 else [])]
    if not all(isinstance(record, dict) for record in records):
        raise Defect("create takes objects of fields")
    return records


def added(commands: Any) -> list[int]:
    """The ids of the command `add`: `[["add", [1, 2]]]`."""
    if not isinstance(commands, list) or not all(isinstance(one, list) and one[:1] == ["add"] for one in commands):
        raise Defect("links are written by commands such as add")
    ids = [number for one in commands for number in (one[1] if len(one) == 2 else [])]
    if not all(isinstance(number, int) for number in ids):
        raise Defect("add takes ids")
    return ids


def stored(field: Field, value: Any) -> Any:
    """A value from the wire as it is stored. Defect when it is of the wrong type."""
    if value is None:
        return None
    match field.kind, value:
        case Kind.NUMERIC, Decimal() if value.is_finite():
            return str(value)
        case Kind.DATE, date() if not isinstance(value, datetime):
            return value.isoformat()
        case Kind.FLOAT, bool():
            pass
        case Kind.FLOAT, int() | float():
            return float(value)
        case Kind.BOOLEAN, bool():
            return value
        case Kind.MANY2ONE | Kind.INTEGER, int() if not isinstance(value, bool):
            return value
        case Kind.CHAR | Kind.SELECTION | Kind.REFERENCE, str():
            return value
    raise Defect(f"TypeError: {field.label} takes {field.kind.value}")


def outward(field: Field, value: Any) -> Any:
    """A stored value as the wire shows it."""
    if value is None:
        return None
    if field.kind is Kind.NUMERIC or isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if field.kind is Kind.DATE:
        day = date.fromisoformat(value)
        return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}
    if field.kind is Kind.DATETIME:
        at = datetime.fromisoformat(value)
        parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return {"__class__": "datetime"} | {part: getattr(at, part) for part in parts}
    return value


def comparable(field: Field, value: Any) -> Any:
    """A stored value as it is compared."""
    return Decimal(value) if field.kind is Kind.NUMERIC and value is not None else value


def wanted_as_stored(field: Field, value: Any) -> Any:
    """A clause's value from the wire, to compare stored values with."""
    if isinstance(value, list):
        return [wanted_as_stored(field, one) for one in value]
    if field.kind in (Kind.DATE, Kind.DATETIME) and isinstance(value, date):
        return value.isoformat()
    return value


def compare(value: Any, operator: str, wanted: Any) -> bool:
    """Whether a clause holds. Defect for a value that the operator cannot take."""
    if operator in ("in", "not in"):
        if not isinstance(wanted, list):
            raise Defect(f"{operator} takes a list")
        return (value in wanted) is (operator == "in")
    if operator in ("=", "!="):
        return (value == wanted) is (operator == "=")
    if operator.removeprefix("not ") in ("like", "ilike"):
        if not isinstance(wanted, str):
            raise Defect(f"{operator} takes a text")
        pattern = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in wanted)
        flags = re.DOTALL | (re.IGNORECASE if "ilike" in operator else 0)
        return (value is not None and re.fullmatch(pattern, str(value), flags) is not None) is not operator.startswith(
            "not"
        )
    if value is None or wanted is None:
        return False
    try:
        return bool({"<": value < wanted, ">": value > wanted, "<=": value <= wanted, ">=": value >= wanted}[operator])
    except TypeError as error:
        raise Defect(str(error)) from None
