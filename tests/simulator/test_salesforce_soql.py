"""SOQL in the simulated Salesforce: what it finds, and what it refuses."""

from __future__ import annotations

import httpx
import pytest

from tests.simulator.crm_client import VERSION, Crm, error


@pytest.fixture
async def crm(http: httpx.AsyncClient) -> Crm:
    """An organisation with three deals: A won for 100 GBP, B won for 200 EUR, C open for 300."""
    crm = Crm(http)
    for name, stage, amount, currency in (
        ("A", "Closed Won", "100", "GBP"),
        ("B", "Closed Won", "200", "EUR"),
        ("C", "Qualification", "300", "GBP"),
    ):
        account = {"name": f"{name}'s \\ Ltd", "currency": currency}
        day = f"2026-03-0{amount[0]}"
        await crm.deal(
            name=name, stage=stage, amount=amount, currency=currency, account=account, close_date=day, lines=[]
        )
    return crm


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("", "ABC"),
        ("WHERE IsWon = true AND CurrencyIsoCode = 'GBP'", "A"),
        ("WHERE Amount > 100", "BC"),
        ("WHERE Amount >= 100 AND Amount < 300", "AB"),
        ("WHERE Amount <= 200.00 ORDER BY Amount DESC", "BA"),
        ("WHERE Name IN ('A', 'c', 'x')", "AC"),
        ("WHERE Name NOT IN ('A')", "BC"),
        ("WHERE Name = 'a'", "A"),
        ("WHERE AccountId = null", ""),
        ("WHERE Name != 'A' LIMIT 1", "B"),
        ("WHERE Account.Name = 'B\\'s \\\\ Ltd'", "B"),
        ("WHERE CloseDate > 2026-03-01 ORDER BY Name DESC", "CB"),
        ("WHERE SystemModstamp > 2026-01-01T00:00:00Z AND CreatedDate < 2000-01-01T00:00:00+01:00", ""),
        ("WHERE PO_Number__c = null ORDER BY StageName, Name", "ABC"),
        ("WHERE PO_Number__c > ''", ""),
        ("where Account.CurrencyIsoCode <> 'GBP' order by Id", "B"),
    ],
)
async def test_what_is_asked_for_is_found(crm: Crm, where: str, names: str) -> None:
    assert "".join(one["Name"] for one in await crm.find("Name", "Opportunity", where)) == names


async def test_missing_parents_and_children_are_null(crm: Crm) -> None:
    await crm.deal(name="D", account=None, contact=None, lines=[])
    (found,) = await crm.query(
        "SELECT Id, AccountId, Account.Name, (SELECT Id FROM OpportunityLineItems) FROM Opportunity WHERE Name = 'D'"
    )
    assert (found["Account"], found["AccountId"], found["OpportunityLineItems"]) == (None, None, None)
    ordered = await crm.query("SELECT Name FROM Opportunity ORDER BY Account.Name DESC")
    assert [one["Name"] for one in ordered] == ["D", "C", "B", "A"]


async def test_a_record_is_found_by_either_form_of_its_id(crm: Crm) -> None:
    (one,) = await crm.query("SELECT Id FROM Opportunity WHERE Name = 'A'")
    for text in (one["Id"], one["Id"][:15]):
        assert await crm.find("Id", "Opportunity", f"WHERE Id = '{text}'") == [one]
        assert await crm.find("Id", "Opportunity", f"WHERE Id IN ('{text}')") == [one]


async def test_answers_come_in_pages(crm: Crm) -> None:
    await crm.http.put(f"{crm.people}/settings", json={"page_size": 2})
    first = (await crm.call("GET", "query", q="SELECT Name FROM Opportunity ORDER BY Name")).json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (3, False, 2)
    await crm.deal(name="AA")
    path = first["nextRecordsUrl"].removeprefix(f"{VERSION}/")
    rest = (await crm.call("GET", path)).json()
    assert (rest["done"], [one["Name"] for one in rest["records"]], "nextRecordsUrl" in rest) == (True, ["C"], False)
    (deal,) = await crm.find(
        "Name, (SELECT Name FROM Contacts), (SELECT Name FROM Opportunities)", "Account", "LIMIT 1"
    )
    assert (deal["Opportunities"]["done"], deal["Opportunities"]["totalSize"]) == (True, 1)
    await crm.http.put(f"{crm.people}/settings", json={"page_size": 1})
    lines = [{"product": "X"}, {"product": "Y"}]
    await crm.deal(name="Z", lines=lines)
    (deal,) = await crm.find(
        "Id, (SELECT ProductCode FROM OpportunityLineItems ORDER BY SortOrder)", "Opportunity", "WHERE Name = 'Z'"
    )
    path = deal["OpportunityLineItems"]["nextRecordsUrl"].removeprefix(f"{VERSION}/")
    assert [one["ProductCode"] for one in (await crm.call("GET", path)).json()["records"]] == ["Y"]
    assert error(await crm.call("GET", "query/01g-2")) == (400, "INVALID_QUERY_LOCATOR", None)


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("", "MALFORMED_QUERY"),
        ("SELECT FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT Id Opportunity", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Name = 'A' OR Name = 'B'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Name = 'A", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Name = 'A\\q'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE CreatedDate > 2026-13-01T00:00:00Z", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity LIMIT -1", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity ORDER Name", "MALFORMED_QUERY"),
        ("SELECT Id, (SELECT Id, (SELECT Id FROM Tasks) FROM Tasks) FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT Colour__c FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Parent.Name FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Amount = '1'", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Name = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE CloseDate = 2026-01-01T00:00:00Z", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE IsWon = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Task WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Id = '1'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Colour__c", "INVALID_TYPE"),
        ("SELECT Id, (SELECT Id FROM Lines) FROM Opportunity", "INVALID_TYPE"),
    ],
)
async def test_what_cannot_be_asked_is_refused(crm: Crm, soql: str, code: str) -> None:
    assert error(await crm.call("GET", "query", q=soql)) == (400, code, None)
