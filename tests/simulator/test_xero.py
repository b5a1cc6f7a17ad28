"""The simulated Xero's way in: tokens, tenant, limits, keys; and its contacts."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.simulator.xero_client import CLIENT, CONNECTION, REFERENCE, App, messages

TOKEN = f"/xero/{CONNECTION}/connect/token"


@pytest.fixture
async def app(http: httpx.AsyncClient) -> App:
    return await App(http).log_in()


async def refreshed(http: httpx.AsyncClient, token: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token, **CLIENT}
    return await http.post(TOKEN, data=form)


async def test_a_token_opens_one_tenant(app: App) -> None:
    connections = (await app.http.get(f"/xero/{CONNECTION}/connections", headers=app.headers)).json()
    assert [one["tenantId"] for one in connections] == [app.headers["xero-tenant-id"]]
    other = await app.call("GET", "Organisation", headers={"xero-tenant-id": "elsewhere"})
    assert (other.status_code, other.json()["Title"]) == (403, "Forbidden")
    await app.people("POST", "tokens", {"action": "expire"})
    late = await app.call("GET", "Organisation")
    assert (late.status_code, late.json()["Detail"].partition(":")[0]) == (401, "TokenExpired")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({**CLIENT, "client_secret": "wrong", "grant_type": "client_credentials"}, "invalid_client"),
        ({**CLIENT, "grant_type": "password"}, "unsupported_grant_type"),
        ({**CLIENT, "grant_type": "refresh_token", "refresh_token": "wrong"}, "invalid_grant"),
    ],
)
async def test_a_wrong_grant_is_denied(http: httpx.AsyncClient, form: dict[str, str], error: str) -> None:
    answer = await http.post(TOKEN, data=form)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


async def test_a_refresh_token_is_good_once_and_the_one_before_for_a_while(http: httpx.AsyncClient) -> None:
    first = f"refresh-{CONNECTION}"
    second = (await refreshed(http, first)).json()["refresh_token"]
    assert second != first
    assert (await refreshed(http, first)).status_code == 200, "its answer may have been lost"
    await http.put(f"/_simulator/books/{CONNECTION}/limits", json={"refresh_grace_seconds": 0})
    third = (await refreshed(http, second)).json()["refresh_token"]
    assert (await refreshed(http, second)).json() == {"error": "invalid_grant"}
    assert (await refreshed(http, third)).status_code == 200


async def test_a_person_lets_the_app_in_again(http: httpx.AsyncClient) -> None:
    app = await App(http).log_in()
    await app.people("POST", "tokens", {"action": "revoke"})
    assert (await refreshed(http, f"refresh-{CONNECTION}")).status_code == 400
    assert (await app.call("GET", "Organisation")).status_code == 401
    fresh = (await app.people("POST", "tokens", {"action": "consent"}))["refresh_token"]
    assert (await refreshed(http, fresh)).status_code == 200


async def test_one_call_too_many_in_a_minute(app: App) -> None:
    await app.people("PUT", "limits", {"a_minute": 2, "minute_seconds": 30})
    left = [(await app.call("GET", "Accounts")).headers["X-MinLimit-Remaining"] for _ in range(2)]
    assert left == ["1", "0"]
    refused = await app.call("GET", "Accounts")
    assert (refused.status_code, refused.headers["X-Rate-Limit-Problem"]) == (429, "minute")
    assert 0 < int(refused.headers["Retry-After"]) <= 30
    await app.people("PUT", "limits", {"minute_seconds": 0.001})
    assert (await app.call("GET", "Accounts")).status_code == 200


async def test_the_day_is_over_before_the_minute(app: App) -> None:
    await app.people("PUT", "limits", {"a_day": 1, "a_minute": 1})
    assert (await app.call("GET", "Accounts")).headers["X-DayLimit-Remaining"] == "0"
    refused = await app.call("GET", "Accounts")
    assert refused.headers["X-Rate-Limit-Problem"] == "day"
    assert 60 < int(refused.headers["Retry-After"]) <= 86_400


async def test_five_at_once(app: App) -> None:
    await app.http.put("/_simulator/settings", json={"latency_milliseconds": 200})
    answers = await asyncio.gather(*(app.call("GET", "Accounts") for _ in range(6)))
    refused = [one for one in answers if one.status_code == 429]
    assert [one.headers["X-Rate-Limit-Problem"] for one in refused] == ["concurrent"]
    assert "Retry-After" not in refused[0].headers
    assert (await app.call("GET", "Accounts")).status_code == 200


async def test_the_same_key_gets_the_same_answer(app: App) -> None:
    body = {"Contacts": [{"Name": "Acme Ltd"}]}
    key = f"{REFERENCE}/create-customer#1.0"
    answers = [await app.call("PUT", "Contacts", body, key=key) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert [one["key"] for one in await app.ledger("create-customer")] == [f"{REFERENCE}/create-customer#1"]
    other = await app.call("PUT", "Contacts", {"Contacts": [{"Name": "Other"}]}, key=key)
    assert (other.status_code, other.json()["Message"]) == (400, "The Idempotency-Key was used for another request")
    assert (await app.call("PUT", "Contacts", body, key="k" * 129)).status_code == 400


async def test_what_was_refused_is_not_kept_under_its_key(app: App) -> None:
    contact = await app.contact()
    body = {"Contacts": [{"Name": "Acme Ltd"}]}
    assert messages(await app.call("PUT", "Contacts", body, key="again"))
    await app.people("POST", f"contacts/{contact}", {"archived": True})
    assert (await app.call("PUT", "Contacts", body, key="again")).status_code == 200


async def test_without_asking_for_json_it_is_xml(app: App) -> None:
    answer = await app.call("GET", "Accounts", headers={"Accept": "*/*"})
    assert answer.headers["content-type"].startswith("text/xml")


async def test_names_and_numbers_are_unique(app: App) -> None:
    contact = await app.contact(ContactNumber="crm-main:001")
    assert "already assigned" in messages(await app.call("PUT", "Contacts", {"Name": "ACME Ltd"}))[0]
    twice = {"Name": "Other", "ContactNumber": "crm-main:001"}
    assert "already assigned" in messages(await app.call("PUT", "Contacts", twice))[0]
    [found] = await app.done("GET", "Contacts/crm-main:001")
    assert found["ContactID"] == contact
    [changed] = await app.done("POST", "Contacts", {"Contacts": [{"Name": "acme ltd", "TaxNumber": "GB123"}]})
    assert (changed["ContactID"], changed["TaxNumber"]) == (contact, "GB123")


async def test_contacts_are_searched(app: App) -> None:
    one = await app.contact("Acme Ltd", TaxNumber="GB123")
    two = await app.contact("Bolt & Co", EmailAddress="bo@bolt.example", ContactNumber="crm-main:002")

    async def ids(**query: str) -> list[str]:
        return [found["ContactID"] for found in await app.done("GET", "Contacts", **query)]

    assert await ids(where='TaxNumber=="GB123"') == [one]
    assert await ids(where='Name.ToLower().Contains("bolt") OR TaxNumber == "none"') == [two]
    assert await ids(where='ContactNumber=="crm-main:002" AND EmailAddress.EndsWith("@bolt.example")') == [two]
    assert await ids(searchTerm="BOLT") == [two]
    assert await ids(IDs=f"{two},unknown") == [two]
    assert await ids(order="Name DESC") == [two, one]
    await app.people("POST", f"contacts/{one}", {"archived": True})
    assert await ids() == [two]
    assert await ids(includeArchived="true") == [one, two]
    broken = await app.call("GET", "Contacts", where='Name=="')
    assert (broken.status_code, broken.json()["Type"]) == (400, "QueryParseException")


async def test_pages_and_changes_since(app: App) -> None:
    for number in range(3):
        await app.contact(f"Customer {number}")
    page = (await app.call("GET", "Contacts", page=2, pageSize=2)).json()
    assert page["pagination"] == {"page": 2, "pageSize": 2, "pageCount": 2, "itemCount": 3}
    assert [one["Name"] for one in page["Contacts"]] == ["Customer 2"]
    later = await app.call("GET", "Contacts", headers={"If-Modified-Since": "2099-01-01T00:00:00Z"})
    assert later.json()["Contacts"] == []
    assert (await app.call("GET", "Contacts", page=0)).status_code == 400


async def test_some_of_many_are_wrong(app: App) -> None:
    body = {"Contacts": [{"Name": "Acme Ltd"}, {"Name": "Bolt", "EmailAddress": "nowhere"}]}
    assert messages(await app.call("PUT", "Contacts", body)) == ["Email address must be valid"]
    assert await app.done("GET", "Contacts") == []
    shown = (await app.call("PUT", "Contacts", body, summarizeErrors="false")).json()["Contacts"]
    assert [one["StatusAttributeString"] for one in shown] == ["OK", "ERROR"]
    assert [one["Name"] for one in await app.done("GET", "Contacts")] == ["Acme Ltd"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "Contacts/unknown", None, 404),
        ("POST", "Contacts/unknown", {"Name": "A"}, 404),
        ("PUT", "Contacts", ["no object"], 400),
        ("PUT", "Contacts", {"Contacts": []}, 400),
        ("PUT", "Contacts", {"Name": 7}, 400),
        ("PUT", "Contacts", {"Name": "x" * 256}, 400),
    ],
)
async def test_wrong_calls(app: App, method: str, path: str, body: Any, status: int) -> None:
    answer = await app.call(method, path, body)
    assert answer.status_code == status, answer.text
    assert await app.ledger() == []


async def test_archiving_is_an_effect(app: App) -> None:
    made = f"{REFERENCE}/create-customer#1"
    [acme] = await app.done("PUT", "Contacts", {"Name": "Acme Ltd"}, key=f"{made}.0")
    contact, number = acme["ContactID"], {"ContactNumber": "crm-main:001"}
    await app.done("POST", f"Contacts/{contact}", number, key=f"{REFERENCE}/link-customer#1.0")
    await app.done("POST", f"Contacts/{contact}", {"ContactStatus": "ARCHIVED"})
    assert [(one["operation"], one["key"], one["undoes"]) for one in await app.ledger()] == [
        ("create-customer", made, None),
        ("link-customer", f"{REFERENCE}/link-customer#1", None),
        ("archive-customer", made, contact),
    ]
    body = {"Type": "ACCREC", "Contact": {"ContactID": contact}}
    assert "archived" in messages(await app.call("PUT", "Invoices", body | {"LineItems": [{"Description": "A"}]}))[0]
