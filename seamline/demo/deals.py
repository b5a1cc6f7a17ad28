"""The demo's stories of deals, from the signature to the invoice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rich.markup import escape
from rich.table import Table

from seamline.demo.stage import Handle, Stage, waits
from seamline.demo.story import Scenario, Told, kind_of
from seamline.local_settings import BOOKS, BOOKS_ABROAD, COMPANY_ABROAD, CRM, MARKETING
from seamline.process.view import View, Wait

PROCESS = "deal-to-invoice"
INVOICED = Counter({"draft-invoice": 1, "post-invoice": 1, "send-invoice": 1, "write-invoice": 1})
NEW_CUSTOMER = Counter({"create-customer": 1})
MARKETED = Counter({"become-customer": 2, "stop-prospect-mail": 1})
MORE_DAYS = timedelta(days=15)
USUAL_DAYS = timedelta(days=30)


def buyer(name: str, **account: Any) -> dict[str, Any]:
    """The account and its billing contact, told apart from all others by every field."""
    domain = f"{name.lower().replace(' ', '-')}.example"
    known = {"name": f"{name} Ltd", "website": f"https://www.{domain}", "tax_id": f"GB{sum(name.encode()):09d}"}
    return {"account": known | account, "contact": {"email": f"accounts@{domain}"}, "terms": None}


async def known_in_marketing(stage: Stage, buyer: dict[str, Any]) -> dict[str, str]:
    """Marketing knows the buyer's company and contact as prospects: kind -> id."""
    email = buyer["contact"]["email"]
    company = {"name": buyer["account"]["name"], "domain": email.partition("@")[2], "stage": "opportunity"}
    made = await stage.post(f"audiences/{MARKETING}/companies", company)
    person = await stage.post(
        f"audiences/{MARKETING}/contacts", {"email": email, "stage": "opportunity", "company": made["id"]}
    )
    return {"companies": made["id"], "contacts": person["id"]}


async def stages(stage: Stage, known: dict[str, str]) -> set[str]:
    """The lifecycle stages that marketing shows of them."""
    found = set()
    for kind, object_id in known.items():
        for one in await stage.get(f"audiences/{MARKETING}/{kind}"):
            if one["id"] == object_id:
                found.add(one["properties"].get("lifecyclestage", ""))
    return found


async def plain(stage: Stage) -> Told:
    """A deal on a good day."""
    wanted = buyer("Fenwick Pottery")
    known = await known_in_marketing(stage, wanted)
    reference = await stage.deal(**wanted)
    view = await stage.ended(reference, PROCESS)
    counts = await stage.live(reference)
    now = await stages(stage, known)
    ok = kind_of(view) == "completed" and counts == INVOICED + NEW_CUSTOMER + MARKETED and now == {"customer"}
    said = f"{number_of(view)} posted, mailed and told to the CRM; marketing shows them as {', '.join(now)}"
    return Told(ok, f"{kind_of(view)}, {said}", [reference])


async def dear(stage: Stage) -> Told:
    """An invoice above the limit, in euro, of the company abroad."""
    await books_abroad(stage)
    wanted = buyer("Alster Keramik", country_code="DE", country="Germany", currency="EUR", tax_id="DE123456789")
    line = {"name": "Team plan, ten years", "unit_price": "12000.00"}
    reference = await stage.deal(**wanted, entity=COMPANY_ABROAD, currency="EUR", lines=[line])
    handle = stage.handle(PROCESS, reference)
    wait = await waiting(stage, handle)
    due = date.fromisoformat(wait.request["due"]) + MORE_DAYS
    await stage.command("amend", handle.id, wait.name, f"due={due}", "--who", "kim", "--why", "agreed by phone")
    stage.say(f"answered: seamline amend ... due={due} --who kim; the draft is changed, and asked about anew")
    wait = (await stage.until(handle, lambda now: waits(now) and now.waits[0].name != wait.name, "a question")).waits[0]
    refused = await stage.refused("approve", handle.id, wait.name, "--who", "kim", "--why", "fine by me")
    stage.say(f"kim approves, and is [red]refused[/]: {escape(' '.join(refused.split()))}")
    await stage.command("approve", handle.id, wait.name, "--who", "lee", "--why", "checked")
    stage.say("lee approves")
    view = await stage.ended(reference, PROCESS)
    invoice = await invoice_of(stage, BOOKS_ABROAD, reference)
    decided = [f"{one.who}: {one.action.value}" for one in view.decisions]
    counts = await stage.live(reference)
    ok = decided == ["kim: amend", "lee: approve"] and counts == INVOICED + NEW_CUSTOMER
    ok = ok and "somebody else must approve" in refused and invoice["DueDateString"].startswith(str(due))
    return Told(ok, f"{'; '.join(decided)}; {kind_of(view)}, {number_of(view)} is due on {due}", [reference])


