"""Marked names, streets, mails, phones, notes and companies go through everything, and stay in payloads alone.

Customers write them, systems echo them in every refusal, staff write them into decisions, strangers send them to the
door. They are looked for in all that the programs log, send, offer and keep in the clear.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from seamline.process.decision import Action
from seamline.process.view import Status, View, Wait
from tests.end_to_end.test_privacy import shown_outside_payloads
from tests.telemetry.conftest import Watched

SECONDS_MAX = 100
PERSON, COMPANY, STREET, CITY = "Quillsworth", "Gorseworks", "Nettlebed", "Mousehole"
MAIL, PHONE, POSTCODE, NOTE = "q.marked@example.com", "+441736555123", "TR19 6QX", "Winterbourne"
MARKS = (PERSON, COMPANY, STREET, CITY, MAIL, PHONE, POSTCODE, "TR196QX", NOTE)
SECRETS = (
    "secret-shop-uk",
    "secret-shippo-main",
    "shippo-test-shippo-main",
    "hubspot-test-hub-main",
    "secret-crm-main",
)
ALL = f"{PERSON} of {COMPANY}, {STREET} Lane, {CITY} {POSTCODE}, {MAIL}, {PHONE}: {NOTE}"
SYSTEMS = ("shop-uk", "erp-main", "shippo-main", "crm-main", "xero-main", "hub-main", "mail-main")
ORDER = {
    "email": MAIL,
    "phone": PHONE,
    "note": f"for {NOTE}",
    "address": {
        "firstName": "Ada",
        "lastName": PERSON,
        "company": COMPANY,
        "address1": f"7 {STREET} Lane",
        "city": CITY,
        "zip": POSTCODE,
        "phone": PHONE,
    },
}
DEAL = {
    "name": f"Team plan for {PERSON}",
    "account": {
        "name": f"{COMPANY} Ltd",
        "website": "https://www.example.com",
        "tax_id": "GB918273645",
        "street": f"7 {STREET} Lane",
        "city": CITY,
        "postcode": POSTCODE,
    },
    "contact": {"first_name": "Ada", "last_name": PERSON, "email": MAIL, "phone": PHONE},
    "lines": [{"description": f"as told by {NOTE}"}],
    "terms": None,
}


async def test_marked_data_is_in_payloads_alone(watched: Watched) -> None:
    for connection in SYSTEMS:
        await watched.post(
            "faults", {"connection": connection, "kind": "refuse", "count": 2, "reason": ALL, "field": "zip"}
        )
        await watched.post(
            "faults", {"connection": connection, "kind": "status", "status": 500, "count": 1, "reason": ALL}
        )
    strangers = await strangers_answers(watched)
    order = await watched.order(**ORDER)
    deal = str((await watched.post("crms/crm-main/deals", DEAL))["reference"])
    await followed(watched, f"order-to-shipment:{order}", f"follow-parcel:{order}", f"deal-to-invoice:{deal}")
    wanted = {"quantities": {"MUG-BLUE": 1}, "reason": "OTHER", "note": f"{NOTE} says {MAIL}", "requested": True}
    number = order.partition(":")[2]
    back = (await watched.post(f"shops/shop-uk/orders/{number}/returns", wanted))["reference"]
    await followed(watched, f"return-order:{back}")

    faults = (await watched.http.get(f"{watched.local.running.simulator}/_simulator/faults")).json()
    assert {one["connection"]: one["hits"] for one in faults if one["kind"] == "refuse"} == dict.fromkeys(SYSTEMS, 2)
    fed = await payloads(watched.client)
    assert [mark for mark in MARKS if mark not in fed and mark != "TR196QX"] == []
    shown = {
        "log of the worker": watched.log("worker"),
        "log of the API": watched.log("api"),
        "spans": "\n".join(watched.collector.raw),
        "metrics of the worker": await watched.metrics("worker"),
        "metrics of the API": await watched.metrics("api"),
        "answers to strangers": strangers,
        "Temporal, outside payloads": "\n".join(
            [await shown_outside_payloads(one) async for one in runs(watched.client)]
        ),
    }
    assert all(shown.values())
    assert leaks(shown) == {}


def leaks(shown: Mapping[str, str]) -> dict[str, list[str]]:
    """Where marks or secrets are, and which."""
    found = {
        place: [mark for mark in (*MARKS, *SECRETS) if mark.lower() in text.lower()] for place, text in shown.items()
    }
    return {place: marks for place, marks in found.items() if marks}


async def strangers_answers(watched: Watched) -> str:
    """What the door says to who sends it marks where they do not belong."""
    api = watched.local.running.api
    wrong = {"reference": f"shop-uk:{PERSON} {MAIL}", "started_by": ALL, "more": COMPANY}
    answers = [
        await watched.http.post(f"{api}/processes/order-to-shipment", json=wrong),
        await watched.http.post(f"{api}/processes/order-to-shipment", content=f"{{{ALL}"),
        await watched.http.post(f"{api}/webhooks/shop-uk?name={PERSON}", json=ORDER),
        await watched.http.post(f"{api}/webhooks/{PERSON}", json=ORDER),
        await watched.http.get(f"{api}/{STREET}/{MAIL}"),
    ]
    assert [one.status_code for one in answers] == [422, 422, 401, 404, 404]
    return "\n".join(one.text for one in answers)


async def followed(watched: Watched, *identities: str) -> None:
    """Staff answer whatever waits, with marks in their words, until these processes are completed."""
    deadline = time.monotonic() + SECONDS_MAX
    for identity in identities:
        handle = watched.client.get_workflow_handle(identity)
        while not await completed(handle):
            assert time.monotonic() < deadline, (identity, await handle.query("view"))
            await asyncio.sleep(0.2)


async def completed(handle: WorkflowHandle[Any, Any]) -> bool:
    """Whether it is; what it waits for is answered."""
    try:
        state = (await handle.describe()).status
        if state is WorkflowExecutionStatus.RUNNING:
            for wait in View.model_validate(await handle.query("view")).waits:
                if wait.status is Status.WAITING:
                    await handle.execute_update("decide", answer(wait))
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    except WorkflowUpdateFailedError:
        return False  # The step went on by itself meanwhile.
    assert state in (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED)
    return state is WorkflowExecutionStatus.COMPLETED


def answer(wait: Wait) -> dict[str, str]:
    """What staff say: go on, or the goods are as new."""
    said = {"wait": wait.name, "who": "sam", "why": f"{PERSON} said {NOTE}"}
    for action in (Action.RETRY, Action.APPROVE):
        if action in wait.actions:
            return said | {"action": action}
    choice = "restock" if "restock" in wait.choices else next(iter(wait.choices))
    return said | {"action": Action.CHOOSE, "choice": choice}


async def runs(client: Client) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    """Every run of every workflow, also of those that are no processes."""
    async for one in client.list_workflows():
        yield client.get_workflow_handle(one.id, run_id=one.run_id)


async def payloads(client: Client) -> str:
    """What production can encrypt: inputs, results, details."""
    found = []
    async for handle in runs(client):
        history = await handle.fetch_history()
        for event in history.events:
            collect(MessageToDict(event), found)
    return "\n".join(found)


def collect(value: Any, found: list[str]) -> None:
    for name, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if name == "payloads":
            found += [base64.b64decode(payload.get("data", "")).decode() for payload in one]
        else:
            collect(one, found)
