"""Shippo's API (version 2018-02-08): addresses, shipments with rates, labels, refunds, tracking, webhooks.

Token `shippo-test-<connection>`. Operations: `addresses.create`, `shipments.create`, `customs.create`,
`customs.get`, `transactions.create`,
`transactions.get`, `transactions.list` (a search), `rates.get`, `refunds.create`, `refunds.get`, `tracks.get`,
`webhooks.create`, `webhooks.list`, `webhooks.delete`. A fault of kind refuse for `refunds.confirm` makes the carrier
reject the next due refund. Source: Shippo's published OpenAPI.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse, Response

from seamline.simulator import shippo_rates as rates
from seamline.simulator.faults import FaultKind, Injected
from seamline.simulator.shippo_answers import Refused, answered, paged, posted, public, text, without
from seamline.simulator.shippo_customs import Declarations
from seamline.simulator.shippo_labels import SYSTEM, Labels, marks, new_id, stamps, track_of
from seamline.simulator.shippo_webhooks import Webhooks
from seamline.simulator.vendor import Vendor
from seamline.simulator.world import THROTTLE_SECONDS_DEFAULT, Body, Call, World

PAGE_SIZE_MAX = 100
PAGE_SIZE_DEFAULT = 25
METADATA_LENGTH_MAX = 100
PARCELS_MAX = 50


class ParcelMove(BaseModel):
    """Where a parcel is now."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    state: Literal["TRANSIT", "DELIVERED", "RETURNED", "FAILURE"]


def vendor(world: World) -> Vendor:
    """Shippo, on this world."""
    webhooks = Webhooks(world)
    labels = Labels(world, webhooks.tell)
    router = _Routes(world, labels).router
    router.include_router(webhooks.router)
    return Vendor(system=SYSTEM, router=router, render=render, control=_control(labels, Declarations(world)))


def render(injected: Injected) -> Response:
    """An injected fault as Shippo would answer it."""
    fault = injected.fault
    if fault.kind is FaultKind.THROTTLE:
        seconds = THROTTLE_SECONDS_DEFAULT if fault.delay_seconds is None else fault.delay_seconds
        detail = f"Request was throttled. Expected available in {seconds:.0f} seconds."
        return JSONResponse({"detail": detail}, 429, headers={"Retry-After": f"{seconds:.0f}"})
    if fault.kind is FaultKind.REFUSE:
        return JSONResponse({fault.field or "detail": [fault.reason] if fault.field else fault.reason}, 400)
    return JSONResponse({"detail": fault.reason}, fault.status or 503)


def _control(labels: Labels, customs: Declarations) -> APIRouter:
    routes = APIRouter()

    @routes.post("/parcels/{number}")
    async def move(number: str, request: ParcelMove) -> dict[str, str]:
        parcel = labels.move_parcel(number, request.state)
        return {"number": number, "state": parcel["history"][-1]["status"]}

    @routes.get("/consignments")
    async def consignments() -> list[Body]:
        return [
            one
            for name, system in labels.world.connections().items()
            if system == SYSTEM
            for one in customs.passed(name)
        ]

    return routes


