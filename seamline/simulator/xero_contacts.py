"""Xero's contacts: found, made, changed and archived.

Names are unique among active contacts, contact numbers among all. PUT only makes; POST changes what it finds by id,
number or name, and makes what it does not find. Sources: Xero's published OpenAPI,
https://developer.xero.com/documentation/api/accounting/contacts
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seamline.simulator.world import Body
from seamline.simulator.xero_answers import Invalid, ms_time, new_id, not_found, parts, text
from seamline.simulator.xero_books import Books

PATH = "Contacts"
KIND = "contact"
ADDRESS_FIELDS = ("AddressLine1", "AddressLine2", "City", "Region", "PostalCode", "Country", "AttentionTo")
PHONE_FIELDS = ("PhoneNumber", "PhoneAreaCode", "PhoneCountryCode")
_TEXTS = {
    "ContactNumber": 50,
    "AccountNumber": 50,
    "Name": 255,
    "FirstName": 255,
    "LastName": 255,
    "EmailAddress": 255,
    "CompanyNumber": 50,
    "TaxNumber": 50,
}
_STATUSES = ("ACTIVE", "ARCHIVED")


def view(stored: Body) -> Body:
    """A contact as Xero shows it."""
    shown = {name: stored[name] for name in _TEXTS if stored.get(name)}
    addresses = stored["Addresses"] or [{"AddressType": "STREET"}, {"AddressType": "POBOX"}]
    phones = stored["Phones"] or [{"PhoneType": kind} for kind in ("DEFAULT", "DDI", "FAX", "MOBILE")]
    return {
        "ContactID": stored["id"],
        "ContactStatus": stored["ContactStatus"],
        **shown,
        "BankAccountDetails": "",
        "Addresses": [_filled(one, "AddressType", ADDRESS_FIELDS) for one in addresses],
        "Phones": [_filled(one, "PhoneType", PHONE_FIELDS) for one in phones],
        "UpdatedDateUTC": ms_time(stored["updated_at"]),
        "ContactGroups": [],
        "IsSupplier": False,
        "IsCustomer": stored["is_customer"],
        "ContactPersons": stored["ContactPersons"],
        "HasAttachments": False,
        "HasValidationErrors": False,
    }


def summary(stored: Body) -> Body:
    """A contact as documents show it in lists."""
    shown = {"ContactID": stored["id"], "Name": stored["Name"]}
    if stored.get("ContactNumber"):
        shown["ContactNumber"] = stored["ContactNumber"]
    empty: Body = {"Addresses": [], "Phones": [], "ContactGroups": [], "ContactPersons": []}
    return shown | empty | {"HasValidationErrors": False}


def found(books: Books, id_or_number: str) -> Body:
    """The contact of this id or contact number; 404 when there is none."""
    stored = books.get(KIND, id_or_number) or _first(books, ContactNumber=id_or_number)
    if stored is None:
        raise not_found()
    return stored


def listed(books: Books, query: Mapping[str, str]) -> list[Body]:
    """The contacts that the query's own parameters leave; archived ones only where they are asked for."""
    ids = [one for one in query.get("IDs", "").split(",") if one]
    term = query.get("searchTerm", "").lower()
    archived = query.get("includeArchived", "").lower() == "true"
    kept = books.find(KIND)
    if ids:
        return [one for one in kept if one["id"] in ids]
    if not archived:
        kept = [one for one in kept if one["ContactStatus"] == "ACTIVE"]
    return [one for one in kept if term in _searched(one)] if term else kept


def create(books: Books, given: Body) -> Body:
    """PUT: a new contact."""
    if given.get("ContactID"):
        raise Invalid("ContactID must be left out of a new contact")
    return _made(books, given)


def create_or_update(books: Books, given: Body, contact_id: str = "") -> Body:
    """POST: the contact of this id, number or name changed, a new one where there is none."""
    wanted = contact_id or text(given, "ContactID") or ""
    if wanted:
        stored = books.get(KIND, wanted)
        if stored is None and contact_id:
            raise not_found()
        if stored is None:
            raise Invalid("The contact with the specified ContactID could not be found")
        return _changed(books, stored, given)
    number, name = text(given, "ContactNumber"), text(given, "Name")
    stored = (_first(books, ContactNumber=number) if number else None) or (_active(books, name) if name else None)
    return _changed(books, stored, given) if stored else _made(books, given)


