"""The control API of HubSpot's accounts: what people do in its pages, and how the account is set up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from seamline.simulator.hubspot_account import Account
from seamline.simulator.hubspot_answers import SYSTEM, Limits, Refused, limits_of, set_limits
from seamline.simulator.hubspot_lifecycle import Source
from seamline.simulator.hubspot_properties import COMPANIES, CONTACTS
from seamline.simulator.hubspot_subscriptions import Consent
from seamline.simulator.hubspot_webhooks import Webhooks
from seamline.simulator.vendor import WorldError
from seamline.simulator.world import Body as Json
from seamline.simulator.world import World

Kind = Literal["companies", "contacts"]
Properties = Annotated[dict[str, str], Field(max_length=100)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class CompanyWanted(_Asked):
    """A company that people enter. `properties` are any more, by HubSpot's names."""

    name: str = Field(default="Example Ltd", max_length=200)
    domain: str = Field(default="example.com", max_length=200)
    stage: str = "opportunity"
    properties: Properties = {}

    def values(self) -> dict[str, str]:
        """As HubSpot names them."""
        return {"name": self.name, "domain": self.domain, "lifecyclestage": self.stage} | self.properties


class ContactWanted(_Asked):
    """A contact that people enter, of a company by its id. `properties` are any more, by HubSpot's names."""

    email: str = Field(default="ann@example.com", max_length=200)
    first_name: str = Field(default="Ann", max_length=100)
    last_name: str = Field(default="Example", max_length=100)
    stage: str = "opportunity"
    company: str = ""
    consent: Consent = Consent.GIVEN
    properties: Properties = {}

    def values(self) -> dict[str, str]:
        """As HubSpot names them."""
        named = {"email": self.email, "firstname": self.first_name, "lastname": self.last_name}
        return named | {"lifecyclestage": self.stage} | self.properties


class Said(_Asked):
    """What a person says to all mail."""

    consent: Consent


class Subscribe(_Asked):
    """An event, as `contact.propertyChange`, of which property where it is about one, and where it goes."""

    event: str = Field(pattern=r"^(contact|company)\.(creation|deletion|propertyChange|privacyDeletion)$")
    property: str = Field(default="", max_length=100)
    url: str = Field(pattern=r"^https?://\S+$", max_length=500)


class Again(_Asked):
    """How often everything is sent again."""

    times: int = Field(default=1, ge=1, le=100)


def control(world: World, webhooks: Webhooks) -> APIRouter:
    """The routes below `/_simulator`."""
    routes = APIRouter(prefix="/audiences/{connection}")
    _make(routes, world, webhooks)
    _change(routes, world, webhooks)
    _account(routes, world, webhooks)
    return routes


def _make(routes: APIRouter, world: World, webhooks: Webhooks) -> None:
    @routes.post("/companies", status_code=201)
    async def company(connection: str, wanted: CompanyWanted) -> Json:
        world.connect(connection, SYSTEM)
        account = Account(world, connection, webhooks)
        return _acted(world, lambda: account.records.create(COMPANIES, wanted.values(), Source.PEOPLE))

    @routes.post("/contacts", status_code=201)
    async def contact(connection: str, wanted: ContactWanted) -> Json:
        world.connect(connection, SYSTEM)
        account = Account(world, connection, webhooks)

        def make() -> Json:
            made = account.records.create(CONTACTS, wanted.values(), Source.PEOPLE)
            account.subscriptions.say(wanted.email, wanted.consent)
            made = account.records.found(CONTACTS, made["id"])
            if wanted.company:
                account.records.associate(made, account.records.found(COMPANIES, wanted.company))
            return made

        return _acted(world, make)

    @routes.get("/{kind}")
    async def all_of(connection: str, kind: Kind) -> list[Json]:
        account = Account(world, connection, webhooks)
        return [
            _whole(account, one) for archived in (False, True) for one in account.records.all(kind, archived=archived)
        ]


def _change(routes: APIRouter, world: World, webhooks: Webhooks) -> None:
    @routes.patch("/{kind}/{object_id}")
    async def edit(connection: str, kind: Kind, object_id: str, values: Annotated[Properties, Body()]) -> Json:
        records = Account(world, connection, webhooks).records
        return _acted(world, lambda: records.write(records.found(kind, object_id), values, Source.PEOPLE))

    @routes.post("/contacts/{object_id}/consent")
    async def say(connection: str, object_id: str, said: Said) -> Json:
        account = Account(world, connection, webhooks)

        def change() -> Json:
            account.subscriptions.say(_address(account.records.found(CONTACTS, object_id)), said.consent)
            return account.records.found(CONTACTS, object_id)

        return _acted(world, change)

    @routes.delete("/{kind}/{object_id}")
    async def remove(connection: str, kind: Kind, object_id: str, forget: bool = False) -> Json:
        account = Account(world, connection, webhooks)

        def archive() -> Json:
            record = account.records.found(kind, object_id)
            if forget and kind == CONTACTS:
                account.forget(record, Source.PEOPLE)
            else:
                account.records.archive(record, Source.PEOPLE)
            return record

        return _acted(world, archive)


def _account(routes: APIRouter, world: World, webhooks: Webhooks) -> None:
    # Below a name of its own, since `/{kind}` takes what stands there else.
    @routes.get("/account/limits")
    async def limits(connection: str) -> Limits:
        return limits_of(world, connection)

    @routes.put("/account/limits")
    async def change_limits(connection: str, changes: Annotated[dict[str, Any], Body()]) -> Limits:
        world.connect(connection, SYSTEM)
        changed = Limits.model_validate(limits_of(world, connection).model_dump() | changes)
        set_limits(world, connection, changed)
        return changed

    @routes.post("/account/subscriptions", status_code=201)
    async def subscription(connection: str, wanted: Subscribe) -> Json:
        world.connect(connection, SYSTEM)
        return webhooks.subscribe(connection, wanted.event, wanted.property, wanted.url)

    @routes.get("/account/deliveries")
    async def delivered(connection: str) -> list[Json]:
        return webhooks.deliveries(connection)

    @routes.post("/account/deliveries")
    async def deliver_again(connection: str, wanted: Again) -> dict[str, int]:
        with world.transaction():
            return {"requests": webhooks.again(connection, wanted.times)}


def _acted(world: World, work: Callable[[], Json]) -> Json:
    """Do it whole or not at all; what HubSpot refuses people too is said in its words."""
    try:
        with world.transaction():
            record = work()
    except Refused as refused:
        raise WorldError(str(refused.body["message"]), 404 if refused.status == 404 else 409) from None
    return {"id": record["id"], "properties": record["properties"]}


def _whole(account: Account, record: Json) -> Json:
    """All that is known of an object, with a contact's subscriptions."""
    known = {name: value for name, value in record.items() if name != "private" and not name.startswith("unique_")}
    address = _address(record)
    return known | ({"mail": account.subscriptions.status(address)["subscriptionStatuses"]} if address else {})


def _address(record: Json) -> str:
    return str(record["properties"].get("email", ""))
