"""How Shippo answers: tokens checked, refusals in its shape, lists in pages."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request
from starlette.responses import JSONResponse, Response

from seamline.simulator.vendor import read_json
from seamline.simulator.world import Body, Call


class Refused(Exception):
    """What Shippo answers with a 4xx status."""

    def __init__(self, status: int, body: Body) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.body = body


async def posted(call: Call, request: Request, work: Callable[[Call, Body, Request], Body]) -> Response:
    """Answer 201 with what the work makes of the request's JSON."""
    body = await read_json(request)

    def create() -> Body:
        if body is None:
            raise Refused(400, {"detail": "JSON parse error: the body must be a JSON object."})
        return work(call, body, request)

    return answered(call, request, create, 201)


def answered(call: Call, request: Request, work: Callable[[], Body], status: int = 200) -> Response:
    """Check the token, do the work, give its answer or refusal in Shippo's shape."""
    if request.headers.get("authorization") != f"ShippoToken shippo-test-{call.connection}":
        call.outcome = "unauthorised"
        return JSONResponse({"detail": "Invalid token."}, 401)
    try:
        body = work()
    except Refused as refused:
        call.outcome = "refused"
        return JSONResponse(refused.body, refused.status)
    return Response(status_code=status) if status == 204 else JSONResponse(public(body), status)


def public(body: Body) -> Body:
    """The object without what only the simulator knows of it."""
    return without(body, "private")


def without(body: Body, name: str) -> Body:
    """The object without one field."""
    return {key: value for key, value in body.items() if key != name}


def text(body: Body, field: str, *, required: bool = False) -> str:
    """A field's text. Refused when it is none, or missing though required."""
    value = body.get(field)
    if value in (None, "") and required:
        raise Refused(400, {field: ["This field is required."]})
    if not isinstance(value, str | None):
        raise Refused(400, {field: ["Not a valid string."]})
    return value or ""


def paged(request: Request, found: list[Body], page: int, size: int) -> Body:
    """One page, as Shippo's list endpoints give them; `next` and `previous` are left out where there is none."""
    start = (page - 1) * size
    answer: Body = {"results": [public(body) for body in found[start : start + size]]}
    if start + size < len(found):
        answer["next"] = str(request.url.include_query_params(page=page + 1, results=size))
    if page > 1:
        answer["previous"] = str(request.url.include_query_params(page=page - 1, results=size))
    return answer