def of_document(books: Books, given: Body) -> Body:
    """The contact that a document is for, by id, number or name; a new one where a name is not known."""
    contact_id, number, name = text(given, "ContactID"), text(given, "ContactNumber"), text(given, "Name")
    if contact_id:
        stored = books.get(KIND, contact_id)
    else:
        stored = (_first(books, ContactNumber=number) if number else None) or (_active(books, name) if name else None)
        if stored is None and name:
            stored = _made(books, {"Name": name} | ({"ContactNumber": number} if number else {}))
    if stored is None:
        raise Invalid("A Contact must be specified for this type of transaction")
    if stored["ContactStatus"] == "ARCHIVED":
        raise Invalid("The contact is archived. Restore it or choose another contact")
    return stored


def _made(books: Books, given: Body) -> Body:
    fields = _read(given)
    if not fields.get("Name"):
        raise Invalid("The contact name must be specified")
    blank: Body = {"ContactStatus": "ACTIVE", "Addresses": [], "Phones": [], "ContactPersons": [], "is_customer": False}
    stored = {"id": new_id(), **blank, **fields}
    _must_be_unique(books, stored)
    stored = books.keep(PATH, KIND, stored, created=True)
    if not books.by_hand:
        books.effect("create-customer", stored["id"])
    return stored


def _changed(books: Books, stored: Body, given: Body) -> Body:
    fields = _read(given)
    if fields.get("Name") == "":
        raise Invalid("The contact name must be specified")
    changed = stored | fields
    _must_be_unique(books, changed)
    archived = changed["ContactStatus"] == "ARCHIVED" and stored["ContactStatus"] != "ARCHIVED"
    linked = changed.get("ContactNumber") != stored.get("ContactNumber")
    changed = books.keep(PATH, KIND, changed, created=False)
    if linked and not books.by_hand:
        books.effect("link-customer", stored["id"])
    if archived:
        operation = "archive-customer-by-hand" if books.by_hand else "archive-customer"
        books.effect(operation, stored["id"], undoes=stored["id"])
    return changed


def _read(given: Body) -> Body:
    fields: Body = {}
    for name, length_max in _TEXTS.items():
        value = text(given, name, length_max)
        if value is not None:
            fields[name] = value.strip()
    if fields.get("EmailAddress") and "@" not in fields["EmailAddress"]:
        raise Invalid("Email address must be valid")
    status = text(given, "ContactStatus")
    if status is not None and status not in _STATUSES:
        raise Invalid("ContactStatus must be ACTIVE or ARCHIVED")
    if status:
        fields["ContactStatus"] = status
    if "Addresses" in given:
        fields["Addresses"] = [_texts(one, ("AddressType", *ADDRESS_FIELDS)) for one in parts(given, "Addresses")]
    if "Phones" in given:
        fields["Phones"] = [_texts(one, ("PhoneType", *PHONE_FIELDS)) for one in parts(given, "Phones")]
    if "ContactPersons" in given:
        fields["ContactPersons"] = [_person(one) for one in parts(given, "ContactPersons")]
    return fields


def _person(given: Body) -> Body:
    return _texts(given, ("FirstName", "LastName", "EmailAddress")) | {
        "IncludeInEmails": given.get("IncludeInEmails") is True
    }


def _texts(given: Mapping[str, Any], names: tuple[str, ...]) -> Body:
    return {name: value for name in names if (value := text(given, name, 500)) is not None}


def _must_be_unique(books: Books, stored: Body) -> None:
    name, number = stored["Name"], stored.get("ContactNumber")
    other = _active(books, name)
    if stored["ContactStatus"] == "ACTIVE" and other and other["id"] != stored["id"]:
        raise Invalid(
            f"The contact name {name} is already assigned to another contact. "
            "The contact name must be unique across all active contacts."
        )
    other = _first(books, ContactNumber=number) if number else None
    if other and other["id"] != stored["id"]:
        raise Invalid("The Contact Number is already assigned to another contact. It must be unique.")


def _active(books: Books, name: str) -> Body | None:
    wanted = name.strip().lower()
    same = (one for one in books.find(KIND, ContactStatus="ACTIVE") if one["Name"].lower() == wanted)
    return next(same, None)


def _first(books: Books, **where: str) -> Body | None:
    kept = books.find(KIND, **where)
    return kept[0] if kept else None


def _filled(given: Body, kind: str, names: tuple[str, ...]) -> Body:
    shown = {name: given.get(name) or "" for name in names if name != "AddressLine1" or given.get(name)}
    return {kind: given.get(kind) or ("STREET" if kind == "AddressType" else "DEFAULT")} | shown


def _searched(stored: Body) -> str:
    names = ("Name", "FirstName", "LastName", "ContactNumber", "CompanyNumber", "EmailAddress")
    return "\n".join(str(stored.get(name) or "") for name in names).lower()