class _Routes:
    """Shippo's endpoints."""

    def __init__(self, world: World, labels: Labels) -> None:
        self.world = world
        self.labels = labels
        self.customs = Declarations(world)
        self.router = APIRouter()
        post, get = self.router.post, self.router.get
        post("/addresses")(self.create_address)
        post("/shipments")(self.create_shipment)
        post("/customs/declarations")(self.create_declaration)
        get("/customs/declarations/{object_id}")(self.get_declaration)
        post("/transactions")(self.create_transaction)
        get("/transactions")(self.list_transactions)
        get("/transactions/{object_id}")(self.get_transaction)
        get("/rates/{object_id}")(self.get_rate)
        post("/refunds")(self.create_refund)
        get("/refunds/{object_id}")(self.get_refund)
        get("/tracks/{carrier}/{number}")(self.track)

    async def create_address(self, connection: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "addresses.create", refusals=True) as call:
            return await posted(call, request, self._create_address)

    async def create_shipment(self, connection: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "shipments.create", refusals=True) as call:
            return await posted(call, request, self._create_shipment)

    async def create_declaration(self, connection: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "customs.create", refusals=True) as call:
            return await posted(call, request, self.customs.create)

    async def get_declaration(self, connection: str, object_id: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "customs.get") as call:
            return answered(call, request, lambda: self._found(connection, "customs-declaration", object_id))

    async def create_transaction(self, connection: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "transactions.create", refusals=True) as call:
            return await posted(call, request, self._create_transaction)

    async def create_refund(self, connection: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "refunds.create") as call:
            return await posted(call, request, self._create_refund)

    async def get_transaction(self, connection: str, object_id: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "transactions.get") as call:
            return answered(call, request, lambda: self._found(connection, "transaction", object_id))

    async def get_rate(self, connection: str, object_id: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "rates.get") as call:
            return answered(call, request, lambda: self._found(connection, "rate", object_id))

    async def get_refund(self, connection: str, object_id: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "refunds.get") as call:
            return answered(call, request, lambda: self._found(connection, "refund", object_id))

    async def track(self, connection: str, carrier: str, number: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "tracks.get") as call:
            return answered(call, request, lambda: self._track(connection, carrier, number))

    async def list_transactions(
        self,
        connection: str,
        request: Request,
        rate: Annotated[str | None, Query(max_length=64)] = None,
        object_status: Annotated[str | None, Query(max_length=32)] = None,
        page: Annotated[int, Query(ge=1, le=10_000)] = 1,
        results: Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE_DEFAULT,
    ) -> Response:
        async with self.world.call(connection, SYSTEM, "transactions.list", search=True) as call:
            where = {"rate": rate, "status": object_status}
            given = {name: value for name, value in where.items() if value is not None}
            found = [] if call.blind else self.world.find(connection, "transaction", given)[::-1]
            return answered(call, request, lambda: paged(request, found, page, results))

    # -- the endpoints' work -----------------------------------------------------------------------------------------

    def _create_address(self, call: Call, body: Body, _: Request) -> Body:
        address = _address(body, "country")
        answer = without(address, "validate") | stamps(call.connection, new_id()) | {"is_complete": True}
        if body.get("validate"):
            answer["validation_results"] = _validation(call, address)
        self.world.put(call.connection, "address", answer["object_id"], answer)
        return answer

    def _create_shipment(self, call: Call, body: Body, _: Request) -> Body:
        sender = self._address_of(call.connection, body, "address_from")
        recipient = self._address_of(call.connection, body, "address_to")
        if (body.get("extra") or {}).get("is_return"):
            sender, recipient = recipient, sender
        parcels = _parcels(call.connection, body)
        try:
            kilograms = rates.weight_kg(parcels)
        except ValueError as error:
            raise Refused(400, {"parcels": [str(error)]}) from None
        shipment_id = new_id()
        offers = rates.offers(sender["country"], recipient["country"], kilograms)
        messages = []
        if call.refusal is not None or not offers:
            text = call.refusal.reason if call.refusal else "No carrier offers a rate for this shipment."
            messages = [{"source": "Shippo", "code": "", "text": text}]
            offers = []
            call.outcome = "refused"
        declared = self.customs.of(call.connection, body)
        private = {
            "undeclared": declared is None and rates.passes_customs(sender["country"], recipient["country"]),
            "destination": recipient["country"],
            "postcode": recipient.get("zip", ""),
            "weight_kg": str(kilograms),
            "back": self._is_back(_metadata(body)),
        }
        made = _rates(call.connection, shipment_id, offers, rates.currency(sender["country"]), private)
        shipment = stamps(call.connection, shipment_id) | {
            "address_from": sender,
            "address_to": recipient,
            "parcels": parcels,
            "carrier_accounts": [],
            **({"customs_declaration": public(declared)} if declared else {}),
            "metadata": _metadata(body),
            "status": "SUCCESS",
            "messages": messages,
            "rates": [public(rate) for rate in made],
        }
        with self.world.transaction():
            self.world.put(call.connection, "shipment", shipment_id, shipment)
            for rate in made:
                self.world.put(call.connection, "rate", rate["object_id"], rate)
        return shipment

    def _is_back(self, metadata: str) -> bool:
        """Whether a customer will send it: of a return, whose reference names one."""
        return "-R" in marks(metadata)["reference"].partition(":")[2]

    def _create_transaction(self, call: Call, body: Body, request: Request) -> Body:
        rate = self.world.get(call.connection, "rate", text(body, "rate", required=True))
        if rate is None:
            raise Refused(400, {"rate": ["Rate with supplied object_id not found."]})
        wanted = {
            "async": bool(body.get("async", False)),
            "metadata": _metadata(body),
            "label_file_type": text(body, "label_file_type") or "PDF",
        }
        refusal = call.refusal.reason if call.refusal else None
        label = self.labels.buy(call.connection, rate, wanted, base_url=str(request.base_url), refusal=refusal)
        if label["status"] == "ERROR":
            call.outcome = "refused"
        return label

    def _create_refund(self, call: Call, body: Body, _: Request) -> Body:
        label = self.world.get(call.connection, "transaction", text(body, "transaction", required=True))
        if label is None:
            raise Refused(400, {"transaction": ["Transaction with supplied object_id not found."]})
        if label["status"] != "SUCCESS":
            raise Refused(400, {"transaction": [f"A transaction in status {label['status']} cannot be refunded."]})
        return self.labels.refund(call.connection, label)

    def _found(self, connection: str, kind: str, object_id: str) -> Body:
        body = self.world.get(connection, kind, object_id)
        if body is None:
            raise Refused(404, {"detail": "Not found."})
        return body

    def _track(self, connection: str, carrier: str, number: str) -> Body:
        parcel = self.world.get(connection, "parcel", number)
        if parcel is None or parcel["carrier"] != carrier.lower():
            return track_of({"carrier": carrier, "number": number, "history": []})
        return track_of(parcel)

    def _address_of(self, connection: str, body: Body, field: str) -> Body:
        given = body.get(field)
        if isinstance(given, str):
            known = self.world.get(connection, "address", given)
            if known is None:
                raise Refused(400, {field: ["Address with supplied object_id not found."]})
            return known
        if not isinstance(given, dict):
            raise Refused(400, {field: ["This field is required."]})
        return without(_address(given, field), "validate") | stamps(connection, new_id()) | {"is_complete": True}


