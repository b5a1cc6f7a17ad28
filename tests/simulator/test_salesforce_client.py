"""simple-salesforce, which knows nothing of us, does its ordinary work against the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

from seamline.simulator.server import Simulator
from tests.checked import Against, Checks
from tests.simulator.crm_client import CONNECTION, INVOICE, Crm
from tests.simulator.test_salesforce_access import KEY, public_pem

CHECKS = Checks(
    "salesforce",
    Against.OTHERS_CLIENT,
    "simple-salesforce, which is not Salesforce's own, with the simulator",
    frozenset({"fetch_deal", "find_won", "write_invoice"}),
)
CLIENT = {"consumer_key": f"client-{CONNECTION}", "consumer_secret": f"secret-{CONNECTION}", "domain": "acme.my"}


class _ToSimulator(HTTPAdapter):
    """The client insists on https and, for tokens, on Salesforce's own names: both lead to the simulator."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = urlsplit(url)

    def send(self, request: PreparedRequest, *args: Any, **more: Any) -> Response:
        asked = urlsplit(request.url or "")
        host = asked.hostname or ""
        path = f"/salesforce/{CONNECTION}{asked.path}" if host.endswith(".salesforce.com") else asked.path
        request.url = urlunsplit((self._url.scheme, self._url.netloc, path, asked.query, ""))
        return super().send(request, *args, **more)


def session(simulator: Simulator) -> Session:
    made = Session()
    made.trust_env = False
    made.mount("https://", _ToSimulator(simulator.url))
    return made


async def in_thread(work: Callable[[Salesforce], Any], simulator: Simulator, **login: Any) -> Any:
    """Run the client's blocking work beside the simulator."""

    def run() -> Any:
        with session(simulator) as opened:
            return work(Salesforce(session=opened, version="64.0", **login))

    return await asyncio.to_thread(run)


async def test_it_reads_all_pages_and_writes(simulator: Simulator, http: httpx.AsyncClient) -> None:
    crm = Crm(http)
    deals = [await crm.deal(name=f"Deal {number}") for number in range(5)]
    await http.put(f"{crm.people}/settings", json={"page_size": 2})

    def work(salesforce: Any) -> None:
        found = salesforce.query_all("SELECT Id, Account.Name FROM Opportunity ORDER BY Name")
        assert [one["Id"] for one in found["records"]] == deals
        assert salesforce.api_usage["api-usage"].total == 100_000
        assert salesforce.Opportunity.get(deals[0])["Name"] == "Deal 0"
        assert not salesforce.is_sandbox()
        key = f"{CONNECTION}:{deals[0]}-1"
        assert salesforce.Seamline_Invoice__c.upsert(f"Seamline_Key__c/{key}", {"Number__c": "INV-1"}) == 201
        assert salesforce.Seamline_Invoice__c.upsert(f"Seamline_Key__c/{key}", {"Number__c": "INV-1"}) == 200
        assert salesforce.Seamline_Invoice__c.get_by_custom_id("Seamline_Key__c", key)["Number__c"] == "INV-1"
        task = salesforce.Task.create({"Subject": "Call", "WhatId": deals[0]})
        assert salesforce.Task.update(task["id"], {"Status": "Completed"}) == 204
        assert salesforce.Task.delete(task["id"]) == 204
        assert salesforce.limits()["DailyApiRequests"]["Max"] == 100_000
        assert INVOICE in [one["name"] for one in salesforce.describe()["sobjects"]]
        assert salesforce.Account.describe()["keyPrefix"] == "001"

    await in_thread(work, simulator, **CLIENT)


async def test_it_logs_in_again_when_its_session_ended(simulator: Simulator, http: httpx.AsyncClient) -> None:
    def ended(salesforce: Any) -> None:
        salesforce.query("SELECT Id FROM User")
        with httpx.Client(base_url=simulator.url) as people:
            assert people.delete(f"/_simulator/crms/{CONNECTION}/sessions").json() == {"ended": 1}
        assert salesforce.query("SELECT Id FROM User")["totalSize"] == 2

    await in_thread(ended, simulator, **CLIENT)


async def test_it_logs_in_with_an_assertion(simulator: Simulator, http: httpx.AsyncClient) -> None:
    await http.put(f"/_simulator/crms/{CONNECTION}/certificate", json={"certificate": public_pem()})
    login = {
        "username": f"seamline@{CONNECTION}.example",
        "consumer_key": f"client-{CONNECTION}",
        "privatekey": KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    }
    found = await in_thread(lambda salesforce: salesforce.query("SELECT Name FROM Organization"), simulator, **login)
    assert found["records"][0]["Name"] == CONNECTION


async def test_it_understands_the_errors(simulator: Simulator, http: httpx.AsyncClient) -> None:
    def work(salesforce: Any) -> None:
        with pytest.raises(SalesforceMalformedRequest) as malformed:
            salesforce.query("SELECT Colour FROM Opportunity")
        assert malformed.value.content[0]["errorCode"] == "INVALID_FIELD"  # type: ignore[index]
        with pytest.raises(SalesforceResourceNotFound):
            salesforce.Opportunity.get("006Sm0000000999")
        with pytest.raises(SalesforceMalformedRequest, match="REQUIRED_FIELD_MISSING"):
            salesforce.Account.create({})

    await in_thread(work, simulator, **CLIENT)
    with pytest.raises(SalesforceAuthenticationFailed):
        await in_thread(work, simulator, **CLIENT | {"consumer_secret": "wrong"})
