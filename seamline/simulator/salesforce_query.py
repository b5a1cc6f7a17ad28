"""Answers SOQL from an organisation's records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from seamline.simulator.salesforce_ids import full_id
from seamline.simulator.salesforce_objects import TYPES, Field, ObjectType
from seamline.simulator.salesforce_records import Records
from seamline.simulator.salesforce_soql import Literal, Query, Test
from seamline.simulator.salesforce_values import Problem
from seamline.simulator.world import Body

PATH_LENGTH_MAX = 5
LOCATOR_PREFIX = "01gSm0000"
_LOCATOR = re.compile(rf"(?P<id>{LOCATOR_PREFIX}\d{{9}})-(?P<start>\d{{1,9}})")
_WRITTEN = {
    "boolean": "boolean",
    "currency": "number",
    "double": "number",
    "percent": "number",
    "date": "date",
    "datetime": "datetime",
}
"""How a value of a field's type is written in SOQL; every other type as a string."""


class Answering:
    """Runs queries on the records; `base` is where record addresses begin, `/services/data/v64.0`."""

    def __init__(self, records: Records, base: str, page_size: int) -> None:
        self._records = records
        self._base = base
        self._page_size = page_size

    def run(self, query: Query, *, blind: bool = False) -> Body:
        """The first page of what a query selects, as Salesforce shows it. A blind one finds nothing."""
        kind = _type(query.source)
        self._check(kind, query)
        found = [] if blind else self._selected(kind, query, self._candidates(kind, query))
        return self._paged([self._shown(kind, query, one) for one in found])

    def more(self, locator: str) -> Body:
        """The page that an earlier one pointed to."""
        found = _LOCATOR.fullmatch(locator)
        kept = found and self._records.world.get(self._records.connection, "locator", found["id"])
        if not found or not kept:
            raise Problem("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(found["id"], kept["records"], int(found["start"]))

    def _paged(self, found: list[Body]) -> Body:
        if len(found) <= self._page_size:
            return {"totalSize": len(found), "done": True, "records": found}
        world, connection = self._records.world, self._records.connection
        locator = f"{LOCATOR_PREFIX}{world.next_id(connection, 'locator'):09}"
        world.put(connection, "locator", locator, {"id": locator, "records": found})
        return self._page(locator, found, 0)

    def _page(self, locator: str, found: list[Body], start: int) -> Body:
        end = start + self._page_size
        page: Body = {"totalSize": len(found), "done": end >= len(found), "records": found[start:end]}
        if not page["done"]:
            page["nextRecordsUrl"] = f"{self._base}/query/{locator}-{end}"
        return page

    def _candidates(self, kind: ObjectType, query: Query) -> list[Body]:
        """The records that can match: by an id where one is asked for, which spares reading all."""
        for test in query.tests:
            field = kind.fields.get(test.path)
            if field and test.sign == "=" and field.type in ("id", "reference") and test.values[0].value is not None:
                return self._records.find(kind, {field.name: _id(test.values[0].value)})
        return self._records.find(kind)

    def _selected(self, kind: ObjectType, query: Query, records: Iterable[Body]) -> list[Body]:
        found = [one for one in records if all(self._passes(kind, one, test) for test in query.tests)]
        for path, down in reversed(query.order):
            # Salesforce puts what has no value first, in either direction.
            known = [one for one in found if self._value(kind, one, path) is not None]
            known.sort(key=lambda one: self._ordered(kind, one, path), reverse=down)
            found = [one for one in found if self._value(kind, one, path) is None] + known
        return found[: query.limit]

    def _ordered(self, kind: ObjectType, record: Body, path: str) -> Any:
        value = self._value(kind, record, path)
        return value.casefold() if isinstance(value, str) else value

    def _passes(self, kind: ObjectType, record: Body, test: Test) -> bool:
        field = _field(kind, test.path)
        value = _comparable(field, self._value(kind, record, test.path))
        wanted = [_wanted(field, one) for one in test.values]
        match test.sign:
            case "=" | "IN":
                return value in wanted
            case "!=" | "NOT IN":
                return value not in wanted
        return value is not None and wanted[0] is not None and _COMPARE[test.sign](value, wanted[0])

    def _value(self, kind: ObjectType, record: Body, path: str) -> Any:
        """The value at the end of a path; None where a record on the way is missing."""
        head, _, rest = path.partition(".")
        if not rest:
            return record[_named(kind, head).name]
        parent = self._parent(kind, record, head)
        return None if parent is None else self._value(*parent, rest)

    def _parent(self, kind: ObjectType, record: Body, name: str) -> tuple[ObjectType, Body] | None:
        field = _relationship(kind, name)
        for parent in (TYPES[one] for one in field.refers_to):
            found = self._records.world.get(self._records.connection, parent.name, record[field.name] or "")
            if found is not None:
                return parent, found
        return None

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _shown(self, kind: ObjectType, query: Query, record: Body) -> Body:
        shown = self._with_fields(kind, record, query.fields)
        for child in query.children:
            child_type, field = _child(kind, child.source)
            records = self._records.find(child_type, {field: record["Id"]})
            rows = [self._shown(child_type, child, one) for one in self._selected(child_type, child, records)]
            shown[child.source] = self._paged(rows) if rows else None
        return shown

    def _with_fields(self, kind: ObjectType, record: Body, paths: Iterable[str]) -> Body:
        shown: Body = {"attributes": attributes(kind, record["Id"], self._base)}
        parents: dict[str, list[str]] = {}
        for path in paths:
            head, _, rest = path.partition(".")
            if rest:
                parents.setdefault(head, []).append(rest)
                shown.setdefault(head, None)
            else:
                name = _named(kind, head).name
                shown[name] = record[name]
        for name, inner in parents.items():
            parent = self._parent(kind, record, name)
            shown[name] = None if parent is None else self._with_fields(*parent, inner)
        return shown

    # -- checks ------------------------------------------------------------------------------------------------------

    def _check(self, kind: ObjectType, query: Query) -> None:
        """Refuse what the type does not have, before anything is read."""
        for path in query.fields:
            _field(kind, path)
        for test in query.tests:
            field = _filterable(kind, test.path)
            for literal in test.values:
                _wanted(field, literal)
        for path, _ in query.order:
            _filterable(kind, path)
        for child in query.children:
            self._check(_child(kind, child.source)[0], child)


def attributes(kind: ObjectType, record_id: str, base: str) -> Body:
    """What every shown record begins with."""
    return {"type": kind.name, "url": f"{base}/sobjects/{kind.name}/{record_id}"}


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def _type(name: str) -> ObjectType:
    found = next((one for one in TYPES.values() if one.name.lower() == name.lower()), None)
    if found is None:
        text = f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to"
        raise Problem("INVALID_TYPE", text + " append the '__c' after the entity name.")
    return found


def _child(kind: ObjectType, name: str) -> tuple[ObjectType, str]:
    if name not in kind.children:
        text = f"Didn't understand relationship '{name}' in FROM part of query call. If you are attempting to use a"
        raise Problem("INVALID_TYPE", text + " custom relationship, be sure to append the '__r' after its name.")
    child, field = kind.children[name]
    return TYPES[child], field


def _named(kind: ObjectType, name: str) -> Field:
    found = next((one for one in kind.fields.values() if one.name.lower() == name.lower()), None)
    if found is None:
        text = f"No such column '{name}' on entity '{kind.name}'. If you are attempting to use a custom field, be sure"
        raise Problem("INVALID_FIELD", text + " to append the '__c' after the custom field name.")
    return found


def _relationship(kind: ObjectType, name: str) -> Field:
    found = kind.relationship(name)
    if found is None:
        text = f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom"
        raise Problem("INVALID_FIELD", text + " relationship, be sure to append the '__r' after its name.")
    return found


def _field(kind: ObjectType, path: str) -> Field:
    """The field at the end of a path."""
    *relationships, name = path.split(".")
    if len(relationships) > PATH_LENGTH_MAX:
        raise Problem("MALFORMED_QUERY", f"{path}: a path goes over at most {PATH_LENGTH_MAX} relationships")
    for one in relationships:
        kind = TYPES[_relationship(kind, one).refers_to[0]]
    return _named(kind, name)


def _filterable(kind: ObjectType, path: str) -> Field:
    field = _field(kind, path)
    if not field.filterable:
        raise Problem("INVALID_FIELD", f"field '{field.name}' can not be filtered in a query call")
    return field


def _wanted(field: Field, literal: Literal) -> Any:
    """The literal as something that compares with the field's values."""
    written = _WRITTEN.get(field.type, "string")
    if literal.kind not in (written, "null"):
        text = f"value of filter criterion for field '{field.name}' must be of type {field.type} and should "
        text += "be enclosed in quotes" if written == "string" else "not be enclosed in quotes"
        raise Problem("INVALID_FIELD", text)
    if field.type in ("id", "reference") and literal.value is not None:
        return _id(literal.value)
    return literal.value.casefold() if isinstance(literal.value, str) else literal.value


def _id(value: Any) -> str:
    try:
        return full_id(str(value))
    except ValueError:
        raise Problem("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {str(value)[:18]}") from None


def _comparable(field: Field, value: Any) -> Any:
    if value is None or field.type in ("id", "reference"):
        return value
    if field.type == "datetime":
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%f%z")
    return value.casefold() if isinstance(value, str) else value