def _metadata(body: Body) -> str:
    metadata = text(body, "metadata")
    if len(metadata) > METADATA_LENGTH_MAX:
        raise Refused(400, {"metadata": [f"Ensure this field has no more than {METADATA_LENGTH_MAX} characters."]})
    return metadata


def _address(body: Body, field: str) -> Body:
    texts = ("name", "company", "street1", "street2", "street3", "street_no", "city", "state", "zip", "country")
    for name in (*texts, "phone", "email", "metadata"):
        text(body, name)
    if not text(body, "country"):
        raise Refused(400, {field: ["This field is required." if field == "country" else "country is required."]})
    present = {name: value for name, value in body.items() if value is not None}
    return rates.normalised(present)


def _validation(call: Call, address: Body) -> Body:
    problem = call.refusal.reason if call.refusal else rates.postcode_problem(address["zip"], address["country"])
    if problem is None and not (address.get("street1") and address.get("city")):
        problem = "The address as submitted could not be found: street and city are needed."
    if problem is None:
        return {"is_valid": True, "messages": []}
    call.outcome = "refused"
    message = {"source": "Shippo Address Validator", "code": "verification_error", "type": "address_error"}
    return {"is_valid": False, "messages": [message | {"text": problem}]}


def _parcels(connection: str, body: Body) -> list[Body]:
    given = body.get("parcels")
    if not isinstance(given, list) or not given or len(given) > PARCELS_MAX:
        raise Refused(400, {"parcels": [f"Give 1 to {PARCELS_MAX} parcels."]})
    if not all(isinstance(parcel, dict) for parcel in given):
        raise Refused(400, {"parcels": ["Each parcel must be an object."]})
    return [_measured(parcel) | stamps(connection, new_id()) | {"object_state": "VALID"} for parcel in given]


def _measured(parcel: Body) -> Body:
    """The parcel as Shippo gives it back: numbers as texts."""
    return {name: str(value) if isinstance(value, int | float) else value for name, value in parcel.items()}


def _rates(
    connection: str, shipment_id: str, offers: list[tuple[rates.Service, Decimal]], currency: str, private: Body
) -> list[Body]:
    cheapest = min((price for _, price in offers), default=None)
    fastest = min((service.days for service, _ in offers), default=None)
    made = []
    for service, price in offers:
        attributes = ["CHEAPEST", "BESTVALUE"] if price == cheapest else []
        attributes += ["FASTEST"] if service.days == fastest else []
        made.append(
            without(stamps(connection, new_id()), "object_updated")
            | {
                "shipment": shipment_id,
                "attributes": attributes,
                "amount": f"{price:.2f}",
                "currency": currency,
                "amount_local": f"{price:.2f}",
                "currency_local": currency,
                "provider": service.provider,
                "servicelevel": {"name": service.name, "token": service.token, "terms": ""},
                "estimated_days": service.days,
                "carrier_account": f"account-{service.carrier}",
                "messages": [],
                "private": private | {"carrier": service.carrier},
            }
        )
    return made
