"""HubSpot in the role of marketing. What the account needs for it stands in docs/settings.md.

HubSpot moves a lifecycle stage forward only; a lower one is ignored without a word. To move back, the stage is cleared
and then set, in two requests: what is half done is seen by our key beside an empty stage, and goes on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from seamline.conversions import UNSET
from seamline.errors import Problem, Refusal
from seamline.http import HttpFactory, located
from seamline.records.audience import Audience, AudienceRequest, Company, Person, StageChange
from seamline.records.reference import is_reference, reference_of
from seamline.records.system import Card, Holding, Repeat
from seamline.systems.hubspot import mapping, wire
from seamline.systems.hubspot.client import HubSpotClient, open_client

COMPANIES_MAX = 50
OBJECT_ID = re.compile(r"[0-9]{1,20}")
OBJECTS = "/crm/v3/objects"
PREFERENCES = "/communication-preferences/v3"

Found = Company | Person


class Account(BaseModel):
    """A HubSpot account, and which of its mail is for prospects."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: HttpUrl = Field(default=HttpUrl("https://api.hubapi.com"), description="Where HubSpot's API is.")
    token: SecretStr = Field(description="The private app's access token.")
    prospect_subscription: str = Field(
        pattern=r"^[0-9]{1,20}$", description="The number of the subscription type that is for prospects."
    )
    calls_per_second_max: float = Field(default=10, gt=0, le=100, description="How often this account may be called.")
    calls_at_once_max: int = Field(default=8, gt=0, le=100, description="How many calls may run at the same time.")


def connect(name: str, account: Account, http: HttpFactory) -> HubSpotMarketing:
    """The adapter of the connection `name`. Nothing is sent yet."""
    client = open_client(
        name,
        str(account.url).rstrip("/"),
        account.token.get_secret_value(),
        http,
        calls_per_second_max=account.calls_per_second_max,
        calls_at_once_max=account.calls_at_once_max,
    )
    return HubSpotMarketing(name, account, client)


