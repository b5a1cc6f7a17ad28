"""The demo's stories of what becomes of invoices: credited, paid late, and a hundred at once."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Set
from typing import Any

from seamline.demo.deals import INVOICED, PROCESS, buyer, invoice_of, known_in_marketing, last_month, stages, waiting
from seamline.demo.stage import USUAL_MINUTE_SECONDS, NotSeen, Stage
from seamline.demo.story import Scenario, Told, kind_of
from seamline.local_settings import BOOKS, CRM
from seamline.process.view import View

TAKEN_BACK = Counter(
    {"credit-invoice": 1, "allocate-credit": 1, "mark-reversed": 1, "restore-stage": 2, "resume-prospect-mail": 1}
)
REMINDERS = 2
DEALS = 100
MINUTE_SECONDS = 4.0
ALL_SECONDS_MAX = 400
LOOK_SECONDS = 1.0
AT_ONCE = 10


async def reopened(stage: Stage) -> Told:
    """Sales reopen a deal that was invoiced, after accounting closed the month."""
    last = last_month()
    wanted = buyer("Tidewater Studio")
    known = await known_in_marketing(stage, wanted)
    reference = await stage.deal(**wanted, close_date=str(last))
    await stage.ended(reference, PROCESS)
    before = await stage.live(reference)
    await stage.put(f"books/{BOOKS}/lock-dates", {"period": str(last)})
    deal_id = reference.partition(":")[2]
    await stage.patch(f"crms/{CRM}/deals/{deal_id}", {"stage": "Negotiation/Review"})
    stage.say(f"[yellow]sales reopen the deal[/]; accounting has closed its books up to {last}")
    handle = stage.handle("reverse-deal", reference)
    wait = await waiting(stage, handle)
    await stage.command("approve", handle.id, wait.name, "--who", "lee", "--why", "they leave")
    stage.say("answered: seamline approve ... --who lee")
    view = await stage.ended(reference, "reverse-deal")
    await stage.put(f"books/{BOOKS}/lock-dates", {})
    notes = [one["Status__c"] for one in await _notes(stage, reference)]
    back = await stages(stage, known)
    ok = await stage.live(reference) - before == TAKEN_BACK and notes == ["reversed"] and back == {"opportunity"}
    actual = f"{kind_of(view)}: credited in full, the CRM says {', '.join(notes)}, marketing {', '.join(back)}"
    return Told(ok, actual, [reference])


async def paid_late(stage: Stage) -> Told:
    """The customer pays after the second reminder. A day of reminders lasts a second here."""
    wanted = buyer("Late Lantern", group="prompt")
    reference = await stage.deal(**wanted)
    await stage.ended(reference, PROCESS)
    invoice = await invoice_of(stage, BOOKS, reference)
    handle = stage.handle("follow-invoice", f"{BOOKS}:{invoice['InvoiceID']}")
    stage.say(f"{stage.process_link(handle.id)} follows it: due in 7 days, which last 7 s here")
    await stage.until(handle, lambda now: _reminders(now) >= REMINDERS, f"{REMINDERS} reminders")
    await stage.post(f"books/{BOOKS}/payments", {"invoice": invoice["InvoiceNumber"]})
    stage.say("the customer pays in full; accounting's webhook tells of it")
    view = await stage.until(handle, lambda now: now.outcome, "its end")
    mails = await stage.get("mails", to=wanted["contact"]["email"])
    sent = len({one["message_id"] for one in mails})
    notes = [one["Status__c"] for one in await _notes(stage, reference)]
    result = view.outcome.result if view.outcome else {}
    ok = notes == ["paid"] and sent >= REMINDERS and result.get("ended") == "paid"
    return Told(ok, f"{sent} reminders, then {result.get('ended')}; the CRM says {', '.join(notes)}", [reference])


async def hundred(stage: Stage) -> Told:
    """A hundred deals are won at once, and accounting takes so many calls a minute."""
    limits = await stage.put(f"books/{BOOKS}/limits", {"minute_seconds": MINUTE_SECONDS})
    stage.say(f"accounting takes {limits['a_minute']} calls a minute, which lasts {MINUTE_SECONDS:.0f} s here")
    since = time.time()
    gate = asyncio.Semaphore(AT_ONCE)
    wanted = buyer("Fenwick Pottery", group="large")

    async def win(number: int) -> str:
        async with gate:
            made = await stage.post(f"crms/{CRM}/deals", wanted | {"name": f"Team plan {number}"})
            return str(made["reference"])

    references = await asyncio.gather(*(win(number) for number in range(1, DEALS + 1)))
    stage.say(f"{DEALS} deals are won")
    ends = await _ends(stage, set(references))
    await stage.put(f"books/{BOOKS}/limits", {"minute_seconds": USUAL_MINUTE_SECONDS})
    once = sum([await stage.live(one) == INVOICED for one in references])
    calls = await stage.get("calls", connection=BOOKS, since=str(since))
    refused = sum(one["outcome"] == "throttle" for one in calls)
    # Those that were under way at the same moment find out together; all others wait for the next minute.
    refused_max = limits["at_once"] * math.ceil((time.time() - since) / MINUTE_SECONDS)
    ok = ends == Counter({"completed": DEALS}) and once == DEALS and 0 < refused <= refused_max
    actual = f"{ends['completed']} completed, {once} invoiced once; {len(calls)} calls, {refused} of them refused"
    return Told(ok, actual, [])


async def _ends(stage: Stage, references: Set[str]) -> Counter[str]:
    """How the deals' processes ended, once all are told to the CRM. NotSeen when that takes too long."""
    deadline = time.monotonic() + ALL_SECONDS_MAX
    while left := references - {one["reference"] for one in await stage.get("effects", operation="write-invoice")}:
        if time.monotonic() > deadline:
            raise NotSeen(f"{len(left)} of {len(references)} deals are not invoiced after {ALL_SECONDS_MAX} s")
        await asyncio.sleep(LOOK_SECONDS)
    results = await asyncio.gather(*(stage.handle(PROCESS, one).result() for one in references))
    return Counter(result["kind"] for result in results)


def _reminders(view: View) -> int:
    return sum(step.name == "send-reminder" and bool(step.ended) for step in view.steps)


async def _notes(stage: Stage, reference: str) -> list[dict[str, Any]]:
    """What the CRM knows of the deal's invoices."""
    found = await stage.get(f"crms/{CRM}/records", type="Seamline_Invoice__c")
    return [one for one in found if one["Opportunity__c"] == reference.partition(":")[2]]


STORIES = (
    Scenario("a deal reopened after its invoice", "credited, marked in the CRM, stage put back", reopened),
    Scenario("a payment that comes late", "reminded, then paid; the CRM is told", paid_late),
    Scenario(
        f"{DEALS} deals at once against the limit",
        "none lost, none twice; who is refused waits for the next minute",
        hundred,
    ),
)
