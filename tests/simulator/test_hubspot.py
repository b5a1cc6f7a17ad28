"""HubSpot's companies and contacts: found, written, upserted, associated, forgotten, with its errors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from seamline.simulator.hubspot_records import as_of, iso
from seamline.simulator.world import now
from tests.simulator.hubspot_client import CONNECTION, KEY, REFERENCE, App

CONTACTS = "/crm/v3/objects/contacts"
COMPANIES = "/crm/v3/objects/companies"


@pytest.fixture
def app(http: httpx.AsyncClient) -> App:
    return App(http)


async def test_an_object_is_found_by_id_and_by_its_unique_properties(app: App) -> None:
    company = await app.company(properties={"seamline_reference": "crm-main:001A"})
    contact = await app.contact(email="Ann@Example.com")
    by_reference = await app.done("GET", f"{COMPANIES}/crm-main:001A", idProperty="seamline_reference")
    assert by_reference["id"] == company
    by_email = await app.done(
        "GET", f"{CONTACTS}/ann@example.COM", idProperty="email", properties="firstname,phone,nope"
    )
    assert by_email["id"] == contact
    assert by_email["properties"] == {
        "firstname": "Ann",
        "phone": None,
        "hs_object_id": contact,
        "createdate": by_email["createdAt"],
        "lastmodifieddate": by_email["updatedAt"],
    }
    assert (await app.call("GET", f"{COMPANIES}/{contact}")).status_code == 404
    assert (await app.call("GET", f"{COMPANIES}/example.com", idProperty="domain")).status_code == 400


async def test_what_the_api_makes_is_in_the_ledger_with_the_key_that_came_with_it(app: App) -> None:
    properties = {"name": "Acme", "seamline_reference": "crm-main:001A", "seamline_key": KEY}
    made = await app.call("POST", COMPANIES, {"properties": properties})
    assert made.status_code == 201
    plain = await app.done("POST", CONTACTS, {"properties": {"email": "bo@example.com"}})
    listed = (await app.http.get("/_simulator/effects")).json()
    assert [(one["operation"], one["object_id"], one["reference"], one["key"]) for one in listed] == [
        ("create-company", f"made/{made.json()['id']}", REFERENCE, KEY),
        ("create-contact", f"made/{plain['id']}", "", ""),
    ]
    assert await app.done("DELETE", f"{COMPANIES}/{made.json()['id']}") == {}
    assert (await app.effects())[-1] == ("archive-company", KEY, f"made/{made.json()['id']}")
    assert (await app.call("GET", f"{COMPANIES}/{made.json()['id']}")).status_code == 404


async def test_history_says_what_a_value_was_and_who_set_it(app: App) -> None:
    contact = await app.contact(stage="lead")
    await app.set("contacts", contact, lifecyclestage="customer")
    answer = await app.done("GET", f"{CONTACTS}/{contact}", propertiesWithHistory="lifecyclestage")
    history = answer["propertiesWithHistory"]["lifecyclestage"]
    assert [(one["value"], one["sourceType"]) for one in history] == [("customer", "INTEGRATION"), ("lead", "CRM_UI")]


async def test_search_filters_pages_and_lags(app: App) -> None:
    ids = [await app.company(name=f"Company {number}", stage="lead") for number in range(3)]
    odd = await app.company(name="Other", domain="other.example", stage="customer")
    has = {"propertyName": "domain", "operator": "HAS_PROPERTY"}
    leads = {"propertyName": "lifecyclestage", "operator": "IN", "values": ["lead", "subscriber"]}
    first = await app.search("companies", has, leads, limit=2, properties=["name"])
    assert (first["total"], [one["id"] for one in first["results"]]) == (3, ids[:2])
    rest = await app.search("companies", has, leads, limit=2, after=first["paging"]["next"]["after"])
    assert [one["id"] for one in rest["results"]] == ids[2:]
    assert "paging" not in rest
    named = {"propertyName": "name", "operator": "EQ", "value": "OTHER"}
    assert [one["id"] for one in (await app.search("companies", named))["results"]] == [odd]
    await app.people("PUT", "/account/limits", {"search_lag_seconds": 3600})
    assert (await app.search("companies", named))["total"] == 0
    assert (await app.call("GET", f"{COMPANIES}/{odd}")).status_code == 200


def test_a_search_that_lags_sees_the_values_of_then() -> None:
    then, later = (iso(now() - timedelta(seconds=seconds)) for seconds in (600, 60))
    history = [{"value": "customer", "timestamp": later}, {"value": "lead", "timestamp": then}]
    record = {"createdAt": then, "properties": {"lifecyclestage": "customer"}, "history": {"lifecyclestage": history}}
    seen = [as_of(record, seconds) for seconds in (0, 120, 1200)]
    assert [one and one["properties"]["lifecyclestage"] for one in seen] == ["customer", "lead", None]


async def test_upsert_goes_by_the_unique_property_and_says_what_was_new(app: App) -> None:
    def wanted(reference: str, **more: str) -> dict[str, Any]:
        return {"idProperty": "seamline_reference", "id": reference, "properties": {"name": "Acme", **more}}

    first = await app.done("POST", f"{COMPANIES}/batch/upsert", {"inputs": [wanted("crm-main:001A")]})
    again = await app.call(
        "POST",
        f"{COMPANIES}/batch/upsert",
        {"inputs": [wanted("crm-main:001A", city="Leeds"), wanted("crm-main:001B", lifecyclestage="nonsense")]},
    )
    assert [one["new"] for one in first["results"]] == [True]
    assert again.status_code == 207
    told = again.json()
    assert [(one["id"], one["new"], one["properties"]["city"]) for one in told["results"]] == [
        (first["results"][0]["id"], False, "Leeds")
    ]
    assert (told["numErrors"], told["errors"][0]["category"]) == (1, "VALIDATION_ERROR")
    assert [one[0] for one in await app.effects()] == ["create-company"]
    by_domain = {"inputs": [{"idProperty": "domain", "id": "example.com", "properties": {}}]}
    assert (await app.done("POST", f"{COMPANIES}/batch/upsert", by_domain))["errors"][0][
        "category"
    ] == "VALIDATION_ERROR"


async def test_a_batch_changes_what_it_finds_and_names_the_rest(app: App) -> None:
    first, second = await app.company(stage="lead"), await app.company(stage="evangelist")
    inputs = [{"id": one, "properties": {"lifecyclestage": "customer"}} for one in (first, second, "999")]
    answer = await app.call("POST", f"{COMPANIES}/batch/update", {"inputs": inputs})
    assert (answer.status_code, answer.json()["numErrors"]) == (207, 1)
    stages = {one["id"]: one["properties"]["lifecyclestage"] for one in answer.json()["results"]}
    assert stages == {first: "customer", second: "evangelist"}


async def test_a_batch_reads_what_is_there_and_names_what_is_not(app: App) -> None:
    contact = await app.contact()
    body = {"inputs": [{"id": contact}, {"id": "999"}], "properties": ["email"]}
    answer = await app.call("POST", f"{CONTACTS}/batch/read", body)
    assert answer.status_code == 207
    assert [one["properties"]["email"] for one in answer.json()["results"]] == ["ann@example.com"]
    assert [(one["category"], one["context"]) for one in answer.json()["errors"]] == [
        ("OBJECT_NOT_FOUND", {"ids": ["999"]})
    ]
    by_email = {"inputs": [{"id": "ANN@example.com"}], "idProperty": "email", "properties": ["email"]}
    assert (await app.call("POST", f"{CONTACTS}/batch/read", by_email)).status_code == 200


async def test_associated_objects_know_each_other(app: App) -> None:
    company, contact = await app.company(), await app.contact()
    path = f"/crm/v4/objects/contacts/{contact}/associations"
    answer = await app.done("PUT", f"{path}/default/companies/{company}")
    assert [one["associationSpec"]["associationTypeId"] for one in answer["results"]] == [279, 280]
    await app.done("PUT", f"{path}/default/companies/{company}")
    (found,) = (await app.done("GET", f"{path}/companies"))["results"]
    assert (found["toObjectId"], found["associationTypes"][0]["typeId"]) == (int(company), 279)
    (back,) = (await app.done("GET", f"/crm/v4/objects/companies/{company}/associations/contacts"))["results"]
    assert back["toObjectId"] == int(contact)
    second = await app.contact(email="bo@example.com", company=company)
    await app.people("DELETE", f"/contacts/{contact}")
    left = (await app.done("GET", f"/crm/v4/objects/companies/{company}/associations/contacts"))["results"]
    assert [one["toObjectId"] for one in left] == [int(second)]


async def test_properties_say_their_options_and_which_are_unique(app: App) -> None:
    stage = await app.done("GET", "/crm/v3/properties/companies/lifecyclestage")
    assert [one["value"] for one in stage["options"]][:2] == ["subscriber", "lead"]
    listed = (await app.done("GET", "/crm/v3/properties/contacts"))["results"]
    assert {one["name"] for one in listed if one["hasUniqueValue"]} == {"email", "seamline_reference"}
    assert (await app.call("GET", "/crm/v3/properties/contacts/nope")).status_code == 404


async def test_a_forgotten_person_leaves_nothing(app: App) -> None:
    contact = await app.contact()
    await app.done("POST", f"{CONTACTS}/gdpr-delete", {"objectId": "ann@example.com", "idProperty": "email"})
    assert (await app.call("GET", f"{CONTACTS}/{contact}")).status_code == 404
    whole = (await app.http.get(f"/_simulator/audiences/{CONNECTION}/contacts")).text
    assert "ann@example.com" not in whole
    assert "Ann" not in whole
    status = await app.done("GET", "/communication-preferences/v3/status/email/ann@example.com")
    assert {one["sourceOfStatus"] for one in status["subscriptionStatuses"]} == {"PORTAL_WIDE_STATUS"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "category"),
    [
        ("GET", f"{CONTACTS}/999", None, 404, "OBJECT_NOT_FOUND"),
        ("GET", "/crm/v3/objects/rockets/1", None, 400, "VALIDATION_ERROR"),
        ("POST", CONTACTS, {"properties": {"email": "ann@example.com"}}, 409, "CONFLICT"),
        ("POST", CONTACTS, {"properties": {"email": "nobody"}}, 400, "VALIDATION_ERROR"),
        ("POST", CONTACTS, {"properties": {"nickname": "x"}}, 400, "VALIDATION_ERROR"),
        ("POST", CONTACTS, {"properties": {"lifecyclestage": "friend"}}, 400, "VALIDATION_ERROR"),
        ("POST", CONTACTS, {"properties": {"hs_object_id": "7"}}, 400, "VALIDATION_ERROR"),
        ("POST", CONTACTS, {"properties": {"seamline_reference": "crm-main:003A"}}, 400, "VALIDATION_ERROR"),
        ("POST", CONTACTS, {}, 400, "VALIDATION_ERROR"),
        ("POST", CONTACTS, [], 400, "VALIDATION_ERROR"),
        ("POST", f"{CONTACTS}/batch/read", {"inputs": []}, 400, "VALIDATION_ERROR"),
        ("POST", f"{CONTACTS}/search", {"limit": 201}, 400, "VALIDATION_ERROR"),
        ("POST", f"{CONTACTS}/search", {"after": "10000"}, 400, "VALIDATION_ERROR"),
        (
            "POST",
            f"{CONTACTS}/search",
            {"filterGroups": [{"filters": [{"propertyName": "x"}]}]},
            400,
            "VALIDATION_ERROR",
        ),
    ],
)
async def test_what_is_wrong_is_refused_in_hubspots_shape(
    app: App, method: str, path: str, body: Any, status: int, category: str
) -> None:
    await app.contact(properties={"seamline_reference": "crm-main:003A"})
    answer = await app.call(method, path, body)
    told = answer.json()
    assert (answer.status_code, told["status"], told["category"]) == (status, "error", category)
    assert told["message"]
    assert told["correlationId"]
    assert await app.effects() == []


async def test_a_wrong_value_is_named_with_its_code(app: App) -> None:
    answer = await app.call("POST", CONTACTS, {"properties": {"lifecyclestage": "friend", "nickname": "x"}})
    details = {one["context"]["propertyName"][0]: one["code"] for one in answer.json()["errors"]}
    assert details == {"lifecyclestage": "INVALID_OPTION", "nickname": "PROPERTY_DOESNT_EXIST"}


async def test_a_wrong_token_is_refused(app: App) -> None:
    app.headers = {"Authorization": "Bearer wrong"}
    answer = await app.call("GET", f"{CONTACTS}/1")
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")


@pytest.mark.parametrize(
    ("fault", "status", "category"),
    [
        ({"kind": "throttle", "delay_seconds": 7}, 429, "RATE_LIMITS"),
        ({"kind": "refuse", "field": "name", "reason": "too odd"}, 400, "VALIDATION_ERROR"),
        ({"kind": "status", "status": 403}, 403, "MISSING_SCOPES"),
        ({"kind": "status", "status": 502}, 502, "INTERNAL_ERROR"),
        ({"kind": "blind"}, 404, "OBJECT_NOT_FOUND"),
    ],
)
async def test_faults_have_hubspots_shape(app: App, fault: dict[str, Any], status: int, category: str) -> None:
    await app.contact()
    await app.http.post("/_simulator/faults", json={"connection": CONNECTION, "operation": "contacts.get", **fault})
    answer = await app.call("GET", f"{CONTACTS}/ann@example.com", idProperty="email")
    assert (answer.status_code, answer.json()["category"]) == (status, category)
    wait = answer.headers.get("X-HubSpot-RateLimit-Interval-Milliseconds")
    assert (wait == "7000") is (status == 429)


async def test_too_many_calls_are_refused_until_the_window_has_passed(app: App) -> None:
    await app.people("PUT", "/account/limits", {"calls_in_window_max": 2, "window_seconds": 3600})
    first = await app.call("GET", CONTACTS)
    assert first.headers["X-HubSpot-RateLimit-Remaining"] == "1"
    assert first.headers["X-HubSpot-RateLimit-Max"] == "2"
    assert first.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "649999"
    await app.call("GET", CONTACTS)
    refused = await app.call("GET", CONTACTS)
    assert (refused.status_code, refused.json()["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
    assert refused.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "3600000"
    assert "Retry-After" not in refused.headers
    await app.people("PUT", "/account/limits", {"window_seconds": 0.001})
    assert (await app.call("GET", CONTACTS)).status_code == 200


async def test_a_day_has_its_calls_and_a_second_its_searches(app: App) -> None:
    await app.people("PUT", "/account/limits", {"searches_each_second_max": 1, "calls_each_day_max": 2})
    searched = await app.call("POST", f"{CONTACTS}/search", {})
    assert not [name for name in searched.headers if name.startswith("x-hubspot-ratelimit")]
    await app.call("GET", CONTACTS)
    refused = await app.call("GET", CONTACTS)
    assert (refused.status_code, refused.json()["policyName"]) == (429, "DAILY")
    (last,) = (await app.http.get("/_simulator/calls")).json()[-1:]
    assert last["outcome"] == "throttle"
