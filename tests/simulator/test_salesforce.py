"""Salesforce's REST API in the simulator: records, external ids, composite, limits, and the ledger."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from seamline.simulator.salesforce_ids import full_id, new_id
from seamline.simulator.server import Simulator
from tests.simulator.crm_client import CONNECTION, INVOICE, VERSION, Crm, error, keyed


@pytest.fixture
def crm(http: httpx.AsyncClient) -> Crm:
    return Crm(http)


def invoice(deal: str, **changes: Any) -> dict[str, Any]:
    values = {"Opportunity__c": deal, "Number__c": "INV-0001", "Amount__c": 1440.00, "CurrencyIsoCode": "GBP"}
    return values | {"Link__c": "https://accounts.example/INV-0001", "Status__c": "posted"} | changes


def key(deal: str, number: int = 1) -> str:
    return f"{CONNECTION}:{deal}/write-invoice#{number}"


def test_ids_carry_their_suffix() -> None:
    # Published pairs of both forms.
    assert full_id("0013000000CEVTj") == "0013000000CEVTjAAP"
    assert full_id("001R00000064wdt") == "001R00000064wdtIAA"
    assert new_id("006", 62) == full_id("006Sm0000000010") != new_id("006", 61)
    for wrong in ("", "006", "001R00000064wdtIAB", "001R0000006-wdt"):
        with pytest.raises(ValueError, match="id"):
            full_id(wrong)


async def test_a_deal_is_there_with_all_that_belongs_to_it(http: httpx.AsyncClient, crm: Crm) -> None:
    made = (await http.post(f"{crm.people}/deals", json={})).json()
    assert made["reference"] == f"{CONNECTION}:{made['id']}"
    deal = (await crm.call("GET", f"sobjects/Opportunity/{made['id']}")).json()
    assert deal["attributes"] == {"type": "Opportunity", "url": f"{VERSION}/sobjects/Opportunity/{made['id']}"}
    assert (deal["IsWon"], deal["IsClosed"], deal["Amount"], deal["Payment_Terms__c"]) == (True, True, 1200.0, "net-30")
    short = await crm.call("GET", f"sobjects/Opportunity/{made['id'][:15]}", fields="Id,StageName")
    assert short.json()["Id"] == made["id"]
    (found,) = await crm.query(
        "SELECT Id, Account.Name, Account.Owner.Email, Billing_Contact__r.Email, (SELECT ProductCode, TotalPrice,"
        " Product2.Name FROM OpportunityLineItems) FROM Opportunity WHERE IsWon = TRUE"
    )
    assert found["Account"]["Name"] == "Fielding Ceramics Ltd"
    assert found["Account"]["Owner"]["Email"] == "sam.okafor@example.com"
    assert found["Billing_Contact__r"]["Email"] == "jo.fielding@example.com"
    (line,) = found["OpportunityLineItems"]["records"]
    assert (line["ProductCode"], line["TotalPrice"], line["Product2"]["Name"]) == (
        "PLAN-TEAM",
        1200.0,
        "Team plan, one year",
    )


async def test_a_change_of_the_stage_is_dated(http: httpx.AsyncClient, crm: Crm) -> None:
    deal = await crm.deal(stage="Negotiation/Review")
    read = "sobjects/Opportunity/" + deal
    assert (await crm.call("GET", read)).json()["LastStageChangeDate"] is None
    await crm.change(deal, stage="Closed Won")
    changed = (await crm.call("GET", read)).json()
    assert changed["LastStageChangeDate"] == changed["SystemModstamp"]
    page = await http.get(f"{crm.path}/lightning/r/Opportunity/{deal}/view", follow_redirects=True)
    assert "Closed Won" in page.text


async def test_deals_share_an_account_and_are_edited_by_people(crm: Crm) -> None:
    first = await crm.deal(account={"name": "One Ltd"}, stage="Negotiation/Review", instalments=[])
    second = await crm.deal(account={"name": "One Ltd", "tax_id": None}, amount="99.99")
    one, two = await crm.query("SELECT Id, AccountId, Amount, Account.Tax_Id__c FROM Opportunity ORDER BY Amount DESC")
    assert (one["Id"], one["AccountId"]) == (first, two["AccountId"])
    assert (two["Id"], two["Amount"], two["Account"]["Tax_Id__c"]) == (second, 99.99, None)
    await crm.change(first, stage="Closed Won", po_number="PO-7", contact=None, account={"city": "Ely"})
    lines = [{"quantity": 3, "unit_price": "33.335", "discount": "12.5"}]
    await crm.change(first, lines=lines, owner={"email": "x@y.co"})
    (deal,) = await crm.find(
        "Amount, PO_Number__c, Billing_Contact__c, Account.BillingCity, Owner.Email,"
        " (SELECT StageName FROM OpportunityHistories ORDER BY Id), (SELECT TotalPrice FROM OpportunityLineItems)",
        "Opportunity",
        f"WHERE Id = '{first}'",
    )
    assert (deal["PO_Number__c"], deal["Billing_Contact__c"], deal["Account"]["BillingCity"]) == ("PO-7", None, "Ely")
    assert (deal["Amount"], deal["Owner"]["Email"]) == (87.52, "x@y.co")
    stages = [one["StageName"] for one in deal["OpportunityHistories"]["records"]]
    assert (stages[0], stages[-1]) == ("Negotiation/Review", "Closed Won")


async def test_a_write_is_one_effect_however_often_it_comes(crm: Crm) -> None:
    deal = await crm.deal()
    answers = [await crm.call("PATCH", keyed(key(deal)), invoice(deal)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    first, second = (answer.json() for answer in answers)
    assert first == {"id": second["id"], "success": True, "errors": [], "created": True}
    assert second["created"] is False
    await crm.call("PATCH", keyed(key(deal)), {"Status__c": "paid"})
    (written,) = await crm.effects()
    assert (written["operation"], written["key"], written["object_id"]) == ("write-invoice", key(deal), first["id"])
    assert (written["reference"], written["amount"], written["currency"]) == (f"{CONNECTION}:{deal}", "1440.00", "GBP")
    await crm.call("PATCH", keyed(key(deal)), {"Status__c": "reversed"})
    await crm.call("PATCH", keyed(key(deal)), {"Status__c": "posted"})
    operations = [(one["operation"], one["undoes"]) for one in await crm.effects()]
    assert operations[1:] == [("mark-reversed", first["id"]), ("write-invoice", None)]
    found = (await crm.call("GET", keyed(key(deal)))).json()
    assert (found["Id"], found["Seamline_Key__c"], found["Amount__c"]) == (first["id"], key(deal), 1440.0)


async def test_tasks_and_pages_of_effects(http: httpx.AsyncClient, crm: Crm) -> None:
    deal = await crm.deal()
    body = {"Subject": "The invoice was rejected", "WhatId": deal, "Seamline_Key__c": f"{CONNECTION}:{deal}/tell#1"}
    made = await crm.call("POST", "sobjects/Task", body)
    assert made.status_code == 201
    assert made.headers["location"] == f"{VERSION}/sobjects/Task/{made.json()['id']}"
    assert error(await crm.call("POST", "sobjects/Task", body)) == (400, "DUPLICATE_VALUE", [])
    assert [one["operation"] for one in await crm.effects()] == ["create-task"]
    assert "The invoice was rejected" in (await http.get(f"/objects/{CONNECTION}/Task/{made.json()['id']}")).text
    assert (await crm.call("DELETE", f"sobjects/Task/{made.json()['id']}")).status_code == 204


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Number__c": "x" * 81}, (400, "STRING_TOO_LONG", ["Number__c"])),
        ({"Status__c": "Lost"}, (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Status__c"])),
        ({"CurrencyIsoCode": "XXX"}, (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["CurrencyIsoCode"])),
        ({"Amount__c": "12"}, (400, "JSON_PARSER_ERROR", None)),
        ({"Amount__c": 10**17}, (400, "NUMBER_OUTSIDE_VALID_RANGE", ["Amount__c"])),
        ({"Opportunity__c": "006"}, (400, "MALFORMED_ID", ["Opportunity__c"])),
        ({"Opportunity__c": new_id("001", 1)}, (400, "MALFORMED_ID", ["Opportunity__c"])),
        ({"Opportunity__c": new_id("006", 999)}, (400, "INVALID_CROSS_REFERENCE_KEY", [])),
        ({"Colour__c": "red"}, (400, "INVALID_FIELD", None)),
        ({"CreatedDate": "2026-01-01"}, (400, "INVALID_FIELD_FOR_INSERT_UPDATE", ["CreatedDate"])),
        ({"Seamline_Key__c": "x"}, (400, "INVALID_FIELD", None)),
        ({"Id": "a00"}, (400, "INVALID_FIELD", None)),
    ],
)
async def test_what_is_wrong_is_refused(
    crm: Crm, changes: dict[str, Any], expected: tuple[int, str, list[str] | None]
) -> None:
    deal = await crm.deal()
    assert error(await crm.call("PATCH", keyed(key(deal)), invoice(deal, **changes))) == expected
    assert await crm.effects() == []
    assert await crm.find("Id", INVOICE) == []


async def test_what_is_missing_or_deleted_is_told_apart(http: httpx.AsyncClient, crm: Crm) -> None:
    deal = await crm.deal()
    missing = await crm.call("POST", "sobjects/Opportunity", {"Name": "x"})
    assert error(missing) == (400, "REQUIRED_FIELD_MISSING", ["StageName", "CloseDate"])
    contact = await crm.call("POST", "sobjects/Contact", {"LastName": "x", "Email": "nobody"})
    assert error(contact) == (400, "INVALID_EMAIL_ADDRESS", ["Email"])
    assert error(await crm.call("GET", f"sobjects/Opportunity/{new_id('006', 999)}")) == (404, "NOT_FOUND", None)
    assert error(await crm.call("GET", f"sobjects/Account/{deal}")) == (404, "NOT_FOUND", None)
    assert error(await crm.call("GET", "sobjects/Colour__c/1")) == (404, "NOT_FOUND", None)
    assert error(await crm.call("GET", keyed("x"))) == (404, "NOT_FOUND", None)
    assert error(await crm.call("GET", "sobjects/Account/Name/x")) == (404, "NOT_FOUND", None)
    assert error(await crm.call("POST", "sobjects/User", {})) == (400, "INVALID_TYPE_FOR_OPERATION", None)
    assert error(await crm.call("POST", f"sobjects/Opportunity/{deal}")) == (405, "METHOD_NOT_ALLOWED", None)
    assert (await http.delete(f"{crm.people}/records/{deal}")).status_code == 204
    assert error(await crm.call("GET", f"sobjects/Opportunity/{deal}")) == (404, "ENTITY_IS_DELETED", [])
    assert error(await crm.call("PATCH", f"sobjects/Opportunity/{deal}", {})) == (404, "ENTITY_IS_DELETED", [])
    assert error(await crm.call("PATCH", keyed(key(deal)), invoice(deal))) == (400, "ENTITY_IS_DELETED", [])
    assert await crm.query("SELECT Id FROM OpportunityLineItem") == []


async def test_the_amount_of_lines_is_not_written(crm: Crm) -> None:
    deal = await crm.deal()
    assert (await crm.call("PATCH", f"sobjects/Opportunity/{deal}", {"Amount": 1, "Description": "x"})).is_error
    changed = await crm.call("PATCH", f"sobjects/Opportunity/{deal}", {"Amount": 1, "Invoice_Number__c": "INV-1"})
    assert (changed.status_code, changed.content) == (204, b"")
    (found,) = await crm.query("SELECT Amount, Invoice_Number__c, LastModifiedBy.Name FROM Opportunity")
    assert (found["Amount"], found["Invoice_Number__c"]) == (1200.0, "INV-1")
    assert found["LastModifiedBy"]["Name"] == "Seamline Integration"


async def test_two_records_of_one_external_id_are_ambiguous(simulator: Simulator, crm: Crm) -> None:
    deal = await crm.deal()
    await crm.call("PATCH", keyed(key(deal)), invoice(deal))
    (one,) = simulator.world.find(CONNECTION, INVOICE)
    twin = new_id("a00", 500)
    simulator.world.put(CONNECTION, INVOICE, twin, one | {"Id": twin})
    answer = await crm.call("PATCH", keyed(key(deal)), invoice(deal))
    addresses = [f"{VERSION}/sobjects/{INVOICE}/{one['Id']}", f"{VERSION}/sobjects/{INVOICE}/{twin}"]
    assert (answer.status_code, answer.json()) == (300, addresses)


def both(deal: str, **changes: Any) -> list[dict[str, Any]]:
    """The write-back: the invoice, and the fields of the opportunity."""
    fields = {"Invoice_Number__c": "INV-0001", "Invoice_Link__c": "@{read.Link__c}"}
    return [
        {
            "method": "PATCH",
            "url": f"{VERSION}/{keyed(key(deal))}",
            "referenceId": "invoice",
            "body": invoice(deal),
        },
        {"method": "GET", "url": f"{VERSION}/sobjects/{INVOICE}/@{{invoice.id}}", "referenceId": "read"},
        {
            "method": "PATCH",
            "url": f"{VERSION}/sobjects/Opportunity/{deal}",
            "referenceId": "deal",
            "body": fields | changes,
        },
    ]


async def test_a_composite_request_passes_on_what_it_got(crm: Crm) -> None:
    deal = await crm.deal()
    answer = await crm.call("POST", "composite", {"allOrNone": True, "compositeRequest": both(deal)})
    parts = answer.json()["compositeResponse"]
    statuses = {one["referenceId"]: one["httpStatusCode"] for one in parts}
    assert statuses == {"invoice": 201, "read": 200, "deal": 204}
    assert parts[0]["httpHeaders"]["Location"].endswith(parts[0]["body"]["id"])
    (found,) = await crm.query("SELECT Invoice_Link__c FROM Opportunity")
    assert found["Invoice_Link__c"] == "https://accounts.example/INV-0001"
    settings = (await crm.http.get(f"{crm.people}/settings")).json()
    assert settings["requests_used"] == 2


async def test_a_failed_composite_request_leaves_nothing(crm: Crm) -> None:
    deal = await crm.deal()
    wrong = both(deal, Invoice_Status__c="Lost")
    answer = await crm.call("POST", "composite", {"allOrNone": True, "compositeRequest": wrong})
    codes = [one["body"][0]["errorCode"] for one in answer.json()["compositeResponse"]]
    assert answer.status_code == 200
    assert codes == ["PROCESSING_HALTED", "PROCESSING_HALTED", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"]
    assert await crm.find("Id", INVOICE) == []
    assert await crm.effects() == []
    await crm.call("POST", "composite", {"allOrNone": False, "compositeRequest": wrong})
    assert [one["operation"] for one in await crm.effects()] == ["write-invoice"]
    unknown = [{"method": "GET", "url": f"{VERSION}/sobjects/Task/@{{x.id}}", "referenceId": "y"}]
    (part,) = (await crm.call("POST", "composite", {"compositeRequest": unknown})).json()["compositeResponse"]
    assert (part["httpStatusCode"], part["body"][0]["errorCode"]) == (400, "PROCESSING_HALTED")


@pytest.mark.parametrize("calls", [None, [], [{"url": "x"}], [{"referenceId": "a"}] * 2, [{"referenceId": "a"}] * 26])
async def test_a_composite_request_of_no_form_is_refused(crm: Crm, calls: Any) -> None:
    assert (await crm.call("POST", "composite", {"compositeRequest": calls})).status_code == 400


async def test_the_limit_of_the_day_is_counted_and_told(http: httpx.AsyncClient, crm: Crm) -> None:
    await http.put(f"{crm.people}/settings", json={"daily_requests_max": 2})
    first = await crm.call("GET", "sobjects")
    assert first.headers["sforce-limit-info"] == "api-usage=1/2"
    limits = (await crm.call("GET", "limits")).json()
    assert limits["DailyApiRequests"] == {"Max": 2, "Remaining": 0}
    assert error(await crm.call("GET", "sobjects")) == (403, "REQUEST_LIMIT_EXCEEDED", None)
    await http.put(f"{crm.people}/settings", json={"requests_used": 0})
    assert (await crm.call("GET", "sobjects")).status_code == 200
    assert (await http.put(f"{crm.people}/settings", json={"page_size": 0})).status_code == 422


async def test_describe_tells_what_is_there(http: httpx.AsyncClient, crm: Crm) -> None:
    versions = (await http.get(f"{crm.path}/services/data")).json()
    assert versions[-1] == {"label": "64.0", "url": VERSION, "version": "64.0"}
    described = (await crm.call("GET", f"sobjects/{INVOICE}/describe")).json()
    (external,) = [one for one in described["fields"] if one["externalId"]]
    assert (described["keyPrefix"], external["name"], external["idLookup"]) == ("a00", "Seamline_Key__c", True)
    assert "OpportunityLineItem" in [one["name"] for one in (await crm.call("GET", "sobjects")).json()["sobjects"]]
    assert (await crm.call("GET", "sobjects/Account")).json()["objectDescribe"]["keyPrefix"] == "001"
    assert (await http.get(f"{crm.path}/services/data/v20.0/limits")).status_code == 404


@pytest.mark.parametrize(
    ("fault", "status", "code", "fields"),
    [
        ({"kind": "status", "status": 401}, 401, "INVALID_SESSION_ID", None),
        ({"kind": "status", "status": 500}, 500, "UNKNOWN_EXCEPTION", None),
        ({"kind": "down", "status": 503}, 503, "SERVER_UNAVAILABLE", None),
        ({"kind": "throttle"}, 403, "REQUEST_LIMIT_EXCEEDED", None),
        ({"kind": "refuse", "field": "Number__c"}, 400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", ["Number__c"]),
        ({"kind": "refuse", "reason": "UNABLE_TO_LOCK_ROW: busy"}, 400, "UNABLE_TO_LOCK_ROW", []),
    ],
)
async def test_faults_have_salesforces_shape(
    http: httpx.AsyncClient, crm: Crm, fault: dict[str, Any], status: int, code: str, fields: list[str] | None
) -> None:
    deal = await crm.deal()
    await crm.login()
    wanted = {"connection": CONNECTION, "operation": f"{INVOICE}.upsert", **fault}
    assert (await http.post("/_simulator/faults", json=wanted)).status_code == 201
    assert error(await crm.call("PATCH", keyed(key(deal)), invoice(deal))) == (status, code, fields)


async def test_faults_reach_into_searches_and_composites(http: httpx.AsyncClient, crm: Crm) -> None:
    deal = await crm.deal()
    await crm.call("PATCH", keyed(key(deal)), invoice(deal))
    await http.post("/_simulator/faults", json={"connection": CONNECTION, "kind": "blind"})
    assert await crm.query("SELECT Id FROM Opportunity") == []
    assert error(await crm.call("GET", keyed(key(deal)))) == (404, "NOT_FOUND", None)
    await http.delete("/_simulator/faults")
    refuse = {"connection": CONNECTION, "operation": "composite", "kind": "refuse", "reason": "no", "field": "Link__c"}
    await http.post("/_simulator/faults", json=refuse)
    answer = await crm.call("POST", "composite", {"allOrNone": True, "compositeRequest": both(deal)})
    first = answer.json()["compositeResponse"][0]["body"]
    assert first == [{"message": "no", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": ["Link__c"]}]
    calls = (await http.get("/_simulator/calls", params={"operation": "composite"})).json()
    assert [one["outcome"] for one in calls] == ["refused"]
    refuse = {"connection": CONNECTION, "operation": "token", "kind": "refuse", "reason": "ip restricted"}
    await http.post("/_simulator/faults", json=refuse)
    answer = await crm.login()
    assert answer.json() == {"error": "invalid_grant", "error_description": "ip restricted"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "deals", {"amount": "much"}, 422),
        ("POST", "deals", {"stage": "Lost"}, 422),
        ("POST", "deals", {"fields": {"Colour__c": "red"}}, 422),
        ("PATCH", "deals/006", {}, 404),
        ("PATCH", "records/006", {}, 404),
        ("DELETE", "records/006", None, 404),
        ("GET", "records?type=Colour", None, 422),
        ("POST", "subscriptions", {"url": "nowhere"}, 422),
        ("PUT", "certificate", {"certificate": "none"}, 422),
    ],
)
async def test_people_are_told_what_is_wrong(crm: Crm, method: str, path: str, body: Any, status: int) -> None:
    answer = await crm.http.request(method, f"{crm.people}/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]
