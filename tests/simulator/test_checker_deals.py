"""Each rule of the checker for deals, seen green and red."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from seamline.simulator.checker import Verdict, check, report
from seamline.simulator.checker_deals import Document, Worth
from seamline.simulator.checker_ledger import Effect
from seamline.simulator.checker_process import Process

DEAL, INVOICE = "crm-main:006A", "I1"
NET, GROSS = "1000.00", "1200.00"
EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
_CONNECTIONS = {"salesforce": "crm-main", "hubspot": "hub-main", "xero": "xero-main", "smtp": "mail-main"}
_SYSTEMS = {
    "write-invoice": "salesforce",
    "mark-reversed": "salesforce",
    "create-task": "salesforce",
    "become-customer": "hubspot",
    "restore-stage": "hubspot",
    "stage-by-hand": "hubspot",
    "stop-prospect-mail": "hubspot",
    "resume-prospect-mail": "hubspot",
    "send-mail": "smtp",
}
_MONEY = {
    "draft-invoice",
    "post-invoice",
    "send-invoice",
    "void-invoice",
    "void-by-hand",
    "write-invoice",
    "post-by-hand",
}
_MONEY |= {"credit-invoice", "allocate-credit", "payment-by-customer", "mark-reversed", "delete-draft"}
_numbers = count(1)


def effect(operation: str, object_id: str, *, key: str = "", undoes: str | None = None, **fields: Any) -> Effect:
    """One line of the ledger; its key is of its own name where none is given."""
    system = _SYSTEMS.get(operation, "xero")
    key = key or f"{DEAL}/{operation}#1"
    given = {"id": next(_numbers), "connection": _CONNECTIONS[system], "system": system, "operation": operation}
    given |= {"key": key, "reference": key.partition("/")[0], "object_id": object_id, "undoes": undoes}
    money = {"amount": GROSS, "currency": "GBP"} if operation in _MONEY else {}
    return Effect.model_validate(given | money | fields)


def drafted() -> list[Effect]:
    """A new customer with a draft."""
    return [effect("create-customer", "C1"), effect("draft-invoice", INVOICE)]


def posted() -> list[Effect]:
    return [*drafted(), effect("post-invoice", INVOICE)]


def completed(**by_object: Any) -> list[Effect]:
    """What a plain deal leaves behind."""
    return [
        *posted(),
        effect("send-invoice", INVOICE),
        effect("write-invoice", "N1"),
        effect("become-customer", "company-1"),
        effect("become-customer", "person-1", key=f"{DEAL}/become-customer#1"),
        effect("stop-prospect-mail", "subscription-1/1"),
    ]


def without(effects: list[Effect], *operations: str) -> list[Effect]:
    return [one for one in effects if one.operation not in operations]


def undone() -> list[Effect]:
    """What a rejected deal leaves behind."""
    task = effect("create-task", "T1")
    return [*drafted(), task, effect("delete-draft", INVOICE, undoes=INVOICE), archived()]


def archived() -> Effect:
    return effect("archive-customer", "C1", undoes="C1")


REVERSE = f"{DEAL}/reverse-invoice#1"


def reversed_() -> list[Effect]:
    """A plain deal, reopened: credited, and taken back in CRM and marketing."""
    return [
        *completed(),
        effect("credit-invoice", "CN1", key=REVERSE),
        effect("allocate-credit", "A1", key=f"{REVERSE}/allocate", undoes=INVOICE),
        marked(),
        effect("restore-stage", "company-1", undoes="company-1"),
        effect("restore-stage", "person-1", undoes="person-1"),
        effect("resume-prospect-mail", "subscription-1/1", undoes="subscription-1/1"),
    ]


def marked() -> Effect:
    return effect("mark-reversed", "N1", key=f"{DEAL}/write-invoice#1", undoes="N1")


def voided() -> list[Effect]:
    """A reopened deal whose invoice could be voided, and that marketing did not know."""
    sold = without(completed(), "become-customer", "stop-prospect-mail")
    return [*sold, effect("void-invoice", INVOICE, key=f"{REVERSE}/void", undoes=INVOICE)]


def credited_by_hand() -> list[Effect]:
    return [*completed(), effect("allocate-by-hand", "A1", key="-", undoes=INVOICE)]


def moved_by_hand() -> list[Effect]:
    """People in marketing moved the company and the person themselves."""
    return [effect("stage-by-hand", one, undoes=one) for one in ("company-1", "person-1")]


def billed_again() -> list[Effect]:
    """The same, won and billed again."""
    again = {"draft-invoice": "I2", "post-invoice": "I2", "send-invoice": "I2", "write-invoice": "N2"}
    return [*reversed_(), *(effect(name, one, key=f"{DEAL}/{name}#2") for name, one in again.items())]


def ran(ending: str = "completed", process: str = "deal-to-invoice", *, reference: str = DEAL, **more: Any) -> Process:
    failed = ending in ("FAILED", "TERMINATED", "RUNNING", "CANCELED")
    fields: dict[str, Any] = {"status": ending} if failed else {"status": "COMPLETED", "result": {"kind": ending}}
    return Process.model_validate({"id": f"{process}:{reference}", "started": EARLY} | fields | more)


def reversal(**more: Any) -> Process:
    return ran(process="reverse-deal", started=LATE, **more)


def document(invoice_id: str = INVOICE, *, carries: str = f"{DEAL}/draft-invoice#1", **more: Any) -> Document:
    fields = {"connection": "xero-main", "id": invoice_id, "customer_id": "C1", "status": "AUTHORISED", "net": NET}
    return Document.model_validate(fields | {"carries": carries} | more)


WORTH = Worth(reference=DEAL, amounts=(Decimal(NET),))


def judged(effects: list[Effect], *processes: Process, **more: Any) -> Verdict:
    return check(effects, list(processes), **more)


def rules(verdict: Verdict) -> set[str]:
    assert verdict.ok is not bool(verdict.findings)
    return {finding.rule for finding in verdict.findings}


def by_hand(*operations: str) -> dict[str, Any]:
    return {"kind": "completed", "by_hand": [f"{DEAL}/{one}#1" for one in operations]}


@pytest.mark.parametrize(
    ("effects", "processes"),
    [
        (completed(), [ran()]),
        (without(completed(), "create-customer"), [ran()]),
        (without(completed(), "become-customer", "stop-prospect-mail"), [ran()]),
        (without(completed(), "send-invoice"), [ran(result={"kind": "completed", "result": {"sent": False}})]),
        (without(completed(), "write-invoice"), [ran(result=by_hand("write-invoice"))]),
        ([*completed(), effect("link-customer", "C1")], [ran()]),
        ([*completed(), effect("payment-by-customer", "P1")], [ran()]),
        (undone(), [ran("undone")]),
        (undone(), [ran("CANCELED")]),
        ([*posted(), effect("void-invoice", INVOICE, undoes=INVOICE), archived()], [ran("undone")]),
        (
            [
                *posted(),
                effect("credit-invoice", "CN1", key=f"{DEAL}/post-invoice#1"),
                effect("allocate-credit", "A1", key=f"{DEAL}/post-invoice#1", undoes=INVOICE),
                archived(),
            ],
            [ran("undone")],
        ),
        ([], [ran("ignored")]),
        ([], [ran("FAILED")]),
        (undone(), [ran("TERMINATED")]),
        (drafted(), [ran("RUNNING")]),
        (reversed_(), [ran(), reversal()]),
        # Paid before it was reversed: the credit stays with the customer, set against nothing.
        (without(reversed_(), "allocate-credit"), [ran(), reversal()]),
        # Voided by `reverse-deal`.
        ([*voided(), marked()], [ran(), reversal()]),
        # What people take back or do themselves.
        ([*completed(), effect("void-by-hand", INVOICE, undoes=INVOICE)], [ran()]),
        ([*drafted(), effect("post-by-hand", INVOICE, key="-"), *completed()[3:]], [ran()]),
        ([*without(reversed_(), "restore-stage"), *moved_by_hand()], [ran(), reversal()]),
        ([effect("void-by-hand", "I9", key="", undoes="I9")], []),
        ([*credited_by_hand(), marked()], [ran()]),
        (billed_again(), [ran(started=LATE), reversal()]),
        (completed(), [ran(), ran("ignored", process="reverse-deal")]),
    ],
)
def test_green(effects: list[Effect], processes: list[Process]) -> None:
    verdict = judged(effects, *processes)
    assert verdict.ok, report(verdict)


SECOND = [effect("draft-invoice", "I2"), effect("post-invoice", "I2")]


@pytest.mark.parametrize(
    ("rule", "effects", "processes"),
    [
        ("twice", [*completed(), *SECOND], [ran()]),
        ("twice", [*drafted(), effect("draft-invoice", "I2")], [ran("RUNNING")]),
        ("twice", [*completed(), effect("post-invoice", INVOICE)], [ran("RUNNING")]),
        ("twice", [*completed(), effect("send-invoice", INVOICE)], [ran("RUNNING")]),
        ("twice", [*completed(), effect("create-customer", "C2")], [ran("RUNNING")]),
        ("twice", [*completed(), effect("write-invoice", "N1")], [ran("RUNNING")]),
        ("twice", [*completed(), effect("write-invoice", "N2")], [ran("RUNNING")]),
        ("twice", [*completed(), effect("become-customer", "company-1")], [ran("RUNNING")]),
        ("twice", [*undone(), effect("create-task", "T2")], [ran("undone")]),
        ("count", drafted(), [ran()]),
        ("count", [], [ran()]),
        ("count", without(completed(), "send-invoice"), [ran()]),
        ("count", completed(), [ran(result={"kind": "completed", "result": {"sent": False}})]),
        ("count", without(completed(), "write-invoice"), [ran()]),
        ("count", [*posted(), effect("void-invoice", INVOICE, undoes=INVOICE)], [ran()]),
        ("money", [*without(completed(), "write-invoice"), effect("write-invoice", "N1", amount="1000.00")], [ran()]),
        ("money", [*without(completed(), "write-invoice"), effect("write-invoice", "N1", currency="EUR")], [ran()]),
        (
            "money",
            [one.model_copy(update={"amount": Decimal(1)}) if one.object_id == "CN1" else one for one in reversed_()],
            [ran(), reversal()],
        ),
        ("left-over", [*completed(), effect("draft-invoice", "I2")], [ran()]),
        ("left-over", drafted(), [ran("undone")]),
        ("left-over", without(undone(), "delete-draft"), [ran("undone")]),
        ("left-over", without(undone(), "archive-customer"), [ran("CANCELED")]),
        ("left-over", [*posted(), archived()], [ran("undone")]),
        ("left-over", without(completed(), "create-customer", "draft-invoice", "post-invoice"), [ran("undone")]),
        ("left-over", without(reversed_(), "credit-invoice", "allocate-credit"), [ran(), reversal()]),
        ("left-over", without(reversed_(), "mark-reversed"), [ran(), reversal()]),
        ("left-over", voided(), [ran(), reversal()]),
        ("left-over", without(reversed_(), "restore-stage"), [ran(), reversal()]),
        ("left-over", without(reversed_(), "resume-prospect-mail"), [ran(), reversal()]),
        ("left-over", billed_again(), [ran(), reversal()]),
        ("ignored-acted", undone(), [ran("ignored")]),
        ("observed-acted", undone(), [ran("observed")]),
        ("failed-with-effects", completed(), [ran("FAILED")]),
        ("failed-with-effects", drafted(), [ran("TERMINATED")]),
        ("no-process", completed(), []),
        ("no-process", completed(), [ran("RUNNING", "follow-invoice")]),
        ("no-process", [effect("create-task", "T1", key="-", reference="")], [ran("RUNNING")]),
        ("no-process", completed(), [ran("RUNNING", reference=f"{DEAL}.1")]),
        ("over-refunded", [*reversed_(), effect("credit-invoice", "CN2", key=REVERSE)], [ran(), reversal()]),
        ("over-refunded", [*reversed_(), effect("void-invoice", INVOICE, undoes=INVOICE)], [ran(), reversal()]),
        ("undone-nothing", [effect("delete-draft", INVOICE, undoes=INVOICE)], [ran("undone")]),
        ("undone-nothing", [effect("archive-customer", "C1", undoes="C1")], [ran("undone")]),
        ("undone-nothing", [*reversed_(), effect("restore-stage", "company-1", undoes="company-1")], [ran()]),
        ("undone-nothing", [effect("void-invoice", INVOICE, undoes=INVOICE)], [ran("undone")]),
        ("undone-nothing", [effect("allocate-credit", "A1", key=REVERSE, undoes=INVOICE)], [ran("RUNNING")]),
        ("unreadable", [], [ran("finished")]),
        ("unreadable", [], [reversal(result={"kind": "finished"})]),
        ("unreadable", [], [ran("finished", "follow-invoice")]),
    ],
)
def test_red(rule: str, effects: list[Effect], processes: list[Process]) -> None:
    verdict = judged(effects, *processes)
    assert rule in rules(verdict), report(verdict)


def test_each_instalment_has_effects_of_its_own() -> None:
    first, second = f"{DEAL}.1", f"{DEAL}.2"
    parts = [
        effect(name, f"{name}-{part}", key=f"{part}/{name}#1")
        for part in (first, second)
        for name in ("draft-invoice", "post-invoice", "write-invoice")
    ]
    parts = [
        one.model_copy(update={"object_id": f"I-{one.reference}"}) if "invoice" in one.operation else one
        for one in parts
    ]
    sent = [effect("send-invoice", f"I-{part}", key=f"{part}/send-invoice#1") for part in (first, second)]
    processes = [ran("ignored"), ran(reference=first), ran(reference=second)]
    assert judged([*parts, *sent], *processes).ok
    assert rules(judged([*parts, sent[0]], *processes)) == {"count"}
    credits = [effect("credit-invoice", f"CN{n}", key=f"{DEAL}/reverse-invoice#{n}") for n in (1, 2)]
    notes = [
        effect("mark-reversed", f"I-{part}", key=f"{part}/write-invoice#1", undoes=f"I-{part}")
        for part in (first, second)
    ]
    assert judged([*parts, *sent, *credits, *notes], *processes, reversal()).ok
    assert rules(judged([*parts, *sent, credits[0], *notes], *processes, reversal())) == {"left-over", "count"}


def test_what_is_billed_is_what_the_deal_came_to() -> None:
    def billed(net: str, *amounts: str, effects: list[Effect] | None = None) -> set[str]:
        worth = Worth(reference=DEAL, amounts=tuple(Decimal(one) for one in amounts))
        return rules(judged(effects or completed(), ran(), worth=[worth], documents=[document(net=net)]))

    assert billed(NET, NET) == set()
    assert billed(NET, "999.00", NET, "1001.00") == set()
    assert billed(NET, "999.99") == {"money"}
    amended = [effect("draft-invoice", INVOICE, amount="600.00"), *completed()[2:]]
    assert billed(NET, "500.00", effects=amended) == set()


def test_a_customer_that_something_else_names_stays() -> None:
    left = without(undone(), "archive-customer")
    other = document("I7", carries="crm-main:006B/draft-invoice#1")
    assert judged(left, ran("undone"), documents=[other]).ok
    assert judged(left, ran("undone"), documents=[document("I7", carries="somebody's")]).ok
    for gone in (document("I7", carries="x", status="DELETED"), document("I7", carries="x", customer_id="C2")):
        assert rules(judged(left, ran("undone"), documents=[gone])) == {"left-over"}
    assert rules(judged(left, ran("undone"), documents=[document(status="DELETED"), document()])) == {"left-over"}


def test_a_customer_of_an_earlier_run_stays() -> None:
    again = [*reversed_(), effect("draft-invoice", "I2", key=f"{DEAL}/draft-invoice#2")]
    deleted = effect("delete-draft", "I2", key=f"{DEAL}/draft-invoice#2", undoes="I2")
    assert judged([*again, deleted], ran("undone", started=LATE), reversal()).ok
    assert rules(judged(again, ran("undone", started=LATE), reversal())) == {"left-over"}


def test_who_has_other_business_with_us_stays_a_customer() -> None:
    kept = without(reversed_(), "restore-stage", "resume-prospect-mail")
    other = document("I7", carries="crm-main:006B/draft-invoice#1")
    assert judged(kept, ran(), reversal(), documents=[document(), other]).ok
    gone = other.model_copy(update={"status": "VOIDED"})
    assert rules(judged(kept, ran(), reversal(), documents=[document(), gone])) == {"left-over"}


def test_what_is_followed_is_paid_in_the_end() -> None:
    def followed(status: str, ended: str = "paid", paid: str = "0") -> set[str]:
        result = {"kind": "completed", "result": {"ended": ended}}
        process = ran(process="follow-invoice", reference=f"xero-main:{INVOICE}", result=result)
        return rules(judged(completed(), ran(), process, documents=[document(status=status, paid=paid)]))

    assert followed("PAID") == set()
    assert followed("AUTHORISED") == {"count"}
    assert followed("AUTHORISED", paid="1199.50") == set()
    assert followed("VOIDED", ended="taken back") == set()


def test_an_unpaid_invoice_may_be_followed_on_when_all_else_is_over() -> None:
    process = ran("RUNNING", "follow-invoice", reference=f"xero-main:{INVOICE}")
    assert judged(completed(), ran(), process, documents=[document()], settled=True).ok
    for over in ([document(status="PAID")], []):
        assert rules(judged(completed(), ran(), process, documents=over, settled=True)) == {"unsettled"}


def test_a_reminder_is_one_mail() -> None:
    def mails(*ids: str, number: int = 1) -> list[Effect]:
        return [effect("send-mail", one, key=f"xero-main:{INVOICE}/send-reminder#{number}") for one in ids]

    process = ran("RUNNING", "follow-invoice", reference=f"xero-main:{INVOICE}")
    assert judged([*mails("<a>", "<a>"), *mails("<b>", number=2)], process).ok
    assert rules(judged(mails("<a>", "<b>"), process)) == {"twice"}


def test_the_report_counts_per_system() -> None:
    verdict = judged(completed(), ran())
    assert verdict.counts["hubspot"] == {"become-customer": 2, "stop-prospect-mail": 1}
