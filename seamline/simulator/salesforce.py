"""Salesforce's REST API v64.0 as far as it is used: tokens, records, queries, `composite`, limits, describe.

`POST .../services/oauth2/token` takes client credentials (`client-<connection>`, `secret-<connection>`) or an
assertion, see `salesforce_org`. Operations are `token`, `TYPE.create`, `TYPE.get`, `TYPE.update`, `TYPE.delete`,
`TYPE.find` and `TYPE.upsert` (by external id), `TYPE.query`, `query.more`, `composite`, `limits` and `describe`.
Queries and `TYPE.find` count as searches. A fault of kind refuse with the reason `UNABLE_TO_LOCK_ROW: ...` has that
error code; without one it is a validation rule's. In a `composite` it hits the first call that writes.

What people do in the organisation:

    POST /_simulator/crms/{connection}/deals {...}               `DealWanted` -> {id, reference}
    PATCH /_simulator/crms/{connection}/deals/{id} {...}         what is given changes, stages with their history
    GET, PATCH, DELETE /_simulator/crms/{connection}/records/{id}    any record; PATCH takes Salesforce's names
    GET /_simulator/crms/{connection}/records?type=
    POST /_simulator/crms/{connection}/subscriptions {url}       the Flow tells it of deals, see `salesforce_flow`
    POST /_simulator/crms/{connection}/deals/{id}/deliveries {event, times, at_once, age_seconds} -> {statuses}
    GET, PUT /_simulator/crms/{connection}/settings              `OrgSettings`: page size, limits, the Flow on or off
    PUT /_simulator/crms/{connection}/certificate {certificate}  checks assertions from now on
    DELETE /_simulator/crms/{connection}/sessions                every session ends now
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from seamline.simulator.faults import Fault, FaultKind, Injected
from seamline.simulator.salesforce_api import Api
from seamline.simulator.salesforce_composite import RolledBack, composite
from seamline.simulator.salesforce_flow import Flow
from seamline.simulator.salesforce_objects import TYPES
from seamline.simulator.salesforce_org import SYSTEM, Org, TokenRefused
from seamline.simulator.salesforce_records import Records
from seamline.simulator.salesforce_soql import read_query
from seamline.simulator.salesforce_staff import control
from seamline.simulator.salesforce_values import Problem
from seamline.simulator.vendor import Vendor
from seamline.simulator.world import Body, Call, World

VERSIONS = tuple(f"{number}.0" for number in range(59, 65))
_CODED = re.compile(r"(?P<code>[A-Z]+(?:_[A-Z]+)+): (?P<text>.*)", re.DOTALL)
_STATUS_CODES = {
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner"),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    503: ("SERVER_UNAVAILABLE", "Server Unavailable"),
}


def vendor(world: World) -> Vendor:
    """Salesforce, on this world."""
    flow = Flow(world)
    return Vendor(system=SYSTEM, router=_Routes(world, flow).router, render=render, control=control(world, flow))


def render(injected: Injected) -> Response:
    """An injected fault as Salesforce would answer it."""
    fault = injected.fault
    if fault.kind is FaultKind.REFUSE:
        refused = _refusal(fault)
        return refused.response() if injected.operation != "token" else _token_error(fault.reason, 400)
    if fault.kind is FaultKind.THROTTLE:
        text = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
        return Problem("REQUEST_LIMIT_EXCEEDED", text, status=403).response()
    status = fault.status or 503
    if injected.operation == "token":
        return _token_error(fault.reason, status)
    code, text = _STATUS_CODES.get(status, ("UNKNOWN_EXCEPTION", "An unexpected error occurred."))
    return Problem(code, text, status=status).response()


def _refusal(fault: Fault) -> Problem:
    coded = _CODED.fullmatch(fault.reason)
    code, text = coded.group("code", "text") if coded else ("FIELD_CUSTOM_VALIDATION_EXCEPTION", fault.reason)
    return Problem(code, text, [fault.field] if fault.field else [])


def _token_error(description: str, status: int) -> Response:
    return JSONResponse({"error": "invalid_grant", "error_description": description}, status)


class _Routes:
    """Salesforce's addresses."""

    def __init__(self, world: World, flow: Flow) -> None:
        self.world = world
        self.flow = flow
        self.router = APIRouter()
        self.router.post("/services/oauth2/token")(self.token)
        self.router.get("/services/data")(self.versions)
        methods = ["GET", "POST", "PATCH", "DELETE"]
        self.router.api_route("/services/data/v{version}/{path:path}", methods=methods)(self.data)
        self.router.get("/lightning/r/{kind}/{record_id}/view")(self.page)

    async def token(self, connection: str, request: Request) -> Response:
        """The grants, as a form."""
        asked = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        async with self.world.call(connection, SYSTEM, "token") as call:
            try:
                basic = request.headers.get("Authorization", "")
                return JSONResponse(Org(self.world, connection).grant(asked, basic, _address(request, connection)))
            except TokenRefused as refused:
                call.outcome = "unauthorised"
                return JSONResponse(refused.body, 400)

    async def page(self, connection: str, kind: str, record_id: str) -> Response:
        """Where people see a record."""
        return RedirectResponse(f"/objects/{quote(connection)}/{quote(kind)}/{quote(record_id)}")

    async def versions(self, connection: str) -> Response:
        """The versions of the API, for anybody."""
        async with self.world.call(connection, SYSTEM, "versions"):
            return JSONResponse([{"label": one, "url": f"/services/data/v{one}", "version": one} for one in VERSIONS])

    async def data(self, connection: str, version: str, path: str, request: Request) -> Response:
        """Everything behind a version."""
        parts, query = _parts(request, f"/services/data/v{version}/"), dict(request.query_params)
        body = await request.body()
        operation, search = _operation(request.method, parts, query)
        whole = operation == "composite"
        async with self.world.call(connection, SYSTEM, operation, search=search, refusals=whole) as call:
            try:
                if version not in VERSIONS:
                    raise Problem("NOT_FOUND", "The requested resource does not exist", status=404)
                return self._answer(call, request, f"v{version}", parts, query, _json(body))
            except Problem as problem:
                call.outcome = "unauthorised" if problem.status == 401 else "refused"
                return problem.response()

    def _answer(
        self, call: Call, request: Request, version: str, parts: list[str], query: dict[str, str], body: Any
    ) -> Response:
        org = Org(self.world, call.connection)
        org.check_session(request.headers.get("Authorization", ""))
        limits = {"Sforce-Limit-Info": org.count_request()}

        def saved(before: Body | None, after: Body) -> None:
            self.flow.saved(call.connection, before, after)

        user = org.integration_user["Id"]
        records = Records(self.world, call.connection, user=user, over_api=True, saved=saved)
        api = Api(org, records, version, blind=call.blind)
        if parts == ["composite"] and request.method == "POST":
            return JSONResponse(_composite(call, api, records, body, version), headers=limits)
        with records.transaction():
            status, answer, headers = api.do(request.method, parts, query, body)
        headers = limits | headers
        return Response(status_code=204, headers=headers) if status == 204 else JSONResponse(answer, status, headers)


