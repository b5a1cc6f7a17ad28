"""Shopify's transport: the client credentials token, GraphQL, and what its errors mean."""

from __future__ import annotations

import asyncio
import time
from typing import Any, TypeVar

from pydantic import BaseModel

from seamline.errors import LockedOut, Outage, Refusal, SystemFailure
from seamline.http import RETRY_AFTER_SECONDS_MAX, HttpClient
from seamline.records.reading import refusing
from seamline.systems.shopify import wire

TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105 - an address, not a secret
GRAPHQL_PATH = f"/admin/api/{wire.API_VERSION}/graphql.json"
TOKEN_MARGIN_SECONDS = 300.0
"""A token is renewed this long before it ends, or after nine tenths of its life if that is shorter."""

_OUTAGES = {"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"}
_LOCKED_OUT = {"ACCESS_DENIED", "SHOP_INACTIVE"}

T = TypeVar("T", bound=BaseModel)


class ShopifyClient:
    """GraphQL over one shop's `HttpClient`. Renews the token before it ends, and once when it is refused."""

    def __init__(self, http: HttpClient, client_id: str, client_secret: str) -> None:
        self._http = http
        self._client_id = client_id
        self._client_secret = client_secret
        self._token = ""
        self._token_ends = 0.0
        self._renewing = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def query(self, operation: str, document: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a query; its `data`."""
        return await self._send(operation, document, variables or {}, write=False)

    async def mutate(self, operation: str, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Send a mutation; its `data`. User errors are the caller's to read."""
        return await self._send(operation, document, variables, write=True)

    async def _send(self, operation: str, document: str, variables: dict[str, Any], *, write: bool) -> dict[str, Any]:
        token = await self._fresh_token()
        try:
            return await self._attempt(operation, document, variables, token, write=write)
        except LockedOut as error:
            if error.failure.status != 401:
                raise
            # Shopify ends tokens early when an app's secret or scopes change: one new token, one more try.
            token = await self._fresh_token(refused=token)
            return await self._attempt(operation, document, variables, token, write=write)

    async def _attempt(
        self, operation: str, document: str, variables: dict[str, Any], token: str, *, write: bool
    ) -> dict[str, Any]:
        answer = await self._http.send(
            operation,
            "POST",
            GRAPHQL_PATH,
            write=write,
            json={"query": document, "variables": variables},
            headers={"X-Shopify-Access-Token": token},
        )
        reply = as_model(wire.Reply, answer.json(), "")
        if reply.errors:
            raise graphql_error(reply, answer.request_id)
        return reply.data or {}

    async def _fresh_token(self, refused: str | None = None) -> str:
        """The token in use, or a new one if it ends soon or is the one refused. One renewal serves all who wait."""
        async with self._renewing:
            if self._token and self._token != refused and time.monotonic() < self._token_ends:
                return self._token
            form = {
                "grant_type": "client_credentials",
                "client_id": self._client_id,
                "client_secret": self._client_secret,
            }
            answer = await self._http.send("token", "POST", TOKEN_PATH, write=False, form=form)
            token = as_model(wire.Token, answer.json(), "token")
            self._token = token.access_token
            margin = min(TOKEN_MARGIN_SECONDS, token.expires_in / 10)
            self._token_ends = time.monotonic() + token.expires_in - margin
            return self._token


def pause_seconds(cost: wire.Cost) -> float:
    """How long until the cost budget has what the query asked for, at least a second."""
    missing = cost.requested_query_cost - cost.throttle_status.currently_available
    rate = cost.throttle_status.restore_rate
    return min(max(missing / rate if rate > 0 else 1.0, 1.0), RETRY_AFTER_SECONDS_MAX)


def as_model(model: type[T], body: Any, place: str) -> T:
    """`body` as a wire model. Refusal `unreadable-answer` names each field that does not fit, below `place`."""
    with refusing("unreadable-answer", "the answer is not as Shopify's API describes it", place):
        return model.model_validate(body)


def graphql_error(reply: wire.Reply, request_id: str | None) -> SystemFailure:
    """What the errors beside the data mean."""
    errors = (wire.GraphQLError(message=reply.errors),) if isinstance(reply.errors, str) else reply.errors
    codes = {error.extensions.code for error in errors}
    reason = "; ".join(error.message for error in errors)
    if "THROTTLED" in codes:
        pause = pause_seconds(reply.extensions.cost)
        return Outage("throttled", reason, request_id=request_id, retry_after_seconds=pause)
    if codes & _OUTAGES:
        return Outage("internal-error", reason, request_id=request_id)
    if codes & _LOCKED_OUT:
        return LockedOut("access-denied", reason, request_id=request_id)
    code = "not-found" if "RESOURCE_NOT_FOUND" in codes else "malformed-request"
    return Refusal(code, reason, request_id=request_id)
