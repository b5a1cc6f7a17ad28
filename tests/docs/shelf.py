"""The vendor of the worked example: Shelf's side, small and strict, for the role's suite to run against."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException, Request
from starlette.responses import JSONResponse, Response

from docs.examples.shelf.inventory import Account, ShelfInventory, connect
from seamline.http import HttpFactory
from seamline.records.stock import Reservation

TOKEN = "shelf-token"
STATUSES = {"picked": "picked", "packed": "boxed", "done": "sent"}


class Shelf:
    """What Shelf keeps, and how its day goes: `answer` overrides every answer, `lost` is of the next new hold."""

    def __init__(self) -> None:
        self.free: Counter[str] = Counter({"MUG-BLUE": 100, "TEE-M": 100, "LAMP-OAK": 20})
        self.holds: dict[int, dict[str, Any]] = {}
        self.answer: Response | None = None
        self.lost = False

    def create(self, body: dict[str, Any]) -> Response:
        unknown = [place for place, line in enumerate(body["lines"]) if line["sku"] not in self.free]
        if unknown:
            wrong = [{"field": f"lines.{place}.sku", "reason": "is not known"} for place in unknown]
            return JSONResponse({"message": "unknown articles", "wrong": wrong}, 422)
        hold = {**body, "id": len(self.holds) + 1, "status": "new"}
        self.holds[hold["id"]] = hold
        if self.lost:
            self.lost = False
            return Response(status_code=502)
        return JSONResponse(hold, 201)

    def assign(self, hold: dict[str, Any]) -> Response:
        wrong = [
            {"field": f"lines.{place}.quantity", "reason": f"only {self.free[line['sku']]} are there"}
            for place, line in enumerate(hold["lines"])
            if line["pieces"] > self.free[line["sku"]]
        ]
        if wrong:
            return JSONResponse({"message": "too few goods", "wrong": wrong}, 409)
        self._move(hold, -1)
        hold["status"] = "held"
        return JSONResponse(hold)

    def drop(self, hold: dict[str, Any]) -> Response:
        if hold["status"] in ("sent", "dropped"):
            return JSONResponse({"message": f"is {hold['status']}"}, 400)
        if hold["status"] != "new":
            self._move(hold, 1)
        hold["status"] = "dropped"
        return JSONResponse(hold)

    def _move(self, hold: dict[str, Any], direction: int) -> None:
        for line in hold["lines"]:
            self.free[line["sku"]] += direction * line["pieces"]


def app(shelf: Shelf) -> FastAPI:
    """Shelf's API."""
    app = FastAPI()

    @app.middleware("http")
    async def door(request: Request, go_on: Any) -> Response:
        if request.headers.get("X-Shelf-Token") != TOKEN:
            return Response(status_code=401)
        return shelf.answer or await go_on(request)

    @app.get("/about")
    async def about() -> dict[str, str]:
        return {"shop": "Example Ltd"}

    @app.get("/holds")
    async def find(reference: str = "") -> list[dict[str, Any]]:
        return [one for one in shelf.holds.values() if not reference or one["reference"] == reference]

    @app.get("/stock")
    async def stock(request: Request) -> list[dict[str, Any]]:
        asked = request.query_params.getlist("sku")
        return [{"sku": sku, "free": shelf.free[sku]} for sku in asked if sku in shelf.free]

    @app.post("/holds")
    async def create(request: Request) -> Response:
        return shelf.create(await request.json())

    @app.get("/holds/{number}")
    async def read(number: int) -> dict[str, Any]:
        if number not in shelf.holds:
            raise HTTPException(404)
        return shelf.holds[number]

    @app.post("/holds/{number}/assign")
    async def assign(number: int) -> Response:
        return shelf.assign(shelf.holds[number])

    @app.post("/holds/{number}/drop")
    async def drop(number: int) -> Response:
        return shelf.drop(shelf.holds[number])

    return app


class Side:
    """Shelf with the adapter that the example builds."""

    name = "shelf-main"
    secrets = (TOKEN,)

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.adapter = self._connected(TOKEN)

    def _connected(self, token: str) -> ShelfInventory:
        account = Account.model_validate({"url": "http://shelf.example", "token": token})
        return connect(self.name, account, HttpFactory(transport=httpx.ASGITransport(app(self.shelf))))

    async def throttle(self) -> None:
        self.shelf.answer = Response(status_code=429, headers={"Retry-After": "2"})

    async def go_down(self) -> None:
        self.shelf.answer = Response(status_code=503)

    async def lock_out(self) -> None:
        self.adapter = self._connected("old-token")

    async def heal(self) -> None:
        self.shelf.answer = None

    async def free(self, sku: str) -> int:
        return self.shelf.free[sku]

    async def set_free(self, sku: str, pieces: int) -> None:
        self.shelf.free[sku] = pieces

    async def warehouse(self, reservation: Reservation, *states: str) -> None:
        for state in states:
            self.shelf.holds[int(reservation.id)]["status"] = STATUSES[state]

    async def miss_assignments(self, count: int) -> None:
        """Shelf assigns at once or says why not: nothing to do."""

    async def lose_reply(self) -> None:
        self.shelf.lost = True
