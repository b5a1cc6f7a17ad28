"""What is looked for in Xero: its language of conditions, and lists page by page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import quote

from seamline.errors import Problem, Refusal
from seamline.systems.xero import mapping, wire
from seamline.systems.xero.client import XeroClient

PAGES_MAX = 20
LIVE = "DRAFT,SUBMITTED,AUTHORISED,PAID"
DEAD = "DELETED,VOIDED"
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SEGMENT = re.compile(r"[A-Za-z0-9:._ -]{1,100}")


class Lists:
    """Lists of one organisation."""

    def __init__(self, client: XeroClient) -> None:
        self._client = client

    async def contacts(self, operation: str, query: Mapping[str, str | int]) -> AsyncIterator[wire.Contact]:
        """The contacts that fit, archived ones too."""
        query = {**query, "includeArchived": "true"}
        for page in range(1, PAGES_MAX + 1):
            found = (await self._client.get(operation, "/Contacts", wire.Contacts, _paged(query, page))).Contacts
            for one in found:
                yield one
            if len(found) < wire.PAGE_SIZE:
                return

    async def invoices(self, operation: str, query: Mapping[str, str | int]) -> AsyncIterator[wire.Invoice]:
        """The invoices that fit."""
        for page in range(1, PAGES_MAX + 1):
            found = (await self._client.get(operation, "/Invoices", wire.Invoices, _paged(query, page))).Invoices
            for one in found:
                yield one
            if len(found) < wire.PAGE_SIZE:
                return

    async def credits_of(self, operation: str, customer_id: str) -> AsyncIterator[wire.CreditNote]:
        """The contact's live credit notes."""
        where = f'Contact.ContactID==guid("{segment(customer_id)}")'
        async for one in self.credits(operation, where):
            if one.Status not in ("VOIDED", "DELETED"):
                yield one

    async def credits(self, operation: str, where: str) -> AsyncIterator[wire.CreditNote]:
        """The credit notes that fit."""
        query: dict[str, str | int] = {"where": f'Type=="ACCRECCREDIT" AND {where}'}
        for page in range(1, PAGES_MAX + 1):
            paged = _paged(query, page)
            found = (await self._client.get(operation, "/CreditNotes", wire.CreditNotes, paged)).CreditNotes
            for one in found:
                yield one
            if len(found) < wire.PAGE_SIZE:
                return

    async def carried(self, operation: str, identity: str) -> Sequence[str]:
        """What the invoices, credit notes and contacts of this id or number carry: Reference or number."""
        guid = bool(_GUID.fullmatch(identity))
        of_invoice: dict[str, str | int] = {"IDs" if guid else "InvoiceNumbers": identity}
        of_credit = f'CreditNoteID==guid("{identity}")' if guid else equals("CreditNoteNumber", identity)
        of_contact: dict[str, str | int] = {"IDs": identity} if guid else {"where": equals("ContactNumber", identity)}
        texts = [one.Reference async for one in self.invoices(operation, of_invoice)]
        texts += [one.Reference async for one in self.credits(operation, of_credit)]
        return texts + [one.ContactNumber async for one in self.contacts(operation, of_contact)]

    async def naming(self, operation: str, reference: str, statuses: str) -> Sequence[wire.Invoice]:
        """The invoices whose Reference names this very reference. Xero searches texts that contain it."""
        query: dict[str, str | int] = {"where": f'Type=="ACCREC" AND {contains("Reference", reference)}'}
        if statuses:
            query["Statuses"] = statuses
        found = [one async for one in self.invoices(operation, query)]
        return [one for one in found if mapping.names_reference(one.Reference, reference)]


def _paged(query: Mapping[str, str | int], page: int) -> dict[str, str | int]:
    return {**query, "page": page, "pageSize": wire.PAGE_SIZE}


def is_segment(identity: str) -> bool:
    """Whether this can be an id or a number of Xero's."""
    return bool(_SEGMENT.fullmatch(identity))


def segment(identity: str) -> str:
    """An id as a part of an address. Refusal `malformed-request` where it would lead elsewhere."""
    if not is_segment(identity) or set(identity) <= {"."}:
        reason = "is no id of Xero's"
        raise Refusal("malformed-request", f"the id {reason}", problems=[Problem(field="id", reason=reason)])
    return quote(identity, safe="")


def quoted(value: str) -> str:
    """A text in a condition."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def equals(field: str, value: str) -> str:
    """The field has this value."""
    return f"{field}=={quoted(value)}"


def ends(field: str, value: str) -> str:
    """The field is given, and ends so."""
    return f"({field}!=null AND {field}.EndsWith({quoted(value)}))"


def contains(field: str, value: str) -> str:
    """The field is given, and contains this."""
    return f"{field}!=null AND {field}.Contains({quoted(value)})"
