"""`seamline mapping` prints the declarations that do the work; it needs neither settings nor servers."""

from __future__ import annotations

import json

import pytest

from seamline import catalog
from seamline.cli import execute
from seamline.conversions import REFERENCE, TEXT
from seamline.fields import Field, FieldMapping
from seamline.mappings import correspondences, printed, with_parts
from seamline.records.customer import AccountingCustomer, Customer
from seamline.records.deal import Deal, DealLine

Capture = pytest.CaptureFixture[str]


def said(capsys: Capture, *arguments: str, code: int = 0) -> str:
    """What the command prints, or complains of."""
    assert execute(["mapping", *arguments]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_every_system_and_every_field_is_printed(capsys: Capture) -> None:
    tables = json.loads(said(capsys, "--json"))["mappings"]
    declared = [one for mappings in catalog.mappings().values() for one in with_parts(mappings)]
    assert {"shopify", "tryton", "shippo"} <= set(catalog.mappings())
    assert [(one["object"], len(one["fields"])) for one in tables] == [
        (one.theirs, len(one.fields)) for one in declared
    ]


def test_a_field_is_shown_with_its_way_conversion_and_rule(capsys: Capture) -> None:
    text = said(capsys, "shopify", "--record", "Order")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "Shopify Order · our Order" in lines
    assert "shippingAddress.zip -> address.postcode text" in lines
    assert "Shippo Address.zip = Shopify Order.shippingAddress.zip" in " ".join(text.split())
    assert "our Label" not in text


def test_correspondences_are_of_what_is_shown(capsys: Capture) -> None:
    found = json.loads(said(capsys, "shippo", "--record", "Label", "--json"))
    assert [one["object"] for one in found["mappings"]] == ["Transaction"]
    [same] = found["correspondences"]
    assert same["thing"] == "effect key"
    assert {"system": "Tryton", "object": "sale.sale", "field": "description"} in same["places"]


def test_an_account_is_the_same_in_crm_accounting_and_marketing(capsys: Capture) -> None:
    found = json.loads(said(capsys, "--json"))["correspondences"]
    [account] = [one["places"] for one in found if one["thing"] == "Customer.reference"]
    assert {(place["system"], place["field"]) for place in account} == {
        ("Salesforce", "Account.Id"),
        ("Xero", "ContactNumber"),
        ("HubSpot", "seamline_reference"),
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["shopfy"], "there is no mapping of 'shopfy'; there are: "),
        (["shippo", "--record", "Ordr"], "there is no mapping to 'Ordr'; there are: Address, "),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(capsys: Capture, arguments: list[str], says: str) -> None:
    assert says in said(capsys, *arguments, code=1)


def test_the_elements_of_lists_are_printed_without_being_listed() -> None:
    line = FieldMapping("CRM", DealLine, "Line", (Field("Id", "id"),))
    deal = FieldMapping("CRM", Deal, "Deal", (Field("Lines", "lines", each=line),))
    assert [one.theirs for one in with_parts([deal, deal, line])] == ["Deal", "Line"]


def test_the_same_is_known_by_its_record_or_as_declared() -> None:
    crm = FieldMapping("CRM", Deal, "Deal", (Field(("$c", "Account.Id"), "customer.reference", REFERENCE),))
    name = Field("Name", "name", TEXT)
    books = FieldMapping(
        "Books", AccountingCustomer, "Contact", (Field("Number", "number", fact="Customer.reference"), name)
    )
    other = FieldMapping("Crowd", Customer, "Person", (Field("$c", "reference"), name))
    [same] = correspondences([crm, books, other])
    assert same.thing == "Customer.reference"
    assert [f"{one.system}.{one.field}" for one in same.places] == ["CRM.Account.Id", "Books.Number"]
    shown = printed({"crowd": [other], "books": [books], "crm": [crm]}, "crowd")
    assert ([one.object for one in shown.mappings], shown.correspondences) == (["Person"], ())
