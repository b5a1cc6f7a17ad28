"""HubSpot's API: companies and contacts (v3), associations (v4), communication preferences (v3), webhooks (v3).

A private app's token is `hubspot-test-<connection>`, its client secret `secret-<connection>`. Operations:
`companies.get`, `.list`, `.search`, `.create`, `.update`, `.upsert`, `.read` (of a batch), `.archive`, the same of
`contacts` and `contacts.forget`; `properties.get`, `properties.list`; `associations.put`, `associations.list`;
`account.details`, `mail.definitions`, `mail.status`, `mail.subscribe`, `mail.unsubscribe`. `.search`, `.read` and
`.get` by a unique property are searches.

The ledger's operations: create-company, create-contact, archive-company, archive-contact, become-customer,
restore-stage, stop-prospect-mail, resume-prospect-mail; and what people take back of ours: stage-by-hand,
subscription-by-hand, archive-company-by-hand, archive-contact-by-hand. The effect key comes with the property
`seamline_key` that a request writes, for mail in `legalBasisExplanation`.

What people do in HubSpot's pages, and how an account is set up (see `hubspot_people`):

    POST /_simulator/audiences/{connection}/companies {name, domain, stage, properties}
    POST /_simulator/audiences/{connection}/contacts {email, first_name, last_name, stage, company, consent, properties}
    GET /_simulator/audiences/{connection}/companies, .../contacts       all, with history and mail
    PATCH /_simulator/audiences/{connection}/companies/{id}, .../contacts/{id} {property: value}
    DELETE .../companies/{id}, .../contacts/{id}?forget=                 into the bin; forget: for good
    POST .../contacts/{id}/consent {consent: given, doubt, none or withdrawn}
    GET, PUT .../account/limits                                          see `hubspot_answers.Limits`
    POST .../account/subscriptions {event, property, url}                event as `contact.propertyChange`
    GET, POST .../account/deliveries {times}                             what was sent; send it again
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from seamline.simulator import hubspot_search as searching
from seamline.simulator.faults import FaultKind, Injected
from seamline.simulator.hubspot_account import Account
from seamline.simulator.hubspot_answers import (
    SYSTEM,
    Front,
    Refused,
    batch,
    error,
    invalid,
    limits_of,
    throttled,
)
from seamline.simulator.hubspot_lifecycle import Source
from seamline.simulator.hubspot_people import control
from seamline.simulator.hubspot_properties import CONTACTS, PROPERTIES, kind_of, unique_property
from seamline.simulator.hubspot_records import iso, not_found, shown
from seamline.simulator.hubspot_webhooks import Webhooks, portal_id
from seamline.simulator.vendor import Vendor
from seamline.simulator.world import THROTTLE_SECONDS_DEFAULT, Body, Call, World, now

BATCH_MAX = 100
ASSOCIATION_TYPES = {"contacts": 279, "companies": 280}
"""The number of the unlabelled association from this kind to the other."""
_CATEGORIES = {403: "MISSING_SCOPES", 404: "OBJECT_NOT_FOUND", 409: "CONFLICT", 401: "INVALID_AUTHENTICATION"}
Names = Annotated[str | None, Query(max_length=10_000)]
Short = Annotated[str | None, Query(max_length=200)]


def vendor(world: World) -> Vendor:
    """HubSpot, on this world."""
    webhooks = Webhooks(world)
    return Vendor(
        system=SYSTEM, router=_Routes(world, webhooks).router, render=render, control=control(world, webhooks)
    )


def render(injected: Injected) -> Response:
    """An injected fault as HubSpot would answer it."""
    fault = injected.fault
    if fault.kind is FaultKind.THROTTLE:
        seconds = THROTTLE_SECONDS_DEFAULT if fault.delay_seconds is None else fault.delay_seconds
        refused = throttled("TEN_SECONDLY_ROLLING", seconds)
        return JSONResponse(refused.body, refused.status, headers=refused.headers)
    if fault.kind is FaultKind.REFUSE:
        problem = invalid([(fault.field or "lifecyclestage", "INVALID_OPTION", fault.reason)])
        return JSONResponse(problem.body, problem.status)
    status = fault.status or 503
    category = _CATEGORIES.get(status, "VALIDATION_ERROR" if status < 500 else "INTERNAL_ERROR")
    return JSONResponse(error(category, fault.reason), status)


class _Routes:
    """HubSpot's endpoints."""

    def __init__(self, world: World, webhooks: Webhooks) -> None:
        self.world = world
        self.webhooks = webhooks
        self.front = Front(world)
        self.router = APIRouter()
        get, post, put = self.router.get, self.router.post, self.router.put
        objects = "/crm/v3/objects/{kind}"
        get(objects)(self.list_objects)
        post(objects)(self.create)
        post(f"{objects}/search")(self.search)
        post(f"{objects}/batch/upsert")(self.upsert)
        post(f"{objects}/batch/update")(self.update_many)
        post(f"{objects}/batch/read")(self.read)
        post(f"{objects}/gdpr-delete")(self.forget)
        get(f"{objects}/{{object_id}}")(self.get)
        self.router.patch(f"{objects}/{{object_id}}")(self.update)
        self.router.delete(f"{objects}/{{object_id}}")(self.archive)
        get("/crm/v3/properties/{kind}")(self.list_properties)
        get("/crm/v3/properties/{kind}/{name}")(self.get_property)
        associations = "/crm/v4/objects/{kind}/{object_id}/associations"
        put(f"{associations}/default/{{other_kind}}/{{other_id}}")(self.associate)
        get(f"{associations}/{{other_kind}}")(self.associated)
        get("/account-info/v3/details")(self.details)
        preferences = "/communication-preferences/v3"
        get(f"{preferences}/definitions")(self.definitions)
        get(f"{preferences}/status/email/{{address}}")(self.status)
        post(f"{preferences}/subscribe")(self.subscribe)
        post(f"{preferences}/unsubscribe")(self.unsubscribe)

    def _account(self, connection: str) -> Account:
        return Account(self.world, connection, self.webhooks)

    # -- objects -------------------------------------------------------------------------------------------------------

    async def get(
        self,
        connection: str,
        kind: str,
        object_id: str,
        request: Request,
        properties: Names = None,
        propertiesWithHistory: Names = None,
        idProperty: Short = None,
    ) -> Response:
        search = idProperty is not None
        async with self.world.call(connection, SYSTEM, _operation(kind, "get"), search=search) as call:

            def work() -> Body:
                known = kind_of(kind)
                if call.blind:
                    raise Refused(404, "OBJECT_NOT_FOUND", "resource not found")
                record = self._account(connection).records.found(known, object_id, idProperty)
                return shown(record, _names(properties), _names(propertiesWithHistory))

            return self.front.answered(call, request, work)

    async def list_objects(
        self,
        connection: str,
        kind: str,
        request: Request,
        limit: Short = None,
        after: Short = None,
        properties: Names = None,
    ) -> Response:
        async with self.world.call(connection, SYSTEM, _operation(kind, "list")) as call:
            records = self._account(connection).records
            return self.front.answered(
                call, request, lambda: searching.listed(records.all(kind_of(kind)), limit, after, _names(properties))
            )

    async def create(self, connection: str, kind: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, _operation(kind, "create")) as call:

            def work(body: Body) -> Body:
                record = self._account(connection).records.create(kind_of(kind), body.get("properties"))
                return shown(record, body["properties"])

            return await self.front.posted(call, request, work, 201)

    async def update(
        self, connection: str, kind: str, object_id: str, request: Request, idProperty: Short = None
    ) -> Response:
        async with self.world.call(connection, SYSTEM, _operation(kind, "update")) as call:

            def work(body: Body) -> Body:
                records = self._account(connection).records
                record = records.write(records.found(kind_of(kind), object_id, idProperty), body.get("properties"))
                return shown(record, body["properties"])

            return await self.front.posted(call, request, work)

    async def archive(self, connection: str, kind: str, object_id: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, _operation(kind, "archive")) as call:

            def work() -> None:
                records = self._account(connection).records
                if record := records.look_up(kind_of(kind), object_id):
                    records.archive(record)

            return self.front.answered(call, request, work)

    async def forget(self, connection: str, kind: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, _operation(kind, "forget")) as call:

            def work(body: Body) -> None:
                if kind_of(kind) != CONTACTS:
                    raise Refused(404, "OBJECT_NOT_FOUND", "resource not found")
                account = self._account(connection)
                found = account.records.found(CONTACTS, str(body.get("objectId", "")), body.get("idProperty"))
                account.forget(found, Source.API)

            return await self.front.posted(call, request, work)

    async def search(self, connection: str, kind: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, _operation(kind, "search"), search=True) as call:
            lag_seconds = limits_of(self.world, connection).search_lag_seconds

            def work(body: Body) -> Body:
                records, known = self._account(connection).records, kind_of(kind)
                return searching.search(records, known, body, lag_seconds=lag_seconds, blind=call.blind)

            return await self.front.posted(call, request, work, search=True)

    async def upsert(self, connection: str, kind: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, _operation(kind, "upsert")) as call:
            return await self._each(call, request, kind, self._account(connection).records.upsert)

    async def update_many(self, connection: str, kind: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, _operation(kind, "update")) as call:
            return await self._each(call, request, kind, self._account(connection).records.update)

    async def _each(self, call: Call, request: Request, kind: str, change: Callable[[str, Body], Body]) -> Response:
        """Change each of a batch; one that is refused stops none of the others."""

        def work(body: Body) -> Body:
            known, started = kind_of(kind), iso(now())
            results: list[Body] = []
            errors: list[Body] = []
            for one in _inputs(body):
                try:
                    results.append(change(known, one))
                except Refused as refused:
                    errors.append({"context": {}, "links": {}, "errors": []} | refused.body)
            return batch(started, iso(now()), results, errors)

        return await self.front.posted(call, request, work)

    async def read(self, connection: str, kind: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, _operation(kind, "read"), search=True) as call:

            def work(body: Body) -> Body:
                records, known, started = self._account(connection).records, kind_of(kind), iso(now())
                name = unique_property(known, body.get("idProperty") or "hs_object_id")
                asked = [str(one.get("id", "")) for one in _inputs(body)]
                found = {one: None if call.blind else records.look_up(known, one, name) for one in asked}
                results = [shown(record, body.get("properties") or ()) for record in found.values() if record]
                missing = [one for one, record in found.items() if record is None]
                return batch(started, iso(now()), results, [not_found(known, missing)] if missing else [])

            return await self.front.posted(call, request, work)

    # -- properties and associations -----------------------------------------------------------------------------------

    async def list_properties(self, connection: str, kind: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "properties.list") as call:

            def work() -> Body:
                known = kind_of(kind)
                lacks = limits_of(self.world, connection).properties_not_made
                made = [one for one in PROPERTIES[known].values() if one.name not in lacks]
                return {"results": [one.definition(known) for one in made]}

            return self.front.answered(call, request, work)

    async def get_property(self, connection: str, kind: str, name: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "properties.get") as call:

            def work() -> Body:
                known = kind_of(kind)
                if name not in PROPERTIES[known]:
                    raise Refused(404, "OBJECT_NOT_FOUND", f"Property {name} does not exist")
                return PROPERTIES[known][name].definition(known)

            return self.front.answered(call, request, work)

    async def associate(
        self, connection: str, kind: str, object_id: str, other_kind: str, other_id: str, request: Request
    ) -> Response:
        async with self.world.call(connection, SYSTEM, "associations.put") as call:

            def work() -> Body:
                records, started = self._account(connection).records, iso(now())
                one = records.found(kind_of(kind), object_id)
                other = records.found(kind_of(other_kind), other_id)
                records.associate(one, other)
                results = [_association(one, other), _association(other, one)]
                return batch(started, iso(now()), results, [])

            return self.front.answered(call, request, work)

    async def associated(
        self, connection: str, kind: str, object_id: str, other_kind: str, request: Request
    ) -> Response:
        async with self.world.call(connection, SYSTEM, "associations.list") as call:

            def work() -> Body:
                records, known, other = self._account(connection).records, kind_of(kind), kind_of(other_kind)
                ids = records.found(known, object_id)["associations"].get(other, [])
                label = {"category": "HUBSPOT_DEFINED", "typeId": ASSOCIATION_TYPES[known], "label": None}
                live = [one for one in ids if records.look_up(other, one)]
                return {"results": [{"toObjectId": int(one), "associationTypes": [label]} for one in live]}

            return self.front.answered(call, request, work)

    async def details(self, connection: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "account.details") as call:
            told: Body = {"portalId": portal_id(connection), "accountType": "STANDARD", "timeZone": "Europe/London"}
            told |= {"companyCurrency": "GBP", "uiDomain": "app.hubspot.com", "dataHostingLocation": "eu1"}
            return self.front.answered(call, request, lambda: told)

    # -- mail ----------------------------------------------------------------------------------------------------------

    async def definitions(self, connection: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "mail.definitions") as call:
            return self.front.answered(call, request, self._account(connection).subscriptions.definitions)

    async def status(self, connection: str, address: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "mail.status") as call:
            subscriptions = self._account(connection).subscriptions
            return self.front.answered(call, request, lambda: subscriptions.status(address))

    async def subscribe(self, connection: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "mail.subscribe") as call:
            return await self.front.posted(call, request, self._account(connection).subscriptions.subscribe)

    async def unsubscribe(self, connection: str, request: Request) -> Response:
        async with self.world.call(connection, SYSTEM, "mail.unsubscribe") as call:
            return await self.front.posted(call, request, self._account(connection).subscriptions.unsubscribe)


def _operation(kind: str, what: str) -> str:
    """The operation's name; a path that names no kind of ours is of `objects`."""
    try:
        return f"{kind_of(kind)}.{what}"
    except Refused:
        return f"objects.{what}"


def _names(given: str | None) -> list[str]:
    return given.split(",") if given else []


def _inputs(body: Body) -> list[Body]:
    given = body.get("inputs")
    if (
        not isinstance(given, list)
        or not 1 <= len(given) <= BATCH_MAX
        or not all(isinstance(one, dict) for one in given)
    ):
        raise Refused(400, "VALIDATION_ERROR", f"inputs must be a list of 1 to {BATCH_MAX} objects")
    return given


def _association(one: Body, other: Body) -> Body:
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": ASSOCIATION_TYPES[one["kind"]]}
    return {"from": {"id": one["id"]}, "to": {"id": other["id"]}, "associationSpec": spec}