class HubSpotMarketing:
    """Satisfies `activities.marketing.MarketingSystem`."""

    # Stages and our marks beside them are set, not added. Who got which mail is read before it is changed.
    repeats: Final[Mapping[str, Repeat]] = {
        "become_customer": Repeat.HARMLESS,
        "put_back": Repeat.LOOK_UP,
        "restore_stage": Repeat.LOOK_UP,
        "stop_prospect_mail": Repeat.LOOK_UP,
        "resume_prospect_mail": Repeat.LOOK_UP,
    }

    def __init__(self, name: str, account: Account, client: HubSpotClient) -> None:
        self.name = name
        self._account = account
        self._client = client
        self._details: wire.Details | None = None

    async def close(self) -> None:
        """Close the connections to HubSpot."""
        await self._client.close()

    # -- who it is -----------------------------------------------------------------------------------------------------

    @located
    async def find_audience(self, request: AudienceRequest) -> Audience:
        """The company by our reference, else by its domain where it carries nobody else's; people by mail address."""
        sought = mapping.SOUGHT.write(request)
        known = await self._by("find_audience", wire.COMPANIES, "seamline_reference", [sought["seamline_reference"]])
        if not known and sought["domain"]:
            same = await self._search("find_audience", wire.COMPANIES, "domain", sought["domain"])
            known = [one for one in same if not one.properties.seamline_reference]
        emails = mapping.SOUGHT_PEOPLE.write(request)["email"]
        people = await self._by("find_audience", wire.CONTACTS, "email", emails)
        return await self._audience(known, people)

    @located
    async def read_audience(self, company_ids: tuple[str, ...], person_ids: tuple[str, ...]) -> Audience:
        """These, as they are now; those that are gone are left out."""
        companies = await self._by("read_audience", wire.COMPANIES, "hs_object_id", company_ids)
        people = await self._by("read_audience", wire.CONTACTS, "hs_object_id", person_ids)
        return await self._audience(companies, people)

    async def _audience(self, companies: Sequence[wire.Object], people: Sequence[wire.Object]) -> Audience:
        mails = await asyncio.gather(*(self._mail(one) for one in people))
        pages = [await self._page(wire.COMPANIES, one.id) for one in companies]
        return Audience(
            companies=tuple(
                mapping.COMPANY.read(one).model_copy(update={"page": page})
                for one, page in zip(companies, pages, strict=True)
            ),
            people=tuple(mapping.PERSON.read(one, subscription=mail) for one, mail in zip(people, mails, strict=True)),
        )

    # -- the stage -----------------------------------------------------------------------------------------------------

    @located
    async def set_stage(self, key: str, customers: Audience, stage: str) -> StageChange:
        """Set the stage of those that have another, and keep beside it the key and the stage before."""
        changed = 0
        for kind, found in _kinds(customers):
            left = [one for one in found if one.stage != stage]
            # What is cleared gets our marks at once, so that a change that stops there is seen and goes on.
            await self._move(kind, [_Move(one, stage, _marked(one, key, stage)) for one in left], _cleared_and_marked)
            changed += len(left) + sum(one.key == key for one in found if one.stage == stage)
        first = next((one.id for _, found in _kinds(customers) for one in found), "")
        return StageChange(id=first, key=key, changed=changed)

    @located
    async def restore_stage(self, key: str, customers: Audience) -> int:
        """Put the saved stage back where our change stands: nobody set another stage since.

        The key stays, so that what was put back is counted again where an answer was lost.
        """
        restored = 0
        for kind, found in _kinds(customers):
            ours = [one for one in found if one.key == key]
            # What is cleared keeps our marks until the saved stage is back.
            await self._move(kind, [_Move(one, one.saved_stage, _put_back(one)) for one in ours], _cleared)
            now = await self._by("restore_stage", kind, "hs_object_id", [one.id for one in found])
            restored += sum(one.properties.seamline_key == key and not one.properties.seamline_stage for one in now)
        return restored

    async def _move(self, kind: str, moves: Sequence[_Move], clear: Callable[[_Move], dict[str, Any]]) -> None:
        """Clear what HubSpot would else ignore, write all, and see that the stages were taken."""
        if not moves:
            return
        order, path = await self._order(kind, {one.stage for one in moves}), f"{OBJECTS}/{kind}/batch/update"
        back = [clear(one) for one in moves if mapping.moves_back(order, one.found.stage, one.stage)]
        await self._client.batch("clear_stage", path, back, write=True)
        await self._client.batch("set_stage", path, [one.body for one in moves], write=True)
        wanted = {one.found.id: one.stage for one in moves}
        now = await self._by("set_stage", kind, "hs_object_id", list(wanted))
        if any(one.properties.lifecyclestage != wanted[one.id] for one in now):
            reason = (
                "HubSpot did not take it, or somebody changes it there: look at the workflows in HubSpot, then retry"
            )
            problem = Problem(field="stage", reason=reason)
            raise Refusal("stage-not-taken", "the stage is another after it was set", problems=[problem])

    async def _order(self, kind: str, wanted: Set[str]) -> Sequence[str]:
        """The account's stages, in their order. Refusal when one of those wanted is none of them."""
        known = await self._client.get("read_stages", f"/crm/v3/properties/{kind}/lifecyclestage", wire.Property)
        order = [one.value for one in known.options]
        if strange := sorted(wanted - {"", *order}):
            reason = f"{', '.join(strange)} is no stage of this account: use one of {', '.join(order)}"
            problem = Problem(field="stage", reason=reason)
            raise Refusal("unknown-stage", "HubSpot has no such stage", problems=[problem])
        return order

    # -- the mail ------------------------------------------------------------------------------------------------------

    @located
    async def stop_prospect_mail(self, key: str, person_ids: tuple[str, ...]) -> int:
        """Unsubscribe who gets it, and note with it our key and the legal basis that it had."""
        stopped = 0
        for address, mail in await self._mails(person_ids):
            noted = mapping.stopped(mail)
            if mail.subscribed:
                await self._subscription("unsubscribe", address, wire.AS_CUSTOMER, mapping.note(key, mail))
            stopped += mail.subscribed or (noted is not None and noted.key == key)
        return stopped

    @located
    async def resume_prospect_mail(self, key: str, person_ids: tuple[str, ...]) -> int:
        """Subscribe again whom we unsubscribed under this key, with the legal basis that was noted before."""
        ours = [(address, mapping.stopped(mail)) for address, mail in await self._mails(person_ids)]
        mine = [(address, noted) for address, noted in ours if noted and noted.key == key]
        if any(not noted.legal_basis for _, noted in mine):
            reason = "some got the mail on no noted legal basis: ask them, subscribe them in HubSpot, then skip"
            problem = Problem(field="person_ids", reason=reason)
            raise Refusal("consent-in-doubt", "nobody noted why these people got mail", problems=[problem])
        for address, noted in mine:
            await self._subscription("subscribe", address, noted.legal_basis, noted.explanation or f"Seamline {key}")
        return len(mine)

    async def _subscription(self, what: str, address: str, basis: str, explanation: str) -> None:
        body = {"emailAddress": address, "subscriptionId": self._account.prospect_subscription}
        body |= {"legalBasis": basis, "legalBasisExplanation": explanation}
        await self._client.post(what, f"{PREFERENCES}/{what}", wire.Status, body, write=True)

    async def _mails(self, person_ids: Sequence[str]) -> list[tuple[str, wire.Status]]:
        """Addresses, and whether the mail for prospects goes there. People without an address are left out."""
        people = await self._by("read_people", wire.CONTACTS, "hs_object_id", person_ids)
        written = [one for one in people if one.properties.email]
        mails = await asyncio.gather(*(self._mail(one) for one in written))
        return [(one.properties.email, mail) for one, mail in zip(written, mails, strict=True)]

    async def _mail(self, person: wire.Object) -> wire.Status:
        number, address = self._account.prospect_subscription, person.properties.email
        if not address:
            return wire.Status(id=number, status="")
        path = f"{PREFERENCES}/status/email/{quote(address, safe='@')}"
        told = await self._client.get("read_mail", path, wire.Statuses)
        found = next((one for one in told.statuses if one.id == number), None)
        if found is None:
            problem = Problem(field="prospect_subscription", reason=f"HubSpot has no subscription type {number}")
            raise Refusal(
                "unknown-subscription", "the settings name a subscription that is not there", problems=[problem]
            )
        return found

    # -- looking -------------------------------------------------------------------------------------------------------

    async def _by(self, operation: str, kind: str, name: str, values: Sequence[str]) -> list[wire.Object]:
        """Objects by their ids or values of a unique property, which is true at once, as no search is."""
        inputs = [{"id": value} for value in values]
        by = {} if name == "hs_object_id" else {"idProperty": name}
        path = f"{OBJECTS}/{kind}/batch/read"
        return await self._client.batch(operation, path, inputs, write=False, properties=wire.PROPERTIES, **by)

    async def _search(self, operation: str, kind: str, name: str, value: str) -> list[wire.Object]:
        filters = [{"propertyName": name, "operator": "EQ", "value": value}]
        body = {"filterGroups": [{"filters": filters}], "properties": wire.PROPERTIES, "limit": COMPANIES_MAX}
        page = await self._client.post(operation, f"{OBJECTS}/{kind}/search", wire.Page, body, write=False)
        return list(page.results)

    @located
    async def references(self, external_id: str) -> Sequence[str]:
        """Of the company or contact with this id: the account's reference, and that of the deal that changed it."""
        if not OBJECT_ID.fullmatch(external_id):
            return []
        found = [
            one
            for kind in wire.OBJECT_TYPES
            for one in await self._by("references", kind, "hs_object_id", [external_id])
        ]
        ours = (text for one in found for text in (one.properties.seamline_reference, one.properties.seamline_deal))
        return [text for text in dict.fromkeys(ours) if is_reference(text)]

    @located
    async def holdings(self, reference: str) -> Sequence[Holding]:
        """The company with this reference, and what a deal of this reference, or an instalment of it, changed.

        A search may lag for seconds.
        """
        held = []
        for kind in wire.OBJECT_TYPES:
            own = await self._by("holdings", kind, "seamline_reference", [reference])
            found = await self._search("holdings", kind, "seamline_deal", _deal_of(reference))
            changed = [
                one
                for one in found
                if reference in (one.properties.seamline_deal, reference_of(one.properties.seamline_key))
            ]
            for one in {each.id: each for each in (*own, *changed)}.values():
                held.append(
                    Holding(
                        kind="company" if kind == wire.COMPANIES else "contact",
                        id=one.id,
                        state=one.properties.lifecyclestage,
                        key=one.properties.seamline_key if one in changed else "",
                        page=await self._page(kind, one.id),
                    )
                )
        return held

    @located
    async def card(self) -> Card:
        """Ask for the account and its properties, and describe the connection."""
        self._details = None
        details = await self._account_details()
        for kind in wire.OBJECT_TYPES:
            known = await self._client.get("card", f"/crm/v3/properties/{kind}", wire.PropertyList)
            missing = sorted(set(wire.OURS) - {one.name for one in known.results})
            if missing:
                reason = f"{', '.join(missing)}: make them on {kind} as single-line texts, seamline_reference as unique"
                raise Refusal("property-missing", reason, problems=[Problem(field=kind, reason=reason)])
        return Card(
            connection=self.name,
            system="hubspot",
            role="marketing",
            holds=("companies", "contacts", "lifecycle stages", "mail subscriptions"),
            connected="REST over HTTPS, signed webhooks",
            authentication="private app's token",
            limits=f"at most {self._account.calls_per_second_max:g} calls a second from here",
            repeats=self.repeats,
            account=f"portal {details.portal_id}",
        )

    async def _page(self, kind: str, object_id: str) -> str:
        details = await self._account_details()
        return f"https://{details.pages}/contacts/{details.portal_id}/record/{wire.OBJECT_TYPES[kind]}/{object_id}"

    async def _account_details(self) -> wire.Details:
        if self._details is None:
            self._details = await self._client.get("card", "/account-info/v3/details", wire.Details)
        return self._details


