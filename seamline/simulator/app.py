"""The simulator as one ASGI app: every vendor under `/{system}/{connection}`, the control API under `/_simulator`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from seamline.simulator import control, hubspot, pages, salesforce, shippo, shopify, slack, tryton, xero
from seamline.simulator.faults import ConnectionCut, Injected
from seamline.simulator.vendor import Vendor, WorldError
from seamline.simulator.world import World

BODY_BYTES_MAX = 1_000_000

MakeVendor = Callable[[World], Vendor]
VENDORS: tuple[MakeVendor, ...] = (
    shopify.vendor,
    tryton.vendor,
    shippo.vendor,
    slack.vendor,
    hubspot.vendor,
    salesforce.vendor,
    xero.vendor,
)


def create_app(world: World, makes: Sequence[MakeVendor] = VENDORS) -> FastAPI:
    """The app over this world, of all vendors or of some."""
    app = FastAPI(title="Seamline's simulator", docs_url=None, redoc_url=None, openapi_url=None)
    vendors = {vendor.system: vendor for vendor in (make(world) for make in makes)}

    def render(_: Request, error: Exception) -> Response:
        injected = cast(Injected, error)
        return vendors[injected.system].render(injected)

    app.add_exception_handler(Injected, render)
    app.add_exception_handler(ConnectionCut, lambda _request, _error: _Cut())
    app.add_exception_handler(WorldError, _world_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _invalid)
    app.include_router(control.router(world, vendors))
    app.include_router(pages.router(world))
    for vendor in vendors.values():
        app.include_router(vendor.control, prefix="/_simulator")
        app.include_router(vendor.router, prefix=f"/{vendor.system}/{{connection}}")
    app.add_middleware(_BodyLimit)
    return app


def _world_error(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, cast(WorldError, error).status)


def _invalid(_: Request, error: Exception) -> Response:
    """Names each wrong field and what is wrong, without the value."""
    problems = cast(RequestValidationError | ValidationError, error).errors()
    fields = [
        (".".join(str(part) for part in problem["loc"] if part != "body"), problem["msg"]) for problem in problems
    ]
    return JSONResponse({"detail": [{"field": field or "body", "reason": reason} for field, reason in fields]}, 422)


class _Cut(Response):
    """No answer at all: closes the socket, which the server's protocol puts into the connection's state."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport: asyncio.Transport = scope["state"]["transport"]
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


class _BodyLimit:
    """Refuses bodies that are too long or do not say how long they are."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        length = headers.get(b"content-length", b"0")
        if b"transfer-encoding" in headers:
            await JSONResponse({"detail": "send Content-Length"}, 411)(scope, receive, send)
        elif not length.isdigit() or int(length) > BODY_BYTES_MAX:
            await JSONResponse({"detail": f"body: at most {BODY_BYTES_MAX} bytes"}, 413)(scope, receive, send)
        else:
            await self.app(scope, receive, send)
