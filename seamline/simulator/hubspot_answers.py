"""How HubSpot answers: its one shape of errors, tokens checked, limits counted and told in headers.

A private app may call so often in ten seconds and in a day, and search so often in a second. Every answer but a
search's says what is left. Only a day's calls are remembered over a restart. Sources:
https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines,
https://developers.hubspot.com/docs/api-reference/error-handling
"""

from __future__ import annotations

import json
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from seamline.simulator.vendor import read_json
from seamline.simulator.world import Body, Call, World

SYSTEM = "hubspot"
SEARCH_SECONDS = 1.0
_LIMITS = "hubspot-limits"


class Limits(BaseModel):
    """How often an account may be called, how long its window and its day are, and how far searches lag behind.

    `properties_not_made` are those that the account's list of properties lacks.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    calls_in_window_max: int = Field(default=190, ge=1, le=1_000_000)
    window_seconds: float = Field(default=10.0, gt=0, le=86_400)
    calls_each_day_max: int = Field(default=650_000, ge=0, le=100_000_000)
    day_seconds: float = Field(default=86_400.0, gt=0, le=86_400)
    searches_each_second_max: int = Field(default=5, ge=1, le=1_000)
    search_lag_seconds: float = Field(default=0.0, ge=0, le=86_400)
    properties_not_made: tuple[str, ...] = Field(default=(), max_length=100)


class Refused(Exception):
    """What HubSpot answers with an error."""

    def __init__(self, status: int, category: str, message: str, **more: Any) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.body = error(category, message, **more)


def error(category: str, message: str, **more: Any) -> Body:
    """HubSpot's one shape of an error."""
    return {"status": "error", "message": message, "correlationId": str(uuid.uuid4()), "category": category, **more}


def invalid(problems: Iterable[tuple[str, str, str]]) -> Refused:
    """The refusal that names each property, the code of what is wrong with its value, and a text."""
    found = [
        {"isValid": False, "message": text, "error": code, "name": name, "localizedErrorMessage": text}
        for name, code, text in problems
    ]
    details = [
        {"message": one["message"], "code": one["error"], "context": {"propertyName": [one["name"]]}} for one in found
    ]
    message = f"Property values were not valid: {json.dumps(found, ensure_ascii=False)}"
    return Refused(400, "VALIDATION_ERROR", message, errors=details)


def limits_of(world: World, connection: str) -> Limits:
    """The account's limits."""
    return Limits.model_validate(world.get(connection, _LIMITS, "limits") or {})


def set_limits(world: World, connection: str, limits: Limits) -> None:
    """Change the account's limits; what was called counts on."""
    world.put(connection, _LIMITS, "limits", limits.model_dump())


