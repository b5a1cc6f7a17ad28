"""What every call of Xero's accounting API goes through: token, tenant, limits, `Idempotency-Key`, lists and batches.

A key holds for the request it came with first: the same request gets the same answer, another one a 400. What was
refused is not kept. Where several objects come at once, one that is wrong keeps all from being stored, unless
`summarizeErrors=false` asks for each on its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from seamline.simulator import xero_where as lists
from seamline.simulator.vendor import read_json
from seamline.simulator.world import Body, Call, World
from seamline.simulator.xero_answers import (
    SYSTEM,
    Invalid,
    Refused,
    envelope,
    exception,
    unauthorised,
    validation,
    with_errors,
)
from seamline.simulator.xero_books import Books
from seamline.simulator.xero_limits import Gate
from seamline.simulator.xero_tokens import Tokens, tenant_id
from seamline.simulator.xero_webhooks import Webhooks

KEY_LENGTH_MAX = 128
BATCH_MAX = 50
ROOT = "/api.xro/2.0"
_KEPT = "idempotency-key"


@dataclass(frozen=True)
class Asked:
    """One admitted call: the books it acts on and what it says."""

    books: Books
    call: Call
    path: Mapping[str, Any]
    query: Mapping[str, str]
    modified_since: str
    body: Body

    @property
    def decimals(self) -> int:
        """To how many decimals unit amounts are kept."""
        return 4 if self.query.get("unitdp") == "4" else 2


Work = Callable[[Asked], Body | None]
"""Does what is asked; None for an answer without content."""
View = Callable[[Body], Body]


class Door:
    """The one way into the API. `router` has the endpoints that were added."""

    def __init__(self, world: World, webhooks: Webhooks, tokens: Tokens, gate: Gate) -> None:
        self.world = world
        self.webhooks = webhooks
        self.tokens = tokens
        self.gate = gate
        self.router = APIRouter()

    def add(self, method: str, path: str, operation: str, work: Work) -> None:
        """Answer this method and path with this work. Lists are searches."""

        async def endpoint(connection: str, request: Request) -> Response:
            search = operation.endswith(".list")
            with self.gate.call(connection) as going_on:
                async with self.world.call(connection, SYSTEM, operation, search=search) as call:
                    answer = await self._answered(call, request, work, going_on)
                    answer.headers.update(self.gate.headers(connection))
                    return answer

        self.router.add_api_route(ROOT + path, endpoint, methods=[method])

    async def _answered(self, call: Call, request: Request, work: Work, going_on: int) -> Response:
        body = {} if request.method in ("GET", "DELETE") else await read_json(request)
        if problem := self._not_let_in(call, request, going_on):
            return problem
        if body is None:
            call.outcome = "refused"
            return exception(14, "PostDataInvalidException", "The body must be a JSON object")
        key = request.headers.get("idempotency-key", "")
        asked_for = hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + await request.body()).hexdigest()
        if answer := self._kept(call, request, key, asked_for):
            return answer
        asked = Asked(
            books=Books(self.world, call.connection, self.webhooks, str(request.base_url), self.gate.mail, key=key),
            call=call,
            path=request.path_params,
            query=request.query_params,
            modified_since=request.headers.get("if-modified-since", ""),
            body=body,
        )
        try:
            with self.world.transaction() if request.method != "GET" else nullcontext():
                done = work(asked)
                if key:
                    kept = {"asked": asked_for, "answer": done}
                    self.world.put(call.connection, _KEPT, key, kept)
        except Refused as refused:
            call.outcome = "refused"
            return refused.answer
        except Invalid as invalid:
            call.outcome = "refused"
            return validation([with_errors({}, invalid.messages)])
        return _answer(request, done)

    def _not_let_in(self, call: Call, request: Request, going_on: int) -> Response | None:
        if problem := self.tokens.problem(call.connection, request):
            call.outcome = "unauthorised"
            return problem
        if request.headers.get("xero-tenant-id") != tenant_id(call.connection):
            call.outcome = "unauthorised"
            return unauthorised("AuthenticationUnsuccessful", 403)
        if problem := self.gate.admit(call.connection, going_on):
            call.outcome = "throttle"
        return problem

    def _kept(self, call: Call, request: Request, key: str, asked_for: str) -> Response | None:
        """The answer that this key had, or what is wrong with the key."""
        if len(key) > KEY_LENGTH_MAX:
            call.outcome = "refused"
            return exception(10, "ValidationException", f"Idempotency-Key: at most {KEY_LENGTH_MAX} characters")
        kept = self.world.get(call.connection, _KEPT, key) if key else None
        if kept is None:
            return None
        if kept["asked"] != asked_for:
            call.outcome = "refused"
            return exception(10, "ValidationException", "The Idempotency-Key was used for another request")
        return _answer(request, kept["answer"])


def _answer(request: Request, done: Body | None) -> Response:
    """What was done, in JSON for whoever asks for it; Xero speaks XML by default."""
    if done is None:
        return Response(status_code=204)
    if "json" not in request.headers.get("accept", ""):
        return Response("<Response><Status>OK</Status></Response>", media_type="text/xml")
    return JSONResponse(done)


def listing(asked: Asked, name: str, kept: list[Body], view: Callable[[Body, bool], Body]) -> Body:
    """What a list endpoint gives of the stored objects; `view(stored, full)` shows one. Pages are shown in full."""
    found = [] if asked.call.blind else kept
    if asked.modified_since:
        since = lists.modified_since(asked.modified_since)
        found = [one for one in found if datetime.fromisoformat(one["updated_at"]) >= since]
    condition, order, paged = asked.query.get("where", ""), asked.query.get("order", ""), "page" in asked.query
    if condition:
        test = lists.where(condition)
        found = [one for one in found if test(view(one, False))]
    if order:
        shown = lists.arranged([view(one, False) | {"_stored": one} for one in found], order)
        found = [one["_stored"] for one in shown]
    if not paged:
        return envelope(name, [view(one, False) for one in found])
    page, about = lists.paged(found, asked.query)
    return envelope(name, [view(one, True) for one in page], pagination=about)


def each(asked: Asked, name: str, work: Callable[[Body], Body], view: View) -> Body:
    """Do the work for each object that came, and show each; one alone may come without the list around it.

    The work refuses before it stores anything."""
    given = asked.body.get(name, [asked.body])
    if not isinstance(given, list) or not 1 <= len(given) <= BATCH_MAX or not all(isinstance(o, dict) for o in given):
        raise Refused(exception(14, "PostDataInvalidException", f"{name} must be a list of 1 to {BATCH_MAX} objects"))
    shown, wrong = [], []
    for one in given:
        try:
            shown.append(view(work(one)) | {"StatusAttributeString": "OK"})
        except Invalid as invalid:
            wrong.append(with_errors(one, invalid.messages))
            shown.append(wrong[-1])
    if wrong and asked.query.get("summarizeErrors", "true").lower() != "false":
        raise Refused(validation(wrong))
    return envelope(name, shown)