async def ambiguous(stage: Stage) -> Told:
    """Two customers in accounting may be the account."""
    wanted = buyer("Harbour Ceramics")
    both = {"tax_number": wanted["account"]["tax_id"], "email": "office@harbour-ceramics.example"}
    ids = [
        (await stage.post(f"books/{BOOKS}/contacts", {"name": name, **both}))["id"]
        for name in ("Harbour Ceramics", "Harbour Ceramics (old shop)")
    ]
    reference = await stage.deal(**wanted)
    handle = stage.handle(PROCESS, reference)
    wait = await waiting(stage, handle)
    stage.console.print(_candidates(wait))
    chosen = ids[0]
    await stage.command("amend", handle.id, wait.name, f"chosen={chosen}", "--why", "the old shop is closed")
    stage.say(f"answered: seamline amend ... chosen={chosen}")
    view = await stage.ended(reference, PROCESS)
    invoice = await invoice_of(stage, BOOKS, reference)
    counts = await stage.live(reference)
    ok = invoice["Contact"]["ContactID"] == chosen and counts == INVOICED + Counter({"link-customer": 1})
    shown = sum(problem.field.startswith("candidates.") for problem in wait.problems)
    return Told(
        ok and shown == len(ids), f"{shown} shown to {wait.team}, one chosen, none made: {kind_of(view)}", [reference]
    )


async def closed_period(stage: Stage) -> Told:
    """Accounting closed the month in which the deal was won."""
    last = last_month()
    await stage.put(f"books/{BOOKS}/lock-dates", {"period": str(last)})
    stage.say(f"accounting has closed its books up to {last}")
    reference = await stage.deal(**buyer("Quarry Tiles"), close_date=str(last))
    handle = stage.handle(PROCESS, reference)
    wait = await waiting(stage, handle)
    today = datetime.now(UTC).date()
    moved = [f"issued={today}", f"due={today + USUAL_DAYS}"]
    await stage.command("amend", handle.id, wait.name, *moved, "--why", "that month is closed")
    stage.say(f"answered: seamline amend ... {' '.join(moved)}")
    view = await stage.ended(reference, PROCESS)
    await stage.put(f"books/{BOOKS}/lock-dates", {})
    invoice = await invoice_of(stage, BOOKS, reference)
    named = [problem.field for problem in wait.problems]
    ok = "issued" in named and invoice["DateString"].startswith(str(today))
    ok = ok and await stage.live(reference) == INVOICED + NEW_CUSTOMER
    return Told(ok, f"waited for {wait.team} naming {', '.join(named)}; dated {today}: {kind_of(view)}", [reference])