class Counter:
    """Counts the calls of all accounts."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls: dict[str, deque[float]] = defaultdict(deque)
        self._searches: dict[str, deque[float]] = defaultdict(deque)

    def count(self, connection: str, *, search: bool) -> dict[str, str]:
        """The headers of the answer. Refused when a limit is reached; what is refused does not count."""
        limits = limits_of(self._world, connection)
        day = self._day(connection, limits)
        if day["calls"] >= limits.calls_each_day_max:
            raise throttled("DAILY", limits.day_seconds)
        if search:
            searches = self._recent(self._searches[connection], SEARCH_SECONDS)
            if len(searches) >= limits.searches_each_second_max:
                raise throttled("SECONDLY", SEARCH_SECONDS)
            searches.append(time.monotonic())
        calls = self._recent(self._calls[connection], limits.window_seconds)
        if len(calls) >= limits.calls_in_window_max:
            raise throttled("TEN_SECONDLY_ROLLING", limits.window_seconds)
        calls.append(time.monotonic())
        self._world.put(connection, _LIMITS, "day", day | {"calls": day["calls"] + 1})
        return {} if search else _headers(limits, len(calls), day["calls"] + 1)

    def _day(self, connection: str, limits: Limits) -> Body:
        number = int(time.time() // limits.day_seconds)
        known = self._world.get(connection, _LIMITS, "day")
        return known if known and known["number"] == number else {"number": number, "calls": 0}

    @staticmethod
    def _recent(moments: deque[float], seconds: float) -> deque[float]:
        while moments and moments[0] <= time.monotonic() - seconds:
            moments.popleft()
        return moments


def _headers(limits: Limits, calls: int, calls_today: int) -> dict[str, str]:
    each_second = limits.calls_in_window_max // 10
    numbers = {
        "Daily": limits.calls_each_day_max,
        "Daily-Remaining": max(0, limits.calls_each_day_max - calls_today),
        "Interval-Milliseconds": round(limits.window_seconds * 1000),
        "Max": limits.calls_in_window_max,
        "Remaining": max(0, limits.calls_in_window_max - calls),
        "Secondly": each_second,
        "Secondly-Remaining": each_second,
    }
    return {f"X-HubSpot-RateLimit-{name}": str(number) for name, number in numbers.items()}


class Throttled(Refused):
    """Too many calls; `headers` say after how long they are let through again, as HubSpot does: not at all by day."""

    headers: dict[str, str]


def throttled(policy: str, seconds: float) -> Throttled:
    """The refusal under this policy. HubSpot gives no `Retry-After`."""
    name = "daily" if policy == "DAILY" else policy.lower()
    refusal = Throttled(
        429, "RATE_LIMITS", f"You have reached your {name} limit.", errorType="RATE_LIMIT", policyName=policy
    )
    known = {"Interval-Milliseconds": str(round(seconds * 1000)), "Remaining": "0"}
    by_policy = {"TEN_SECONDLY_ROLLING": known, "DAILY": {"Daily-Remaining": "0"}}
    refusal.headers = {f"X-HubSpot-RateLimit-{key}": value for key, value in by_policy.get(policy, {}).items()}
    return refusal


class Front:
    """What stands before every endpoint."""

    def __init__(self, world: World) -> None:
        self._counter = Counter(world)

    async def posted(
        self,
        call: Call,
        request: Request,
        work: Callable[[Body], Body | None],
        status: int = 200,
        *,
        search: bool = False,
    ) -> Response:
        """Answer with what the work makes of the request's JSON."""
        body = await read_json(request)

        def take() -> Body | None:
            if body is None:
                raise Refused(400, "VALIDATION_ERROR", "Invalid input JSON: the body must be a JSON object.")
            return work(body)

        return self.answered(call, request, take, status, search=search)

    def answered(
        self, call: Call, request: Request, work: Callable[[], Body | None], status: int = 200, *, search: bool = False
    ) -> Response:
        """Check the token, count the call, do the work, give its answer or refusal in HubSpot's shape.

        Work that ends without a body is answered with 204. A batch with errors in it is answered with 207.
        """
        headers: dict[str, str] = {}
        try:
            _authorize(call, request)
            headers = self._counter.count(call.connection, search=search)
            with call.world.transaction():
                body = work()
        except Throttled as refused:
            call.outcome = "throttle"
            return JSONResponse(refused.body, refused.status, headers=refused.headers)
        except Refused as refused:
            call.outcome = "unauthorised" if refused.status == 401 else "refused"
            return JSONResponse(refused.body, refused.status, headers=headers)
        if body is None:
            return Response(status_code=204, headers=headers)
        if body.get("numErrors"):
            call.outcome, status = "refused", 207
        return JSONResponse(body, status, headers=headers)


def _authorize(call: Call, request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer hubspot-test-{call.connection}":
        text = (
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
            "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
        )
        raise Refused(401, "INVALID_AUTHENTICATION", text)


def batch(started_at: str, completed_at: str, results: list[Body], errors: list[Body]) -> Body:
    """The answer to a batch."""
    answer: Body = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": started_at,
        "completedAt": completed_at,
    }
    return answer | ({"numErrors": len(errors), "errors": errors} if errors else {})
