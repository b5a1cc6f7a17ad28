"""Salesforce in the role of the CRM."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import jwt
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, field_validator, model_validator

from seamline.errors import Problem, Refusal
from seamline.http import HttpFactory, located
from seamline.records.deal import (
    Deal,
    InvoiceNote,
    NoteRequest,
    NoteStatus,
    Task,
    TaskRequest,
    WonDeal,
    WonDeals,
    WonRequest,
)
from seamline.records.reference import connection_of, external_id_of, part_of, reference_of, with_part
from seamline.records.system import Card, Holding, Repeat
from seamline.systems.salesforce import ids, mapping, queries, wire
from seamline.systems.salesforce.client import Credentials, SalesforceClient, Write, by_key, open_client

T = TypeVar("T")

FOUND_MAX = 2000
"""So many deals are told of at once; the others are found by the next look."""


class Account(BaseModel):
    """A Salesforce organisation, and the connected app that works in it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: HttpUrl = Field(description="The organisation's own address: https://acme.my.salesforce.com")
    client_id: str = Field(min_length=1, description="The connected app's consumer key.")
    client_secret: SecretStr | None = Field(
        default=None, description="The app's consumer secret, for the client credentials flow."
    )
    private_key: SecretStr | None = Field(
        default=None, description="The RSA key in PEM whose certificate the app has, for the JWT bearer flow."
    )
    username: str = Field(default="", description="The user that the app works as, for the JWT bearer flow.")
    audience: str = Field(
        default="https://login.salesforce.com",
        description="Whom assertions are for; https://test.salesforce.com for a sandbox.",
    )
    calls_per_second_max: float = Field(default=10, gt=0, le=100, description="How often it may be called.")
    calls_at_once_max: int = Field(default=8, gt=0, le=25, description="How many calls may run at the same time.")

    @field_validator("private_key")
    @classmethod
    def _check_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            try:
                jwt.encode({}, key.get_secret_value(), algorithm="RS256")
            except (jwt.PyJWTError, ValueError, TypeError):
                raise ValueError("must be an RSA private key in PEM, without a passphrase") from None
        return key

    @model_validator(mode="after")
    def _check_flow(self) -> Account:
        if (self.client_secret is None) == (self.private_key is None):
            raise ValueError("client_secret or private_key: give the one of them that the app uses")
        if self.private_key is not None and not self.username:
            raise ValueError("username is missing: the JWT bearer flow needs the user that the app works as")
        return self

    def credentials(self) -> Credentials:
        """What the client comes in with."""
        return Credentials(
            client_id=self.client_id,
            client_secret=self.client_secret.get_secret_value() if self.client_secret else "",
            private_key=self.private_key.get_secret_value() if self.private_key else "",
            username=self.username,
            audience=self.audience,
        )


def connect(name: str, account: Account, http: HttpFactory) -> SalesforceCrm:
    """The adapter of the connection `name`. Nothing is sent yet."""
    client = open_client(
        name,
        str(account.url).rstrip("/"),
        account.credentials(),
        http,
        calls_per_second_max=account.calls_per_second_max,
        calls_at_once_max=account.calls_at_once_max,
    )
    return SalesforceCrm(name, account, client)


