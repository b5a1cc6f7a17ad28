"""HubSpot's search: filters joined by AND in a group, groups by OR, in pages; it may lag behind what was written.

Source: https://developers.hubspot.com/docs/api-reference/search/guide. Of the operators EQ, IN, HAS_PROPERTY and
NOT_HAS_PROPERTY are known here.
"""

from __future__ import annotations

from typing import Any

from seamline.simulator.hubspot_answers import Refused
from seamline.simulator.hubspot_properties import PROPERTIES
from seamline.simulator.hubspot_records import Records, as_of, shown
from seamline.simulator.world import Body

PAGE_SIZE_MAX = 200
PAGE_SIZE_DEFAULT = 10
LIST_PAGE_SIZE_MAX = 100
FOUND_MAX = 10_000
GROUPS_MAX = 5
FILTERS_MAX = 6
OPERATORS = ("EQ", "IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY")


def search(records: Records, kind: str, body: Body, *, lag_seconds: float, blind: bool) -> Body:
    """One page of what the filters find."""
    groups = _groups(kind, body)
    limit = _limit(body.get("limit", PAGE_SIZE_DEFAULT), PAGE_SIZE_MAX)
    after = _after(body.get("after"))
    if after + limit > FOUND_MAX:
        raise _wrong(f"paging beyond {FOUND_MAX} results is not possible")
    seen = [] if blind else [old for one in records.all(kind) if (old := as_of(one, lag_seconds))]
    found = [one for one in seen if not groups or any(_fits(one, group) for group in groups)]
    wanted = body.get("properties") or []
    page = [shown(one, wanted if isinstance(wanted, list) else []) for one in found[after : after + limit]]
    return {"total": len(found), "results": page} | _paging(after + limit, len(found))


def listed(found: list[Body], limit: str | None, after: str | None, wanted: list[str]) -> Body:
    """One page of a plain list. `after` is the id of its first object."""
    size, start = _limit(limit or PAGE_SIZE_DEFAULT, LIST_PAGE_SIZE_MAX), _after(after)
    rest = [one for one in found if int(one["id"]) >= start]
    answer: Body = {"results": [shown(one, wanted) for one in rest[:size]]}
    return answer | ({"paging": {"next": {"after": rest[size]["id"]}}} if size < len(rest) else {})


def _paging(end: int, count: int) -> Body:
    return {"paging": {"next": {"after": str(end)}}} if end < count else {}


def _groups(kind: str, body: Body) -> list[list[Body]]:
    given = body.get("filterGroups") or []
    if not isinstance(given, list) or len(given) > GROUPS_MAX:
        raise _wrong(f"filterGroups must be a list of at most {GROUPS_MAX}")
    groups = [one.get("filters") if isinstance(one, dict) else None for one in given]
    for group in groups:
        if not isinstance(group, list) or not group or len(group) > FILTERS_MAX:
            raise _wrong(f"filters must be a list of 1 to {FILTERS_MAX}")
        for one in group:
            _check(kind, one)
    return [group for group in groups if group]


def _check(kind: str, one: Any) -> None:
    if not isinstance(one, dict) or one.get("propertyName") not in PROPERTIES[kind]:
        raise _wrong("propertyName: there is no such property")
    if one.get("operator") not in OPERATORS:
        raise _wrong(f"operator: must be one of {', '.join(OPERATORS)}")
    if one["operator"] == "EQ" and not isinstance(one.get("value"), str):
        raise _wrong("value: EQ needs a text")
    values = one.get("values")
    if one["operator"] == "IN" and not (
        isinstance(values, list) and values and all(isinstance(v, str) for v in values)
    ):
        raise _wrong("values: IN needs a list of texts")


def _fits(record: Body, group: list[Body]) -> bool:
    return all(_meets(record["properties"].get(one["propertyName"]) or "", one) for one in group)


def _meets(value: str, one: Body) -> bool:
    """Whether a value passes a filter. Texts are compared without case; values for IN must be in lower case."""
    match one["operator"]:
        case "EQ":
            return value.lower() == str(one["value"]).lower()
        case "IN":
            return value.lower() in one["values"]
        case "HAS_PROPERTY":
            return bool(value)
        case _:
            return not value


def _limit(given: Any, most: int) -> int:
    if not str(given).isdigit() or not 1 <= int(given) <= most:
        raise _wrong(f"limit: must be 1 to {most}")
    return int(given)


def _after(given: Any) -> int:
    if given in (None, ""):
        return 0
    if not str(given).isdigit():
        raise _wrong("after: must be what the page before said")
    return int(given)


def _wrong(text: str) -> Refused:
    return Refused(400, "VALIDATION_ERROR", f"There was a problem with the request: {text}")