async def rejected(stage: Stage) -> Told:
    """Finance says no."""
    wanted = buyer("Marlow Glaze")
    known = await known_in_marketing(stage, wanted)
    line = {"name": "Team plan, ten years", "unit_price": "12000.00"}
    reference = await stage.deal(**wanted, lines=[line])
    handle = stage.handle(PROCESS, reference)
    wait = await waiting(stage, handle)
    await stage.command("reject", handle.id, wait.name, "--who", "lee", "--why", "they asked for a lower price")
    stage.say("[yellow]rejected by lee[/]: the draft is deleted, the new customer archived, the deal's owner told")
    view = await stage.ended(reference, PROCESS)
    operations = [one["operation"] for one in await stage.effects(reference)]
    expected = ["create-customer", "draft-invoice", "create-task", "delete-draft", "archive-customer"]
    left = await _left(stage, reference, known)
    ok = operations == expected and kind_of(view) == "undone" and not left
    return Told(ok, f"{kind_of(view)}: {', '.join(operations[2:])}; {', '.join(left) or 'nothing left'}", [reference])


async def _left(stage: Stage, reference: str, known: dict[str, str]) -> list[str]:
    """What of a deal still stands in the three systems, a task for its owner aside."""
    deal_id = reference.partition(":")[2]
    left = [
        f"invoice {one['Status']}" for one in await _invoices(stage, BOOKS, reference) if one["Status"] != "DELETED"
    ]
    for one in await stage.get(f"books/{BOOKS}/contacts"):
        if one.get("ContactNumber", "").startswith(CRM) and one["Name"] == "Marlow Glaze Ltd":
            left += [] if one["ContactStatus"] == "ARCHIVED" else ["the customer"]
    notes = await stage.get(f"crms/{CRM}/records", type="Seamline_Invoice__c")
    left += ["its note in the CRM" for one in notes if one["Opportunity__c"] == deal_id]
    left += [f"stage {one}" for one in await stages(stage, known) if one != "opportunity"]
    return left


async def waiting(stage: Stage, handle: Handle) -> Wait:
    """What the process waits for, once it does."""
    wait = (await stage.until(handle, waits, "waiting")).waits[0]
    stage.say(f"[yellow]waits for {wait.team}[/]: {escape(wait.cause if wait.problems else wait.reason)}")
    for problem in wait.problems:
        stage.say(f"  {escape(problem.field)}: {escape(problem.reason)}")
    return wait


async def invoice_of(stage: Stage, books: str, reference: str) -> dict[str, Any]:
    """The deal's last invoice as accounting shows it."""
    return (await _invoices(stage, books, reference))[-1]


async def _invoices(stage: Stage, books: str, reference: str) -> list[dict[str, Any]]:
    found = await stage.get(f"books/{books}/invoices")
    return [one for one in found if one["Reference"].startswith(f"{reference}/")]


async def books_abroad(stage: Stage) -> None:
    """The company abroad keeps its books in euro, with the tax of its country."""
    rate = {"name": "19% Umsatzsteuer", "rate": 19}
    setup = {"base_currency": "EUR", "currencies": {"EUR": 1}, "tax_rates": {"OUTPUT": rate}}
    await stage.put(f"books/{BOOKS_ABROAD}/setup", setup)


def last_month() -> date:
    """The last day of the month before this one."""
    return datetime.now(UTC).date().replace(day=1) - timedelta(days=1)


def number_of(view: View) -> str:
    """The number of the invoice that a deal's process ended with."""
    return str(view.outcome.result.get("number", "?")) if view.outcome else "?"


def _candidates(wait: Wait) -> Table:
    """The candidates side by side, with what they differ in from the account."""
    names = ("id", "name", "tax_id", "domain", "email")
    found = wait.request["candidates"]
    table = Table("", *(f"candidate {number}" for number in range(len(found))), box=None, pad_edge=True)
    for name in names:
        table.add_row(name, *(str(one.get(name) or "-") for one in found))
    return table


STORIES = (
    Scenario("a plain won deal", "invoice posted and mailed, CRM told, customer in marketing", plain),
    Scenario("an invoice above the limit", "who amended it may not approve it; another does", dear),
    Scenario("two customers that may be the one", "both shown, staff choose, none made", ambiguous),
    Scenario("the period is closed", "waits with the field named; finance move the date", closed_period),
    Scenario("an invoice that finance reject", "undone in all three systems", rejected),
)
