"""Xero's transport: tokens, the tenant, `Idempotency-Key`, limits, and what its error bodies say."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from seamline.errors import LockedOut, Outage, Problem, Refusal
from seamline.http import Answer, Explained, HttpClient, HttpFactory, Verdict, retry_after_seconds
from seamline.records.reading import refusing
from seamline.systems.xero import refusals, wire
from seamline.systems.xero.pace import DAY_SECONDS_MAX, WAIT_SECONDS_MAX, Pace
from seamline.systems.xero.tokens import Tokens


def _day_is_over(answer: Answer) -> bool:
    return answer.headers.get("x-rate-limit-problem") == "day"


OVERRIDES = (
    Verdict(429, Outage, "day-limit", when=_day_is_over),
    # The organisation is being moved or is switched off: it comes back.
    Verdict(412, Outage, "organisation-offline"),
)
TOKEN_OVERRIDES = (
    # OAuth's error for a client or a refresh token that is not good (any more).
    Verdict(400, LockedOut, "token-refused"),
)
DIGEST_LENGTH = 12

T = TypeVar("T", bound=BaseModel)
Query = Mapping[str, str | int]


class XeroClient:
    """The accounting API of one organisation, answers read as wire models."""

    def __init__(self, api: HttpClient, identity: HttpClient, tokens: Tokens, tenant_id: str, pace: Pace) -> None:
        self._api = api
        self._identity = identity
        self._tokens = tokens
        self._tenant_id = tenant_id
        self._pace = pace
        self._finding = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()
        await self._identity.close()

    async def get(self, operation: str, path: str, model: type[T], query: Query | None = None) -> T:
        """Read objects."""
        return _read(model, await self._send(operation, "GET", path, None, "", query))

    async def put(
        self, operation: str, path: str, model: type[T], body: Any, key: str, query: Query | None = None
    ) -> T:
        """Make objects."""
        return _read(model, await self._send(operation, "PUT", path, body, key, query))

    async def post(
        self, operation: str, path: str, model: type[T], body: Any, key: str, query: Query | None = None
    ) -> T:
        """Change objects."""
        return _read(model, await self._send(operation, "POST", path, body, key, query))

    async def tell(self, operation: str, path: str, key: str) -> None:
        """Have Xero do something that it answers without content."""
        await self._send(operation, "POST", path, {}, key, None)

    async def _send(self, operation: str, method: str, path: str, body: Any, key: str, query: Query | None) -> Answer:
        """Call, with one new token where the one in use is refused, and again where Xero asks to wait a little."""
        token, refused = await self._tokens.fresh(), None
        headers = {"Idempotency-Key": idempotency_key(key, f"{method} {path}", body)} if key else {}
        began = time.monotonic()
        while True:
            try:
                opening = {"Authorization": f"Bearer {token}", "xero-tenant-id": await self._tenant(token)}
                async with self._pace.turn():
                    answer = await self._api.send(
                        operation,
                        method,
                        wire.API_PATH + path,
                        write=method != "GET",
                        json=body,
                        query=query,
                        headers=headers | opening,
                    )
                    self._pace.answered(answer.headers)
                    return answer
            except Outage as error:
                if error.failure.status != 429:
                    raise
                self._pace.refused(error.failure)
                if time.monotonic() - began > WAIT_SECONDS_MAX:
                    raise
            except LockedOut as error:
                if error.failure.status != 401 or refused:
                    raise
                refused = token
                token = await self._tokens.fresh(refused)
            except Refusal as error:
                raise refusals.meaning(error.failure) or error from None

    async def _tenant(self, token: str) -> str:
        """The organisation: that of the settings, else the only one that the token opens."""
        async with self._finding:
            if not self._tenant_id:
                headers = {"Authorization": f"Bearer {token}"}
                answer = await self._api.send("tenant", "GET", wire.CONNECTIONS_PATH, write=False, headers=headers)
                with refusing("unreadable-answer", "the organisations are not as Xero describes them"):
                    tenants = [wire.Tenant.model_validate(one) for one in answer.json()]
                if len(tenants) != 1:
                    raise LockedOut("tenant-unclear", f"the token opens {len(tenants)} organisations: set tenant_id")
                self._tenant_id = tenants[0].tenantId
            return self._tenant_id


def open_clients(
    name: str, url: str, identity_url: str, http: HttpFactory, *, calls_per_second_max: float, calls_at_once_max: int
) -> tuple[HttpClient, HttpClient]:
    """The clients of the API and of the place where tokens come from. They share the connection's limits."""
    limits: dict[str, Any] = {
        "calls_per_second_max": calls_per_second_max,
        "calls_at_once_max": calls_at_once_max,
        "wait": pause_seconds,
    }
    api = http.client(name, url, overrides=OVERRIDES, explain=explain, **limits)
    return api, http.client(name, identity_url, overrides=TOKEN_OVERRIDES, **limits)


def idempotency_key(key: str, place: str, body: Any) -> str:
    """The effect key and what of the request it is for: Xero refuses a key that comes with another request.

    Refusal `malformed-request` where it would be cut.
    """
    digest = hashlib.sha256(json.dumps([place, body], sort_keys=True).encode()).hexdigest()[:DIGEST_LENGTH]
    whole = f"{key}.{digest}"
    if len(whole) > wire.KEY_LENGTH_MAX:
        reason = f"makes an Idempotency-Key of more than {wire.KEY_LENGTH_MAX} characters"
        raise Refusal("malformed-request", f"the key {reason}", problems=[Problem(field="key", reason=reason)])
    return whole


def pause_seconds(answer: Answer) -> float | None:
    """What Xero asks to wait, be it until the next day."""
    return retry_after_seconds(answer.headers.get("retry-after"), seconds_max=DAY_SECONDS_MAX)


def explain(answer: Answer) -> Explained:
    """The messages of an error body; nothing where it is none of Xero's."""
    try:
        found = refusals.messages(wire.ApiException.model_validate(answer.json()))
    except (Refusal, ValidationError):
        return "", ()
    return "; ".join(found), tuple(Problem(field="request", reason=one) for one in found)


def _read(model: type[T], answer: Answer) -> T:
    with refusing("unreadable-answer", "the answer is not as Xero's API describes it"):
        return model.model_validate(answer.json())
