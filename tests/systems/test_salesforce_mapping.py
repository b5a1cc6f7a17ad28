"""Whatever Salesforce answers within its types becomes a deal, or a Refusal that names fields and tells no value."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seamline.records.deal import NoteRequest
from seamline.records.money import Money
from seamline.systems.salesforce import mapping, queries, wire
from tests.systems.test_mappings_are_total import EXAMPLES, assert_total, maybe, refusal_of, texts

MARK = "Zürich-Ω"
marked = texts.map(lambda text: f"{MARK}{text}" if text else text)
numbers = st.floats(-(10**15), 10**15, allow_nan=False) | st.integers(-5, 10**6)
days = st.dates().map(lambda day: day.isoformat())
moments = st.dates(min_value=date(1999, 1, 1)).map(lambda day: f"{day.isoformat()}T10:50:00.000+0000")


def record(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A record with an id, and these fields or null."""
    return st.fixed_dictionaries({"Id": marked, **{name: maybe(one) for name, one in fields.items()}})


def page(records: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What is below a record."""
    return st.fixed_dictionaries({"done": st.just(True), "records": st.lists(records, max_size=2)})


codes = st.sampled_from(["GBP", "EUR", "pounds"])
text_fields = ("Name", "Website", "Tax_Id__c", "Customer_Group__c", "BillingStreet", "BillingState")
accounts = record(**dict.fromkeys(text_fields, marked), BillingCountryCode=st.sampled_from(["GB", "gb", "GBR"]))
contacts = record(FirstName=marked, LastName=marked, Email=marked)
lines = record(Quantity=numbers, UnitPrice=numbers, TotalPrice=numbers, Discount=numbers, Description=marked)
parts = record(Number__c=numbers, Due_Date__c=days, Amount__c=numbers)
notes = record(
    Seamline_Key__c=marked,
    Number__c=marked,
    Amount__c=numbers,
    CurrencyIsoCode=codes,
    Status__c=st.sampled_from(["posted", "paid", "disputed", "reversed", "Sent"]),
)
deals = st.tuples(
    record(
        Name=marked,
        CurrencyIsoCode=codes,
        Amount=numbers,
        CloseDate=days,
        PO_Number__c=marked,
        Legal_Entity__c=marked,
        Account=accounts,
        Billing_Contact__r=contacts,
        OpportunityLineItems=page(lines),
        Seamline_Instalments__r=page(parts),
        Seamline_Invoices__r=page(notes),
    ),
    st.fixed_dictionaries({"IsWon": st.booleans(), "IsClosed": st.booleans(), "SystemModstamp": moments}),
).map(lambda both: both[0] | both[1])


def read(found: wire.Opportunity) -> object:
    return mapping.DEAL.read(found, connection="crm-main", url="https://acme.example", sandbox=False)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(deals)
def test_an_opportunity_becomes_a_deal_or_is_refused_by_field(body: Any) -> None:
    assert_total(wire.Opportunity, body, read)
    refusal = refusal_of(lambda: read(wire.Opportunity.model_validate(body)))
    assert refusal is None or MARK not in f"{refusal!r} {refusal.failure}"


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.decimals(0, 10**12, places=2), st.sampled_from(["GBP", "JPY"]))
def test_no_cent_is_lost_on_the_way_out_and_back(amount: Any, currency: str) -> None:
    money = Money(amount=amount, currency=currency)
    sent = mapping.NOTE_OUT.write(NoteRequest(number="INV-1", amount=money), key="crm-main:1/write-invoice#1")
    found = wire.Invoice.model_validate(sent | {"Id": "a00"})
    assert mapping.NOTE.read(found).amount == money


@given(st.text())
def test_a_text_stays_one_text_in_a_query(text: str) -> None:
    quoted = queries.quoted(text)
    inner = quoted[1:-1]
    bare = inner.replace("\\\\", "").replace("\\'", "")
    assert quoted[0] == quoted[-1] == "'"
    assert "'" not in bare
    assert not bare.endswith("\\")