class SalesforceCrm:
    """Satisfies `activities.crm.CrmSystem`."""

    # What is written carries our key as an external id: the same key is the same record.
    repeats: Final[Mapping[str, Repeat]] = {
        "write_invoice": Repeat.HARMLESS,
        "mark_paid": Repeat.LOOK_UP,
        "mark_reversed": Repeat.LOOK_UP,
        "create_task": Repeat.LOOK_UP,
    }

    def __init__(self, name: str, account: Account, client: SalesforceClient) -> None:
        self.name = name
        self._account = account
        self._url = str(account.url).rstrip("/")
        self._client = client
        self._organization: wire.Organization | None = None

    async def close(self) -> None:
        """Close the connections to Salesforce."""
        await self._client.close()

    @located
    async def fetch_deal(self, reference: str) -> Deal:
        """The whole deal. Refusal `not-found` for one that is gone, `unmappable` where a field does not fit."""
        return await self._mapped("fetch_deal", await self._opportunity("fetch_deal", reference))

    @located
    async def find_won(self, request: WonRequest) -> WonDeals:
        """By the time at which the stage changed, and by the days of instalments without an invoice."""
        won, made, reopened, due = await asyncio.gather(
            self._client.query("find_won", queries.won(request.since), wire.Change),
            self._client.query("find_won", queries.made_won(request.since), wire.Change),
            self._client.query("find_won", queries.reopened(request.since), wire.Below),
            self._client.query("find_won", queries.due(request.today), wire.Below),
        )
        found = [
            *(self._won(one) for one in (*won, *made)),
            *dict.fromkeys(self._won(one.Opportunity__r, reopened=True) for one in reopened if one.Opportunity__r),
            *(self._won(one.Opportunity__r, part=one.part) for one in due if one.Opportunity__r and one.part),
        ]
        found.sort(key=lambda one: one.changed_at)
        return WonDeals(deals=tuple(found[:FOUND_MAX]))

    @located
    async def write_note(self, reference: str, key: str, request: NoteRequest) -> InvoiceNote:
        """Set the note with this key, and the invoice that the deal shows, in one call.

        Refusal `field-conflict` where the deal shows an invoice that no note of ours has.
        """
        found = await self._opportunity("write_note", reference)
        values = mapping.NOTE_OUT.write(request, key=key) | {"Opportunity__c": found.Id}
        writes = [Write("note", "PATCH", by_key(queries.INVOICE, values.pop(mapping.KEY)), values)]
        if _is_shown(found, request):
            fields = mapping.NOTE_ON_DEAL.write(request)
            writes.append(Write("deal", "PATCH", f"sobjects/Opportunity/{found.Id}", fields))
        part = part_of(reference_of(key))
        billed = [one.Id for one in _below(found.Seamline_Instalments__r) if part and one.Number__c == part]
        fields = {"Invoice_Number__c": request.number}
        writes += [Write(one, "PATCH", f"sobjects/{queries.INSTALMENT}/{one}", fields) for one in billed]
        answers = await self._client.write("write_note", writes)
        values = request.model_dump()
        return InvoiceNote.model_validate(values | {"id": _id_in(answers["note"]), "key": key})

    @located
    async def create_task(self, reference: str, key: str, request: TaskRequest) -> Task:
        """The task with this key; one that is there already stays as people left it."""
        deal = await self._opportunity("create_task", reference)
        for known in await self._client.query("create_task", queries.tasks(deal.Id), wire.Task):
            if known.Seamline_Key__c == key:
                return mapping.TASK.read(known)
        asked = request if request.owner_id else request.model_copy(update={"owner_id": deal.OwnerId})
        values = mapping.TASK_OUT.write(asked, key=key) | {"WhatId": deal.Id}
        address = by_key("Task", values.pop(mapping.KEY))
        return Task(id=await self._client.upsert("create_task", address, values), key=key)

    @located
    async def holdings(self, reference: str) -> Sequence[Holding]:
        """The deal, its invoices and its tasks; or the customer and its won deals."""
        record_id = external_id_of(reference)
        if connection_of(reference) != self.name or not ids.full_id(record_id):
            return ()
        if record_id.startswith(ids.ACCOUNT):
            return await self._holdings_of_account(record_id)
        try:
            found = await self._opportunity("holdings", reference)
        except Refusal as error:
            if error.failure.code == "not-found":
                return ()
            raise
        return [self._holding_of(found), *_notes(found, reference), *await self._tasks(found.Id, reference)]

    @located
    async def references(self, external_id: str) -> Sequence[str]:
        """What an opportunity, account, invoice or task is for, by its id; an invoice by its number too."""
        record_id = ids.full_id(external_id)
        match record_id[:3]:
            case ids.OPPORTUNITY | ids.ACCOUNT:
                kind = "Opportunity" if record_id.startswith(ids.OPPORTUNITY) else "Account"
                found = await self._client.query("references", queries.by_id(kind, record_id), wire.Named)
                return [f"{self.name}:{one.Id}" for one in found]
            case ids.TASK:
                return await self._keyed("Task", "Id", record_id)
            case ids.INVOICE:
                return await self._keyed(queries.INVOICE, "Id", record_id)
        return await self._keyed(queries.INVOICE, "Number__c", external_id)

    @located
    async def card(self) -> Card:
        """Reach Salesforce and describe the connection."""
        organization = await self._organisation("card", anew=True)
        flow = "JWT bearer" if self._account.private_key else "client credentials"
        return Card(
            connection=self.name,
            system="salesforce",
            role="crm",
            holds=("deals", "accounts", "contacts", "tasks"),
            connected=f"REST {wire.API_VERSION} over HTTPS, a Flow's signed webhooks, polling",
            authentication=f"OAuth 2 {flow}",
            limits=f"at most {self._account.calls_per_second_max:g} calls a second from here",
            repeats=self.repeats,
            account=f"{organization.Name}{', a sandbox' if organization.IsSandbox else ''}",
        )

    # -- reading -----------------------------------------------------------------------------------------------------

    async def _opportunity(self, operation: str, reference: str) -> wire.Opportunity:
        """The opportunity with everything below it. Refusal `not-found` when there is none."""
        deal_id = ids.deal_id(external_id_of(reference))
        for found in await self._client.query(operation, queries.deal(deal_id), wire.Opportunity):
            return await self._whole(operation, found)
        problem = Problem(field="reference", reason="is of no opportunity, or of one that was deleted")
        raise Refusal("not-found", "Salesforce has no such deal", problems=[problem])

    async def _whole(self, operation: str, found: wire.Opportunity) -> wire.Opportunity:
        """With what did not fit into the first page."""
        children: dict[str, Any] = {}
        for name, model in (
            ("OpportunityLineItems", wire.Line),
            ("Seamline_Instalments__r", wire.Instalment),
            ("Seamline_Invoices__r", wire.Invoice),
        ):
            page = getattr(found, name)
            if page is not None and not page.done:
                records = await self._client.rest(operation, page, model)
                children[name] = page.model_copy(update={"records": tuple(records), "done": True})
        return found.model_copy(update=children)

    async def _mapped(self, operation: str, found: wire.Opportunity) -> Deal:
        sandbox = (await self._organisation(operation)).IsSandbox
        return mapping.DEAL.read(found, connection=self.name, url=self._url, sandbox=sandbox)

    async def _organisation(self, operation: str, *, anew: bool = False) -> wire.Organization:
        """The organisation, asked for once: it does not become another."""
        if self._organization is None or anew:
            found = await self._client.query(operation, queries.organization(), wire.Organization)
            self._organization = found[0] if found else wire.Organization()
        return self._organization

    def _won(self, change: wire.Change, *, part: int = 0, reopened: bool = False) -> WonDeal:
        reference = f"{self.name}:{change.Id}"
        reference = with_part(reference, part) if part else reference
        return WonDeal(reference=reference, changed_at=change.at, reopened=reopened)

    # -- tracing -----------------------------------------------------------------------------------------------------

    async def _keyed(self, kind: str, field: str, value: str) -> list[str]:
        found = await self._client.query("references", queries.keys(kind, field, value), wire.Ours)
        return list(dict.fromkeys(filter(None, (reference_of(one.Seamline_Key__c) for one in found))))

    async def _holdings_of_account(self, record_id: str) -> list[Holding]:
        if not await self._client.query("holdings", queries.by_id("Account", record_id), wire.Named):
            return []
        deals = await self._client.query("holdings", queries.deals_of(record_id), wire.Named)
        return [
            Holding(kind="customer", id=record_id, page=mapping.page(self._url, "Account", record_id)),
            *(Holding(kind="deal", id=one.Id, page=mapping.page(self._url, "Opportunity", one.Id)) for one in deals),
        ]

    def _holding_of(self, found: wire.Opportunity) -> Holding:
        amount = "" if found.Amount is None else f"{found.Amount:.2f} {found.CurrencyIsoCode}"
        state = "won" if found.IsWon else "lost" if found.IsClosed else "open"
        page = mapping.page(self._url, "Opportunity", found.Id)
        return Holding(kind="deal", id=found.Id, state=state, amount=amount, page=page)

    async def _tasks(self, deal_id: str, reference: str) -> list[Holding]:
        found = await self._client.query("holdings", queries.tasks(deal_id), wire.Task)
        return [
            Holding(kind="task", id=one.Id, state=one.Status, key=one.Seamline_Key__c)
            for one in found
            if _is_about(one.Seamline_Key__c, reference)
        ]