def _composite(call: Call, api: Api, records: Records, body: Any, version: str) -> Body:
    if not isinstance(body, dict):
        raise Problem("JSON_PARSER_ERROR", "The request body must be a JSON object")
    api.refuse_next_write = _refusal(call.refusal) if call.refusal else None
    try:
        with records.transaction():
            answer = composite(body, api.do, version)
    except RolledBack as rolled_back:
        call.outcome = "refused"
        return rolled_back.answer
    if any(one["httpStatusCode"] >= 300 for one in answer["compositeResponse"]):
        call.outcome = "refused"
    return answer


def _address(request: Request, connection: str) -> str:
    return f"{str(request.base_url).rstrip('/')}/{SYSTEM}/{connection}"


def _parts(request: Request, start: str) -> list[str]:
    """The path behind the version, each part decoded: a slash within an external id is none between parts."""
    raw: bytes = request.scope["raw_path"]
    return [unquote(part) for part in raw.decode("ascii").partition(start)[2].strip("/").split("/")]


def _json(body: bytes) -> Any:
    """The body, numbers kept as they were written; None where there is none."""
    try:
        return json.loads(body, parse_float=Decimal) if body else None
    except (ValueError, RecursionError):
        raise Problem("JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]") from None


def _operation(method: str, parts: list[str], query: dict[str, str]) -> tuple[str, bool]:
    """What faults and the log call this, and whether it is a search."""
    match parts:
        case ["sobjects", name]:
            return (f"{_named(name)}.create", False) if method == "POST" else ("describe", False)
        case ["sobjects"] | ["sobjects", _, "describe"]:
            return "describe", False
        case ["sobjects", name, _]:
            acts = {"GET": "get", "PATCH": "update", "DELETE": "delete"}
            return f"{_named(name)}.{acts.get(method, 'get')}", False
        case ["sobjects", name, _, _]:
            acts = {"GET": "find", "PATCH": "upsert", "DELETE": "delete"}
            return f"{_named(name)}.{acts.get(method, 'find')}", method == "GET"
        case ["query"]:
            return _query_operation(query.get("q", "")), True
        case ["query", _]:
            return "query.more", True
        case ["composite"] | ["limits"]:
            return parts[0], False
    return "unknown", False


def _query_operation(text: str) -> str:
    try:
        return f"{_named(read_query(text).source)}.query"
    except Problem:
        return "query"


def _named(name: str) -> str:
    names: Iterable[str] = TYPES
    return next((one for one in names if one.lower() == name.lower()), "unknown")