def _kinds(customers: Audience) -> tuple[tuple[str, tuple[Found, ...]], ...]:
    return (wire.COMPANIES, customers.companies), (wire.CONTACTS, customers.people)


@dataclass(frozen=True)
class _Move:
    """One object, the stage it gets, and what is written to it."""

    found: Found
    stage: str
    body: dict[str, Any]


def _deal_of(reference: str) -> str:
    """The deal that an instalment is of: `crm-main:006A` of `crm-main:006A.2`."""
    return reference.partition(".")[0]


def _marked(one: Found, key: str, stage: str) -> dict[str, Any]:
    """The stage with our marks. The saved stage stays the first where we come again."""
    values = {"stage": stage, "saved_stage": one.saved_stage if one.key == key else one.stage, "key": key}
    return {"id": one.id, **mapping.COMPANY.write(values, set_to=stage, deal=_deal_of(reference_of(key)))}


def _put_back(one: Found) -> dict[str, Any]:
    """The saved stage, and that ours stands no more."""
    values = {"stage": one.saved_stage, "saved_stage": ""}
    return {"id": one.id, **mapping.COMPANY.write(values, set_to="", deal=UNSET)}


def _cleared(move: _Move) -> dict[str, Any]:
    return {"id": move.found.id, "properties": {"lifecyclestage": ""}}


def _cleared_and_marked(move: _Move) -> dict[str, Any]:
    return {"id": move.found.id, "properties": move.body["properties"] | {"lifecyclestage": ""}}
