"""`seamline trace` follows an object over all systems, by our reference or by any id that a system gave it."""

from __future__ import annotations

from typing import Any

import httpx

from seamline.local import Running
from tests.cli.conftest import Command
from tests.cli.test_commands import Order, shown


def test_trace_shows_what_each_system_holds(seamline: Command, order: Order) -> None:
    reference = order()
    shown(seamline, reference, "completed")
    answers = {one["connection"]: one for one in traced(seamline, reference)}
    assert set(answers) >= {"shop-uk", "erp-main", "shippo-main", "mail-main", "chat-main"}
    kinds = {held["kind"] for held in answers["erp-main"]["holdings"]["holdings"]}
    assert {"sale", "shipment"} <= kinds
    assert "jo.fielding" not in str(answers)


def test_trace_follows_any_systems_own_id(seamline: Command, order: Order) -> None:
    reference = order()
    shown(seamline, reference, "completed")
    held = ids(seamline, reference)
    for place in (("shop-uk", "fulfilment"), ("shippo-main", "label"), ("erp-main", "sale")):
        said = seamline("trace", held[place], "--json")
        assert (said.code, said.data["unasked"]) == (0, [])
        assert [(one["reference"], one["said_by"]) for one in said.data["meanings"]] == [(reference, [place[0]])]
        assert ids(seamline, held[place]) == held
    number = reference.partition(":")[2]
    assert f"#{number} is {reference}, as shop-uk says." in seamline("trace", f"#{number}").out


def test_trace_shows_what_an_id_may_be_where_several_systems_know_it(seamline: Command, order: Order) -> None:
    reference = order()
    shown(seamline, reference, "completed")
    number = ids(seamline, reference)["erp-main", "sale"]
    other = order(id=int(number), test=True)
    found = {one["reference"]: one for one in seamline("trace", number, "--json").data["meanings"]}
    assert {name: one["said_by"] for name, one in found.items()} == {other: ["shop-uk"], reference: ["erp-main"]}
    assert all(one["answers"] for one in found.values())
    said = seamline("trace", number).out
    assert f"{number} may be {other}, as shop-uk says." in said
    assert f"{number} may be {reference}, as erp-main says." in said


def test_a_deal_and_its_customer_are_followed_by_each_systems_own_id(seamline: Command, stack: Running) -> None:
    reference, held = invoiced(seamline, stack, "Kestrel Looms")
    deal = reference.partition(":")[2]
    number, note = held["xero-main", "invoice"], held["crm-main", "invoice note"]
    said_by = {deal: ["crm-main"], number: ["crm-main", "xero-main"], note: ["crm-main"]}
    for known, systems in said_by.items():
        [meaning] = seamline("trace", known, "--json").data["meanings"]
        assert (meaning["reference"], sorted(meaning["said_by"])) == (reference, systems)
        assert ids(seamline, known) == held

    records = httpx.get(f"{stack.simulator}/_simulator/crms/crm-main/records", params={"type": "Opportunity"})
    [account] = [one["AccountId"] for one in records.raise_for_status().json() if one["Id"] == deal]
    customer = ids(seamline, account)
    assert (customer["crm-main", "customer"], customer["crm-main", "deal"]) == (account, deal)
    assert ids(seamline, customer["xero-main", "customer"]) == customer


def invoiced(seamline: Command, stack: Running, name: str) -> tuple[str, dict[tuple[str, str], str]]:
    """The reference of a deal once it is invoiced, and the ids of what the systems hold for it."""
    domain = f"{name.lower().replace(' ', '-')}.example"
    account = {"name": name, "website": f"https://{domain}", "tax_id": f"GB{sum(name.encode()):09d}"}
    wanted = {"account": account, "contact": {"email": f"accounts@{domain}"}, "terms": None}
    # More calls than Xero takes in a minute: the limit is not what is tested here.
    for books in ("xero-main", "xero-gmbh"):
        httpx.put(f"{stack.simulator}/_simulator/books/{books}/limits", json={"a_minute": 10_000}).raise_for_status()
    made = httpx.post(f"{stack.simulator}/_simulator/crms/crm-main/deals", json=wanted).raise_for_status()
    reference = str(made.json()["reference"])
    shown(seamline, f"deal-to-invoice:{reference}", "completed")
    return reference, ids(seamline, reference)


def traced(seamline: Command, asked: str) -> list[dict[str, Any]]:
    """What each connection holds for the one thing that the id means."""
    [meaning] = seamline("trace", asked, "--json").data["meanings"]
    assert all(one["holdings"] for one in meaning["answers"]), meaning
    return list(meaning["answers"])


def ids(seamline: Command, asked: str) -> dict[tuple[str, str], str]:
    """The ids of what is traced, by connection and kind."""
    return {
        (one["connection"], found["kind"]): found["id"]
        for one in traced(seamline, asked)
        for found in one["holdings"]["holdings"]
    }
