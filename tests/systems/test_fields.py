"""A declared mapping reads and writes by the same lines, and refuses by place and kind without telling the value."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from seamline import conversions as to
from seamline.conversions import Conversion
from seamline.errors import Refusal
from seamline.fields import LEFT_OUT, Field, FieldMapping, Way
from seamline.records.customer import Customer
from seamline.records.deal import Deal, DealLine, DealStage
from seamline.records.money import Money

LINE = FieldMapping(
    "Salesforce",
    DealLine,
    "OpportunityLineItem",
    (
        Field("Id", "id"),
        Field("Quantity", "quantity", to.NUMBER),
        Field(("UnitPrice", "^CurrencyIsoCode"), "unit_price", to.MONEY_NUMBER),
        Field(("TotalPrice", "^CurrencyIsoCode"), "total", to.MONEY_NUMBER),
    ),
)
DEAL = FieldMapping(
    "Salesforce",
    Deal,
    "Opportunity",
    (
        Field(("$connection", "Id"), "reference", to.REFERENCE),
        Field("StageName", "stage", to.codes({"Closed Won": DealStage.WON}, otherwise=DealStage.OPEN)),
        Field("SystemModstamp", "changed_at", to.DATETIME, way=Way.READ),
        Field("CurrencyIsoCode", "currency"),
        Field(("Amount", "CurrencyIsoCode"), "amount", to.MONEY_NUMBER),
        Field("CloseDate", "close_date", to.DATE),
        Field(("$connection", "Account.Id"), "customer.reference", to.REFERENCE),
        Field("Account.Name", "customer.name", to.TEXT),
        Field("Account.Website", "customer.domain", to.DOMAIN),
        Field("Account.Addresses[Kind=BILLING].City", "customer.address.city", to.TEXT),
        Field("Lines.records", "lines", each=LINE),
        Field("Kind__c", (), to.always("deal")),
    ),
)
RAW: dict[str, Any] = {
    "Id": "006A",
    "StageName": "Closed Won",
    "SystemModstamp": "2026-11-22T10:50:00.000+0000",
    "CurrencyIsoCode": "GBP",
    "Amount": 100.1,
    "CloseDate": "2026-11-20",
    "Account": {
        "Id": "001A",
        "Name": None,
        "Website": "https://www.Acme.example/about",
        "Addresses": [{"Kind": "STREET", "City": "Leeds"}, {"Kind": "BILLING", "City": "York"}],
    },
    "Lines": {"records": [{"Id": "00k1", "Quantity": "2.5", "UnitPrice": 40.04, "TotalPrice": 100.1}]},
}


def problems(changed: dict[str, Any]) -> dict[str, str]:
    """What is refused of the deal changed so, by place."""
    with pytest.raises(Refusal) as caught:
        DEAL.read({**RAW, **changed}, connection="crm-main")
    assert caught.value.failure.code == "unmappable"
    return {problem.field: problem.reason for problem in caught.value.failure.problems}


def test_their_object_becomes_our_record() -> None:
    deal = DEAL.read(RAW, connection="crm-main")
    assert (deal.reference, deal.stage) == ("crm-main:006A", DealStage.WON)
    assert deal.changed_at == datetime(2026, 11, 22, 10, 50, tzinfo=UTC)
    assert deal.amount == Money(amount=Decimal("100.1"), currency="GBP")
    assert deal.close_date == date(2026, 11, 20)
    customer = deal.customer
    assert customer
    assert (customer.reference, customer.name, customer.domain) == ("crm-main:001A", "", "acme.example")
    assert customer.address.city == "York"
    assert [(line.quantity, str(line.unit_price)) for line in deal.lines] == [(Decimal("2.5"), "40.04 GBP")]


def test_our_record_becomes_their_object() -> None:
    written = DEAL.write(DEAL.read(RAW, connection="crm-main"), connection="crm-main")
    assert written == {
        "Id": "006A",
        "StageName": "Closed Won",
        "CurrencyIsoCode": "GBP",
        "Amount": 100.1,
        "CloseDate": "2026-11-20",
        "Account": {
            "Id": "001A",
            "Name": None,
            "Website": "acme.example",
            "Addresses": [{"Kind": "BILLING", "City": "York"}],
        },
        "Lines": {"records": [{"Id": "00k1", "Quantity": 2.5, "UnitPrice": 40.04, "TotalPrice": 100.1}]},
        "Kind__c": "deal",
    }


def test_what_is_not_there_is_left_to_the_record_and_not_written() -> None:
    bare = {name: RAW[name] for name in ("Id", "SystemModstamp", "CurrencyIsoCode", "Amount")}
    deal = DEAL.read({**bare, "StageName": "new", "Account": None, "CloseDate": ""}, connection="crm-main")
    assert (deal.customer, deal.close_date, deal.lines, deal.stage) == (None, None, (), DealStage.OPEN)
    assert DEAL.write({"currency": "GBP"}) == {"CurrencyIsoCode": "GBP", "Kind__c": "deal"}


@pytest.mark.parametrize("raw", [{}, {"Tier__c": None}])
def test_a_function_may_decide_where_their_object_says_nothing(raw: dict[str, Any]) -> None:
    def group(tier: str | None, usual: str) -> str:
        """Their tier, else the usual group."""
        return tier or usual

    def read(conversion: Conversion) -> dict[str, Any]:
        field = Field(("Tier__c", "$usual"), "group", conversion)
        known = Field("Id", "reference")
        mapping = FieldMapping("Salesforce", Customer, "Account", (known, field))
        return mapping.read({"Id": "crm-main:001A", **raw}, usual="gold").model_dump(include={"group"})

    assert read(to.by(group, takes_none=True)) == {"group": "gold"}
    assert read(to.by(group)) == {"group": ""}


def test_a_value_that_does_not_fit_is_named_by_place_kind_and_remedy() -> None:
    line = {"Id": "00k1", "Quantity": "secret", "UnitPrice": 1, "TotalPrice": [1]}
    found = problems({"CloseDate": "secret", "Account": {"Id": "001A", "Website": 7}, "Lines": {"records": [line]}})
    assert found == {
        "CloseDate": "is text, and must be a date such as 2026-11-22: correct it in Salesforce, then retry",
        "Account.Website": "is a number, and must be a web address such as https://www.acme.example: "
        "correct it in Salesforce, then retry",
        "Lines.records.0.Quantity": "is text, and must be a number: correct it in Salesforce, then retry",
        "Lines.records.0.TotalPrice": "is a list, and must be a number: correct it in Salesforce, then retry",
    }


def test_what_the_record_refuses_is_told_by_their_place() -> None:
    line = {"Id": "00k1", "Quantity": 1, "TotalPrice": 10**15}
    found = problems({"Amount": None, "Account": {"Id": "001A", "Name": "secret" * 99}, "Lines": {"records": [line]}})
    assert found["Amount"] == "is empty, and is needed: correct it in Salesforce, then retry"
    assert found["Account.Name"].startswith("is text that does not fit (String should have at most 255")
    assert found["Lines.records.0.UnitPrice"].startswith("is empty, and is needed")
    assert found["Lines.records.0.TotalPrice"].startswith("is a number that does not fit (")
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("changed", "place", "says"),
    [
        ({"Account": "secret"}, "Account.Id", "is in something that has no fields"),
        ({"Lines": {"records": "secret"}}, "Lines.records", "is text, and must be a list"),
        ({"Amount": "NaN"}, "Amount", "is text, and must be a number"),
        ({"Amount": True}, "Amount", "is yes or no, and must be a number"),
        ({"SystemModstamp": "2026-11-22T10:50:00"}, "SystemModstamp", "is text, and must be a moment"),
    ],
)
def test_odd_shapes_are_refused_too(changed: dict[str, Any], place: str, says: str) -> None:
    found = problems(changed)
    assert found[place].startswith(says)
    assert "secret" not in str(found)


def test_a_value_of_ours_without_a_place_there_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        DEAL.write({"stage": DealStage.LOST})
    assert [problem.field for problem in caught.value.failure.problems] == ["stage"]
    assert "lost" not in str(caught.value.failure.problems)


def test_each_vendor_says_what_it_is_sent_for_nothing() -> None:
    fields = (Field("name", "name", to.TEXT), Field(("web", "site"), "domain", by_two()))
    customer = {"name": "", "domain": ""}
    assert FieldMapping("X", Customer, "x", fields).write(customer) == {"name": None, "web": None, "site": None}
    assert FieldMapping("X", Customer, "x", fields, empty="").write(customer) == {"name": "", "web": "", "site": ""}
    assert FieldMapping("X", Customer, "x", fields, empty=LEFT_OUT).write(customer) == {}


def by_two() -> Conversion:
    """A conversion to two of their places."""
    return Conversion("two halves", write=lambda text: tuple(text.split(".")))


def test_a_path_that_leads_nowhere_is_found_when_the_mapping_is_made() -> None:
    class Wire(BaseModel):
        model_config = ConfigDict(alias_generator=to_camel)
        web_site: str | None = None

    with pytest.raises(ValueError, match="Customer has no field 'domian'"):
        FieldMapping("X", Customer, "x", (Field("webSite", "domian"),))
    with pytest.raises(ValueError, match="Wire has no field 'webPage'"):
        FieldMapping("X", Customer, "x", (Field("webPage", "domain"),), wire=Wire)
    mapped = FieldMapping(
        "X", Customer, "x", (Field("$reference", "reference"), Field("webSite", "domain", to.DOMAIN)), wire=Wire
    )
    found = mapped.read(Wire.model_validate({"webSite": "acme.example:8080"}), reference="crm-main:001A")
    assert found == Customer(reference="crm-main:001A", domain="acme.example")


def test_what_the_caller_forgets_to_give_is_a_defect_and_no_refusal() -> None:
    with pytest.raises(RuntimeError, match="connection"):
        DEAL.read(RAW)


@pytest.mark.parametrize(
    ("conversion", "theirs", "ours"),
    [
        (to.TEXT, 7, "7"),
        (to.INTEGER, "7", 7),
        (to.DECIMAL, "7.10", Decimal("7.10")),
        (to.FLAG, "true", True),
        (to.FLAG, False, False),
        (to.COUNTRY, " gb", "GB"),
        (to.DOMAIN, "acme.example", "acme.example"),
        (to.DATE, datetime(2026, 11, 22, 10, tzinfo=UTC), date(2026, 11, 22)),
        (to.codes({"A": 1, "B": 1}), "B", 1),
    ],
)
def test_conversions_read(conversion: Conversion, theirs: object, ours: object) -> None:
    assert conversion.read
    assert conversion.read(theirs) == ours


@pytest.mark.parametrize(
    ("conversion", "theirs"),
    [
        (to.TEXT, True),
        (to.INTEGER, 7.5),
        (to.FLAG, "yes"),
        (to.COUNTRY, "United Kingdom"),
        (to.DOMAIN, "acme"),
        (to.DATE, "22/11/2026"),
        (to.codes({"A": 1}), "C"),
    ],
)
def test_conversions_refuse(conversion: Conversion, theirs: object) -> None:
    assert conversion.read
    with pytest.raises((ValueError, TypeError, LookupError)):
        conversion.read(theirs)


def test_codes_write_the_first_of_several() -> None:
    write = to.codes({"A": 1, "B": 1}).write
    assert write
    assert write(1) == "A"
