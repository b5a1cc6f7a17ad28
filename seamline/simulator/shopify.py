"""Shopify's Admin GraphQL API 2026-07, its token endpoint and its webhooks.

A shop's app has the client id `client-<connection>` and the client secret `secret-<connection>`, which also signs
webhooks. `POST .../admin/oauth/access_token` gives a token for 24 hours, `X-Shopify-Access-Token` carries it to
`POST .../admin/api/2026-07/graphql.json`. Operations are `token` and the first root field of a request (`order`,
`orders`, `fulfillmentCreate`, ...). Queries count as searches: hit by the fault `blind`, they show no fulfilments and
find no orders. The rate limit is that of a Plus shop: 20000 points, 1000 restored each second.

What customers and staff do in the shop:

    POST /_simulator/shops/{connection}/orders {...}                     `OrderWanted` -> {id, reference}
    POST /_simulator/shops/{connection}/orders/{id}/cancel {reason, refund}
    POST /_simulator/shops/{connection}/orders/{id}/payment {action, amount}   `PaymentAct`
    POST /_simulator/shops/{connection}/orders/{id}/edit {quantities, address}
    PUT /_simulator/shops/{connection}/stock {quantities, location}      what staff count; GET shows all levels
    POST /_simulator/shops/{connection}/subscriptions {topic, url}       topic as `orders/paid`
    POST /_simulator/shops/{connection}/orders/{id}/deliveries {topic, times, at_once} -> {statuses}
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    is_list_type,
    is_non_null_type,
)
from starlette.responses import JSONResponse, Response

from seamline.simulator import shopify_graph as graph
from seamline.simulator.faults import Fault, FaultKind, Injected
from seamline.simulator.shopify_acts import SYSTEM, Acts, By, not_cancellable, schedule_settling
from seamline.simulator.shopify_mutations import CANCEL_ORDER, Mutations
from seamline.simulator.shopify_staff import control
from seamline.simulator.shopify_views import Shop
from seamline.simulator.shopify_webhooks import Webhooks
from seamline.simulator.vendor import Vendor, read_json
from seamline.simulator.world import THROTTLE_SECONDS_DEFAULT, Body, Call, World

TOKEN_SECONDS = 86_399
COST_POINTS_MAX = 20_000
RESTORED_POINTS_EACH_SECOND = 1_000
QUERY_COST_POINTS_MAX = 1_000
_BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105


@dataclass
class _Bucket:
    """What a connection may spend on queries. Forgotten on restart, like the seconds it covers."""

    points: float = COST_POINTS_MAX
    at: float = 0.0

    def available(self, seconds: float) -> float:
        """The points at this second of the world's clock."""
        self.points = min(COST_POINTS_MAX, self.points + (seconds - self.at) * RESTORED_POINTS_EACH_SECOND)
        self.at = seconds
        return self.points


def vendor(world: World) -> Vendor:
    """Shopify, on this world."""
    webhooks = Webhooks(world)

    def cancel(connection: str, job_id: str, _due: datetime) -> None:
        shop = Shop(world, connection, "")
        job = shop.read("job", job_id)
        order = shop.read("order", job["order_id"])
        if not not_cancellable(world, order):
            wanted = {name: job[name] for name in ("reason", "staff_note", "refund")}
            Acts(world, connection, webhooks).cancel(order, **wanted, by=By.APP)
        world.put(connection, "job", job_id, job | {"done": True})

    world.on(CANCEL_ORDER, cancel)
    schedule_settling(world, webhooks)
    return Vendor(
        system=SYSTEM, router=_Routes(world, webhooks).router, render=render, control=control(world, webhooks)
    )


def render(injected: Injected) -> Response:
    """An injected fault as Shopify would answer it."""
    fault = injected.fault
    if fault.kind is FaultKind.THROTTLE:
        seconds = THROTTLE_SECONDS_DEFAULT if fault.delay_seconds is None else fault.delay_seconds
        return _throttled(int(seconds * RESTORED_POINTS_EACH_SECOND), 0)
    if fault.status == 401:
        return JSONResponse({"errors": _BAD_TOKEN}, 401)
    return JSONResponse({"errors": fault.reason}, fault.status or 503)


