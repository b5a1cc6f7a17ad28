"""What each address of Salesforce's REST API does, for a call of its own and for a part of a `composite`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seamline.simulator.salesforce_composite import Answer
from seamline.simulator.salesforce_objects import TYPES, ObjectType
from seamline.simulator.salesforce_org import Org
from seamline.simulator.salesforce_query import Answering, attributes
from seamline.simulator.salesforce_records import Records
from seamline.simulator.salesforce_soql import read_query
from seamline.simulator.salesforce_values import MultipleChoices, Problem, checked_id, object_type
from seamline.simulator.world import Body


class Api:
    """One caller's view of one organisation. `blind`: searches find nothing."""

    def __init__(self, org: Org, records: Records, version: str, *, blind: bool) -> None:
        self._org = org
        self._records = records
        self._base = f"/services/data/{version}"
        self._blind = blind
        self.refuse_next_write: Problem | None = None

    def do(self, method: str, parts: list[str], query: Mapping[str, str], body: Any) -> Answer:
        """Do one call. Problem where Salesforce refuses it."""
        if method != "GET" and (refused := self.refuse_next_write):
            self.refuse_next_write = None
            raise refused
        match method, parts:
            case "GET", ["sobjects"]:
                return 200, {"encoding": "UTF-8", "sobjects": [one.described() for one in TYPES.values()]}, {}
            case "GET", ["sobjects", name]:
                return 200, {"objectDescribe": object_type(name).described(), "recentItems": []}, {}
            case "GET", ["sobjects", name, "describe"]:
                return 200, _described(object_type(name)), {}
            case "GET", ["query"]:
                return 200, self._answering().run(read_query(query.get("q", "")), blind=self._blind), {}
            case "GET", ["query", locator]:
                return 200, self._answering().more(locator), {}
            case "GET", ["limits"]:
                return 200, self._limits(), {}
            case "POST", ["sobjects", name]:
                return self._create(object_type(name), body)
            case _, ["sobjects", name, record_id]:
                return self._record(method, object_type(name), record_id, query, body)
            case _, ["sobjects", name, field, value]:
                return self._keyed(method, object_type(name), field, value, query, body)
        raise Problem("NOT_FOUND", "The requested resource does not exist", status=404)

    # -- records -----------------------------------------------------------------------------------------------------

    def _create(self, kind: ObjectType, body: Any) -> Answer:
        record_id = self._records.create(kind, _values(body))
        headers = {"Location": f"{self._base}/sobjects/{kind.name}/{record_id}"}
        return 201, {"id": record_id, "success": True, "errors": []}, headers

    def _record(self, method: str, kind: ObjectType, record_id: str, query: Mapping[str, str], body: Any) -> Answer:
        match method:
            case "GET":
                return 200, self._shown(kind, self._records.get(kind, record_id), query), {}
            case "PATCH":
                self._records.update(kind, checked_id(record_id, kind), _values(body))
                return 204, None, {}
            case "DELETE":
                self._records.delete(kind, checked_id(record_id, kind))
                return 204, None, {}
        raise _not_allowed(method)

    def _keyed(
        self, method: str, kind: ObjectType, field: str, value: str, query: Mapping[str, str], body: Any
    ) -> Answer:
        """A record by its external id."""
        found = self._records.by_external_id(kind, field, value)
        if len(found) > 1:
            raise MultipleChoices([f"{self._base}/sobjects/{kind.name}/{one['Id']}" for one in found])
        if method == "PATCH":
            return self._upsert(kind, field, value, found, body)
        if not found or (method == "GET" and self._blind):
            raise Problem("NOT_FOUND", "The requested resource does not exist", status=404)
        return self._record(method, kind, found[0]["Id"], query, body)

    def _upsert(self, kind: ObjectType, field: str, value: str, found: list[Body], body: Any) -> Answer:
        values = _values(body)
        if field in values:
            raise Problem("INVALID_FIELD", f"The {field} field should not be specified in the sobject data.")
        if found:
            self._records.update(kind, found[0]["Id"], values)
            return 200, {"id": found[0]["Id"], "success": True, "errors": [], "created": False}, {}
        status, answer, headers = self._create(kind, values | {field: value})
        return status, answer | {"created": True}, headers

    def _shown(self, kind: ObjectType, record: Body, query: Mapping[str, str]) -> Body:
        names = list(kind.fields)
        if wanted := query.get("fields"):
            names = wanted.split(",")
            if unknown := [name for name in names if name not in kind.fields]:
                raise Problem("INVALID_FIELD", f"No such column '{unknown[0]}' on sobject of type {kind.name}")
        return {"attributes": attributes(kind, record["Id"], self._base)} | {name: record[name] for name in names}

    # -- queries -----------------------------------------------------------------------------------------------------

    def _answering(self) -> Answering:
        return Answering(self._records, self._base, self._org.settings.page_size)

    def _limits(self) -> Body:
        settings = self._org.settings
        left = max(0, settings.daily_requests_max - settings.requests_used)
        return {"DailyApiRequests": {"Max": settings.daily_requests_max, "Remaining": left}}


def _values(body: Any) -> Body:
    if not isinstance(body, dict):
        raise Problem("JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body.")
    return body


def _described(kind: ObjectType) -> Body:
    children = [
        {"relationshipName": name, "childSObject": child, "field": field}
        for name, (child, field) in kind.children.items()
    ]
    fields = [one.described() for one in kind.fields.values()]
    return kind.described() | {"fields": fields, "childRelationships": children}


def _not_allowed(method: str) -> Problem:
    text = f"HTTP Method '{method}' not allowed. Allowed are GET,PATCH,DELETE"
    return Problem("METHOD_NOT_ALLOWED", text, status=405)