def _below(page: wire.Page[T] | None) -> tuple[T, ...]:
    """The records of a relationship; Salesforce answers null where there are none."""
    return page.records if page else ()


def _is_shown(found: wire.Opportunity, request: NoteRequest) -> bool:
    """Whether the deal is to show this invoice: a new one displaces what we wrote, what becomes of an older does not.

    Refusal `field-conflict` where somebody else's would be displaced.
    """
    shown = found.Invoice_Number__c
    if shown in ("", request.number) or request.status is not NoteStatus.POSTED:
        return shown in ("", request.number)
    if shown not in {one.Number__c for one in _below(found.Seamline_Invoices__r)}:
        reason = "names an invoice that we did not write: clear it in Salesforce, then retry, or skip"
        problem = Problem(field="Invoice_Number__c", reason=reason)
        raise Refusal("field-conflict", "the deal has an invoice of somebody else", problems=[problem])
    return True


def _notes(found: wire.Opportunity, reference: str) -> list[Holding]:
    return [
        Holding(
            kind="invoice note",
            id=one.Id,
            state=one.Status__c,
            key=one.Seamline_Key__c,
            amount="" if one.Amount__c is None else f"{one.Amount__c:.2f} {one.CurrencyIsoCode}",
            page=one.Link__c,
        )
        for one in _below(found.Seamline_Invoices__r)
        if _is_about(one.Seamline_Key__c, reference)
    ]


def _is_about(key: str, reference: str) -> bool:
    """Whether what carries the key is for the deal asked about: all of it, or one instalment."""
    of = reference_of(key)
    return of == reference if part_of(reference) else of.split(".")[0] == reference


def _id_in(body: Any) -> str:
    made = body.get("id", "") if isinstance(body, dict) else ""
    return str(made)