class _Routes:
    """The vendor's own routes."""

    def __init__(self, world: World, webhooks: Webhooks) -> None:
        self.world = world
        self.webhooks = webhooks
        self.buckets: dict[str, _Bucket] = {}
        self.router = APIRouter()
        self.router.post("/admin/oauth/access_token")(self.token)
        self.router.post("/admin/api/{version}/graphql.json")(self.graphql)

    async def token(self, connection: str, request: Request) -> Response:
        """The client-credentials grant, as form or JSON."""
        asked = await read_json(request) or dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        async with self.world.call(connection, SYSTEM, "token") as call:
            right = {"client_id": f"client-{connection}", "client_secret": f"secret-{connection}"}
            if asked.get("grant_type") != "client_credentials":
                return _refuse(call, JSONResponse({"error": "unsupported_grant_type"}, 400))
            if any(not hmac.compare_digest(str(asked.get(name, "")).encode(), right[name].encode()) for name in right):
                return _refuse(call, JSONResponse({"error": "invalid_client"}, 401))
            token = f"shpat_{secrets.token_hex(16)}"
            self.world.put(connection, "token", token, {"id": token, "ends_at": time.time() + TOKEN_SECONDS})
            scope = "read_orders,write_orders,write_merchant_managed_fulfillment_orders,read_payment_terms"
            return JSONResponse({"access_token": token, "scope": scope, "expires_in": TOKEN_SECONDS})

    async def graphql(self, connection: str, version: str, request: Request) -> Response:
        """One GraphQL operation."""
        asked = await read_json(request) or {}
        variables = asked.get("variables") or {}
        operation = _operation(asked, variables)
        name = operation.name if isinstance(operation, graph.Operation) else "graphql"
        search = isinstance(operation, graph.Operation) and operation.is_query
        async with self.world.call(connection, SYSTEM, name, search=search, refusals=True) as call:
            if not self._known(connection, request.headers.get("X-Shopify-Access-Token", "")):
                return _refuse(call, JSONResponse({"errors": _BAD_TOKEN}, 401))
            if version != "2026-07":
                return _refuse(call, JSONResponse({"errors": "Not Found"}, 404))
            if not isinstance(operation, graph.Operation):
                errors = [error.formatted | {"extensions": _code(error)} for error in operation]
                return _refuse(call, JSONResponse({"errors": errors}))
            return self._answer(call, operation, str(request.base_url).rstrip("/"))

    def _answer(self, call: Call, operation: graph.Operation, base: str) -> Response:
        bucket = self.buckets.setdefault(call.connection, _Bucket())
        requested = operation.requested_cost
        if requested > QUERY_COST_POINTS_MAX:
            text = (
                f"Query cost is {requested}, which exceeds the single query max cost limit ({QUERY_COST_POINTS_MAX})."
            )
            return _refuse(call, JSONResponse({"errors": [_error(text, "MAX_COST_EXCEEDED")]}))
        if bucket.available(self.world.clock()) < requested:
            return _refuse(call, _throttled(requested, int(bucket.points)))
        if call.refusal and operation.is_query:
            errors = [_error(call.refusal.reason, "BAD_REQUEST") | {"path": [operation.name]}]
            return _refuse(call, JSONResponse({"errors": errors, "data": None}))
        shop = Shop(self.world, call.connection, base)
        with self.world.transaction():
            queries = graph.Queries(shop, lambda: self.webhooks.subscriptions(call.connection), blind=call.blind)
            roots = queries.roots() if operation.is_query else self._mutations(call, shop, operation)
            response, actual = graph.run(operation, roots)
        if "errors" in response or call.refusal:
            call.outcome = "refused"
        bucket.points -= actual
        return JSONResponse(response | {"extensions": {"cost": _cost(requested, actual, int(bucket.points))}})

    def _mutations(self, call: Call, shop: Shop, operation: graph.Operation) -> graph.Roots:
        if refusal := call.refusal:
            return {operation.name: lambda **_: _refused(operation.name, refusal)}
        return Mutations(shop, call, self.webhooks, operation.idempotency_key).roots()

    def _known(self, connection: str, token: str) -> bool:
        known = self.world.get(connection, "token", token)
        return known is not None and known["ends_at"] > time.time()


def _operation(asked: Mapping[str, Any], variables: Any) -> graph.Operation | Sequence[GraphQLError]:
    if not isinstance(asked.get("query"), str) or not isinstance(variables, dict):
        return [GraphQLError("Send a JSON object with query, a text, and variables, an object")]
    return graph.read_operation(asked["query"], asked.get("operationName"), variables)


def _refuse(call: Call, response: Response) -> Response:
    call.outcome = "refused"
    return response


def _error(message: str, code: str) -> Body:
    return {"message": message, "extensions": {"code": code}}


def _code(error: GraphQLError) -> dict[str, Any]:
    return error.extensions or {"code": "undefinedField" if "Cannot query field" in error.message else "invalidQuery"}


def _cost(requested: int, actual: int | None, available: int) -> Body:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": {
            "maximumAvailable": float(COST_POINTS_MAX),
            "currentlyAvailable": available,
            "restoreRate": float(RESTORED_POINTS_EACH_SECOND),
        },
    }


def _throttled(requested: int, available: int) -> Response:
    body = {"errors": [_error("Throttled", "THROTTLED")], "extensions": {"cost": _cost(requested, None, available)}}
    return JSONResponse(body)


def _refused(name: str, fault: Fault) -> Body:
    """What a mutation answers that refuses: nothing made, and why. The query picks from it what it asked for."""
    mutation = graph.schema().mutation_type
    payload = get_named_type(mutation.fields[name].type) if mutation else None
    if not isinstance(payload, GraphQLObjectType):
        raise TypeError(f"{name} answers no object")
    return {field: _told(one.type, fault) for field, one in payload.fields.items()}


def _told(kind: GraphQLOutputType, fault: Fault) -> list[Body] | None:
    """The one error where the field is a list that is always there, else nothing."""
    if not (is_non_null_type(kind) and is_list_type(kind.of_type)):
        return None
    error = get_named_type(kind)
    code = error.fields.get("code") if isinstance(error, GraphQLObjectType) else None
    codes = getattr(get_named_type(code.type), "values", {}) if code else {}
    # Most have INVALID; any other says as little about a reason that a test made up.
    chosen = "INVALID" if "INVALID" in codes else next(iter(codes), None)
    field = fault.field.split(".") if fault.field else None
    return [{"field": field, "message": fault.reason, "code": chosen}]
