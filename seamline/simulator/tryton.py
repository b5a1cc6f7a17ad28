"""Tryton 8.2's REST API: `/{db}/rest/model/...`, for any name of a database.

The user application's key is `tryton-test-<connection>`, as `Authorization: Bearer`. `X-Tryton-Context` is urlsafe
base64 of `{"company": 1}`. Operations are `MODEL.search`, `MODEL.get`, `MODEL.create`, `MODEL.update`, and
`MODEL.BUTTON`, for example `sale.sale.create` and `stock.shipment.out.assign_try`. The fault `not-assigned` lets
`assign_try` answer 200 and leave the shipment waiting. A new connection holds company 1 (GBP), one warehouse and the
articles of `goods`. Source: trytond 8.2, protocols/rest.py and the modules party, product, sale, stock.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from seamline.simulator.faults import FaultKind, Injected
from seamline.simulator.tryton_buttons import PROCESS, SYSTEM, Buttons, Warehouse
from seamline.simulator.tryton_models import CREATED_OVER_REST, MODELS, Values
from seamline.simulator.tryton_packages import PackageWanted
from seamline.simulator.tryton_records import Records, check_read
from seamline.simulator.tryton_returns import RETURN, create_return, press_return
from seamline.simulator.tryton_seed import add_missing_products, seed
from seamline.simulator.tryton_values import Defect, UserError
from seamline.simulator.vendor import Vendor, WorldError
from seamline.simulator.world import THROTTLE_SECONDS_DEFAULT, Call, World, now

PATH_LENGTH_MAX = 60
Work = Callable[[Records, Call], Any]


class _Answer(Exception):
    """An HTTP status instead of a result."""

    def __init__(self, status: int) -> None:
        super().__init__(f"answered with {status}")
        self.status = status


def vendor(world: World) -> Vendor:
    """Tryton, on this world."""
    warehouse = Warehouse(world)

    def move(connection: str, shipment_id: str, state: str, packages: Sequence[PackageWanted]) -> str:
        try:
            return warehouse.move(connection, shipment_id, state, packages=packages)
        except ValueError as error:
            raise WorldError(str(error), 409) from None

    return Vendor(system=SYSTEM, router=_Routes(world).router, render=render, move_shipment=move)


def render(injected: Injected) -> Response:
    """An injected fault as Tryton would answer it."""
    fault = injected.fault
    if fault.kind is FaultKind.REFUSE:
        return _user_error(f"{fault.reason} ({fault.field})" if fault.field else fault.reason)
    if fault.kind is FaultKind.THROTTLE:
        seconds = THROTTLE_SECONDS_DEFAULT if fault.delay_seconds is None else fault.delay_seconds
        answer = _page(HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["Retry-After"] = str(math.ceil(seconds))
        return answer
    return _page(fault.status or 503)


class _Routes:
    """The vendor's own routes. What is not shown in a state, or names what is not there, fails as in the real one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.router = APIRouter(prefix="/{database}/rest/model")
        self.router.get("/{model}")(self.search)
        self.router.post("/{model}")(self.create)
        self.router.get("/{model}/{record_id:int}")(self.read)
        self.router.put("/{model}/{record_id:int}")(self.update)
        self.router.post("/{model}/{record_id:int}/{button}")(self.press)

    async def search(self, connection: str, model: str, request: Request) -> Response:
        """`d` domain, `f` fields, `s` size, `p` offset, `o` order; or a header `Range: records=0-99`."""

        def work(records: Records, call: Call) -> Any:
            if model == "product.product":
                add_missing_products(records)
            found = records.search(model, _encoded(request.query_params.get("d")) or [])
            found = _ordered(records, model, [] if call.blind else found, _encoded(request.query_params.get("o")))
            offset, size, ranged = _window(request)
            shown = found[offset:] if size is None else found[offset : offset + size]
            fields = _fields(model, request)
            body = [records.read(model, one, fields) for one in shown]
            if not ranged:
                return body
            headers = {
                "Accept-Ranges": "records",
                "Content-Range": f"records {offset}-{offset + len(body)}/{len(found)}",
            }
            return JSONResponse(body, headers=headers)

        return await self._run(connection, request, f"{model}.search", work, search=True)

    async def create(self, connection: str, model: str, request: Request) -> Response:
        """Create one record and read it."""
        body = await _body(request)

        def work(records: Records, _: Call) -> Any:
            if model not in MODELS:
                raise Defect(f"KeyError: {model}")
            if model not in (*CREATED_OVER_REST, RETURN):
                raise UserError(f'You are not allowed to create records of "{MODELS[model].label}".')
            made = create_return(records, body) if model == RETURN else records.create(model, body)
            return records.read(model, made, _fields(model, request))

        return await self._run(connection, request, f"{model}.create", work)

    async def read(self, connection: str, model: str, record_id: int, request: Request) -> Response:
        """Read one record."""

        def work(records: Records, _: Call) -> Any:
            return records.read(model, _known(records, model, record_id), _fields(model, request))

        return await self._run(connection, request, f"{model}.get", work)

    async def update(self, connection: str, model: str, record_id: int, request: Request) -> Response:
        """Change one record and read it."""
        body = await _body(request)

        def work(records: Records, _: Call) -> Any:
            changed = records.write(model, _known(records, model, record_id), body)
            return records.read(model, changed, _fields(model, request))

        return await self._run(connection, request, f"{model}.update", work)

    async def press(self, connection: str, model: str, record_id: int, button: str, request: Request) -> Response:
        """Press a button of one record and read it."""

        def work(records: Records, call: Call) -> Any:
            record = _known(records, model, record_id)
            try:
                if model == RETURN:
                    press_return(records, record, button, now())
                    return records.read(model, record, _fields(model, request))
                afterwards = Buttons(records, spare=call.not_assigned).press(model, record, button)
            except KeyError:
                raise _Answer(HTTPStatus.FORBIDDEN) from None
            answer = records.read(model, record, _fields(model, request))
            if afterwards and call.processed_after is not None:
                self.world.schedule(call.processed_after, PROCESS, connection, str(record_id))
            elif afterwards:
                afterwards()
            return answer

        return await self._run(connection, request, f"{model}.{button}", work)

    async def _run(
        self, connection: str, request: Request, operation: str, work: Work, *, search: bool = False
    ) -> Response:
        async with self.world.call(connection, SYSTEM, operation[:PATH_LENGTH_MAX], search=search) as call:
            try:
                answer = self._worked(connection, request, work, call)
            except UserError as error:
                answer = _user_error(str(error))
            except Defect as error:
                answer = _page(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
            except _Answer as error:
                answer = _page(error.status)
            if answer.status_code >= HTTPStatus.BAD_REQUEST:
                call.outcome = "refused"
            return answer

    def _worked(self, connection: str, request: Request, work: Work, call: Call) -> Response:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(key.encode(), f"tryton-test-{connection}".encode()):
            raise _Answer(HTTPStatus.UNAUTHORIZED)
        context = _encoded(request.headers.get("X-Tryton-Context")) or {}
        if not isinstance(context, dict):
            raise Defect("the context is an object")
        records = Records(self.world, connection, context)
        seed(records)
        with self.world.transaction():
            answer = work(records, call)
        return answer if isinstance(answer, Response) else JSONResponse(answer)


def _known(records: Records, model: str, record_id: int) -> Values:
    if model not in MODELS:
        raise Defect(f"KeyError: {model}")
    record = records.get(model, record_id)
    if record is None:
        raise _Answer(HTTPStatus.NOT_FOUND)
    return record


def _fields(model: str, request: Request) -> list[str]:
    fields = request.query_params.getlist("f") or ["rec_name"]
    for path in fields:
        check_read(model, path)
    return fields


def _window(request: Request) -> tuple[int, int | None, bool]:
    """Offset, size, and whether they were asked for as a range."""
    try:
        unit, _, span = request.headers.get("Range", "").partition("=")
        start, _, end = span.partition("-")
        if unit and start and "," not in span:
            return int(start), int(end) - int(start) if end else None, True
        size = request.query_params.get("s")
        return int(request.query_params.get("p", 0)), None if size is None else int(size), False
    except ValueError as error:
        raise Defect(str(error)) from None


def _ordered(records: Records, model: str, found: list[Values], order: Any) -> list[Values]:
    for name, direction in reversed(order or []):
        keyed = [(records.value(model, one, name), one) for one in found]
        keyed.sort(key=lambda pair: (pair[0] is not None, pair[0]), reverse=str(direction).upper().startswith("DESC"))
        found = [one for _, one in keyed]
    return found


async def _body(request: Request) -> Any:
    """The body's JSON with Tryton's own types, None where there is none. An error is told once the key is checked."""
    try:
        return json.loads(await request.body() or b"null", object_hook=_decoded)
    except (ValueError, RecursionError):
        return None


def _encoded(text: str | None) -> Any:
    """What a parameter or header in urlsafe base64 of JSON says."""
    if not text:
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(text), object_hook=_decoded)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Defect(type(error).__name__) from None


def _decoded(value: Mapping[str, Any]) -> Any:
    try:
        match value.get("__class__"):
            case "Decimal":
                return Decimal(value["decimal"])
            case "date":
                return date(value["year"], value["month"], value["day"])
            case "datetime":
                names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
                return datetime(*(value[name] for name in names))  # noqa: DTZ001 - Tryton's have no zone and mean UTC
            case _:
                return value
    except (KeyError, TypeError, InvalidOperation) as error:
        raise ValueError(type(error).__name__) from None


def _user_error(message: str) -> Response:
    return JSONResponse({"status": 400, "message": message, "description": ""}, 400)


def _page(status: int, text: str = "") -> Response:
    """An error without Tryton's own words: the page of its web framework."""
    name = HTTPStatus(status).phrase
    head = f"<!doctype html>\n<html lang=en>\n<title>{status} {name}</title>\n<h1>{name}</h1>\n"
    return HTMLResponse(f"{head}<p>{text or HTTPStatus(status).description}</p>\n", status)
