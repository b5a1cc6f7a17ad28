"""A reopened deal: its invoices are taken back in all systems once people have confirmed it."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from seamline.process.view import View
from seamline.records.billing import Billing, Duty
from seamline.records.deal import DealStage, Instalment
from seamline.records.invoice import Invoice
from seamline.records.policy import Policy
from tests.process.theatre import QUICK, Handle
from tests.workflows.office import Office
from tests.workflows.sales import DEAL_ID, money, won_deal
from tests.workflows.test_systems import invoice_request

BILLING, PROCESS = "deal-to-invoice", "reverse-deal"
OTHER_DEAL = "006B00000000001AAA"
PARTS = (
    Instalment(number=1, bill_on=date(2026, 11, 1), amount=money(400)),
    Instalment(number=2, bill_on=date(2026, 11, 2), amount=money(600)),
)


def ruled(**billing: Any) -> Policy:
    """A policy that settles at once and has no invoice approved."""
    rules = {"settle_seconds": 0.01, "new_customers_asked": False, "days_back_max": 3660, **billing}
    return QUICK.model_copy(update={"billing": Billing.model_validate(rules)})


async def billed(office: Office, external_id: str = DEAL_ID, part: int = 0, rules: dict[str, Any] | None = None) -> str:
    """Have the deal, or an instalment of it, billed by its own process, and its payment waited for. Its number."""
    reference = office.reference(part, external_id)
    outcome = await (await office.begin(BILLING, reference, policy=ruled(**rules or {}))).result()
    assert outcome["kind"] == "completed"
    invoice = outcome["result"]["invoice_id"]
    connection = office.accounting if invoice in office.books.invoices else office.other_accounting
    await office.until(following(office, invoice, connection), lambda view: view.steps[-1].name == "moved")
    return str(outcome["result"]["number"])


def following(office: Office, invoice: str, connection: str = "") -> Handle:
    """The process that waits for the payment."""
    return office.handed("follow-invoice", f"{connection or office.accounting}:{invoice}")


async def sold(office: Office, **changes: Any) -> None:
    """A won deal, whose customer marketing knows."""
    office.sales.put(won_deal(office.crm, **changes))
    office.campaigns.have("acme.example", "bills@acme.example")


async def begun(office: Office, part: int = 0, **billing: Any) -> Handle:
    """The reversal, on its way."""
    return await office.begin(PROCESS, office.reference(part), policy=ruled(**billing))


async def asked(office: Office, handle: Handle, wait: str = "reversal#1") -> View:
    """The view once finance is asked."""
    view = await office.until(handle, lambda view: wait in [one.name for one in view.waits])
    assert view.waits[0].team == "finance"
    return view


async def answer(office: Office, handle: Handle, action: str = "approve", wait: str = "reversal#1") -> None:
    await office.decide(handle, wait=wait, action=action, who="fin", why="so it is")


async def reversed_(office: Office, **billing: Any) -> dict[str, Any]:
    """The outcome of a reversal that finance confirmed."""
    handle = await begun(office, **billing)
    await asked(office, handle)
    await answer(office, handle)
    outcome: dict[str, Any] = await handle.result()
    assert outcome["kind"] == "completed"
    return outcome


def reopen(office: Office) -> None:
    office.sales.change(DEAL_ID, stage=DealStage.OPEN)


def close_its_period(office: Office) -> Invoice:
    """The one invoice, of a time whose books are closed by now."""
    (invoice_id,) = office.books.invoices
    office.books.close_period(date(2020, 12, 31))
    return office.books.change(invoice_id, issued=date(2020, 12, 1))


def key(office: Office, purpose: str, number: int = 1, part: int = 0) -> str:
    """An effect key of the deal."""
    return f"{office.reference(part)}/{purpose}#{number}"


# ---- what is taken back, and how -------------------------------------------------------------------------------------


async def test_an_unpaid_invoice_is_voided_and_everybody_knows(office: Office) -> None:
    await sold(office)
    number = await billed(office)
    reopen(office)
    handle = await begun(office)
    view = await asked(office, handle)
    reason = view.waits[0].reason
    assert reason == f"the deal is open: {number} over 1200.00 GBP is voided, or credited where its period is closed"
    assert office.books.states() == ["posted"]
    await answer(office, handle)
    outcome = await handle.result()
    assert (outcome["kind"], outcome["manual"]) == ("completed", [])
    assert office.books.states() == ["voided"]
    assert office.books.keys_of("void-invoice") == [f"{key(office, 'reverse-invoice')}/void"]
    assert office.sales.notes() == [(number, "reversed")]
    assert office.sales.keys_of("mark-reversed") == [key(office, "write-invoice")]
    assert office.campaigns.stages() == ["opportunity", "opportunity"]
    assert office.campaigns.gets_prospect_mail() == [True]
    assert office.campaigns.keys_of("restore-stage") == [key(office, "become-customer")] * 2
    (invoice,) = office.books.invoices
    await office.happens(following(office, invoice), "invoice-changed")
    followed = await following(office, invoice).result()
    assert followed["result"]["ended"] == "taken back"
    assert len(office.sales.keys_of("mark-reversed")) == 1


async def test_an_invoice_of_a_closed_period_is_credited(office: Office) -> None:
    await sold(office)
    await billed(office)
    invoice = close_its_period(office)
    reopen(office)
    outcome = await reversed_(office)
    (credit,) = office.books.credits.values()
    assert (credit.key, credit.left, credit.invoice_id) == (key(office, "reverse-invoice"), money(0), invoice.id)
    assert outcome["manual"] == []
    assert office.campaigns.stages() == ["opportunity", "opportunity"]


async def test_of_a_paid_invoice_the_credit_stays_for_finance_to_decide(office: Office) -> None:
    await sold(office)
    number = await billed(office)
    (invoice,) = office.books.invoices
    office.books.pay(invoice, money(1200))
    reopen(office)
    handle = await begun(office)
    view = await asked(office, handle)
    assert "1200.00 GBP was paid and stays with the customer" in view.waits[0].reason
    await answer(office, handle)
    outcome = await handle.result()
    (credit,) = office.books.credits.values()
    assert credit.left == money(1200)
    assert outcome["manual"] == [f"1200.00 GBP was paid for {number}: pay it out, or keep it as the customer's credit"]
    assert office.sales.notes() == [(number, "reversed")]


async def test_of_a_part_paid_invoice_the_open_rest_is_settled(office: Office) -> None:
    await sold(office)
    await billed(office)
    (invoice,) = office.books.invoices
    office.books.pay(invoice, money(200))
    reopen(office)
    await reversed_(office)
    (credit,) = office.books.credits.values()
    assert credit.left == money(200)
    assert office.books.invoices[invoice].amount_due == money(0)


async def test_all_instalments_are_taken_back(office: Office) -> None:
    await sold(office, instalments=PARTS)
    numbers = [await billed(office, part=part) for part in (1, 2)]
    reopen(office)
    await reversed_(office)
    assert office.books.states() == ["voided", "voided"]
    assert office.sales.notes() == [(number, "reversed") for number in numbers]
    assert office.books.keys_of("void-invoice") == [f"{key(office, 'reverse-invoice', n)}/void" for n in (1, 2)]
    assert office.campaigns.stages() == ["opportunity", "opportunity"]


async def test_one_instalment_is_taken_back_where_only_it_is_asked_for(office: Office) -> None:
    await sold(office, instalments=PARTS)
    for part in (1, 2):
        await billed(office, part=part)
    reopen(office)
    handle = await begun(office, part=2)
    await asked(office, handle)
    await answer(office, handle)
    await handle.result()
    assert office.books.states() == ["posted", "voided"]
    assert [status for _, status in office.sales.notes()] == ["posted", "reversed"]
    assert office.campaigns.stages() == ["customer", "customer"]


async def test_what_sales_were_not_told_of_is_found_in_accounting(office: Office) -> None:
    await sold(office)
    await billed(office)
    office.sales.change(DEAL_ID, invoices=(), stage=DealStage.OPEN)
    await reversed_(office)
    assert office.books.states() == ["voided"]


async def test_what_accounting_has_no_more_is_marked_in_the_crm(office: Office) -> None:
    await sold(office)
    number = await billed(office)
    office.books.void_by_hand(next(iter(office.books.invoices)))
    reopen(office)
    handle = await begun(office)
    view = await asked(office, handle)
    assert f"{number} is not in accounting any more" in view.waits[0].reason
    await answer(office, handle)
    await handle.result()
    assert office.sales.notes() == [(number, "reversed")]
    assert office.books.keys_of("void-invoice") == []


async def test_the_legal_entity_chooses_the_books(office: Office) -> None:
    rules = {"entities": {"GmbH": office.other_accounting}, "seller_countries": {"": "GB", "GmbH": "GB"}}
    await sold(office, entity="GmbH")
    await billed(office, rules=rules)
    reopen(office)
    await reversed_(office, **rules)
    assert (office.books.states(), office.other_books.states()) == ([], ["voided"])


async def test_an_entity_without_books_waits_for_sales(office: Office) -> None:
    await sold(office, entity="GmbH")
    route = {role: connection for role, connection in office.route.items() if role != "accounting"}
    handle = await office.begin(PROCESS, policy=ruled(), route=route)
    view = await office.waiting(handle)
    assert (view.waits[0].team, view.waits[0].problems[0].field) == ("sales-ops", "entity")


@pytest.mark.parametrize(
    ("system", "call", "effect", "closed"),
    [
        ("books", "void_invoice", "void-invoice", False),
        ("books", "credit_invoice", "credit-invoice", True),
        ("books", "allocate_credit", "allocate-credit", True),
        ("sales", "write_note", "mark-reversed", False),
        ("campaigns", "restore_stage", "restore-stage", False),
        ("campaigns", "resume_prospect_mail", "resume-prospect-mail", False),
    ],
)
async def test_a_lost_answer_makes_no_second_effect(
    office: Office, system: str, call: str, effect: str, closed: bool
) -> None:
    await sold(office)
    await billed(office)
    if closed:
        close_its_period(office)
    reopen(office)
    getattr(office, system).lose(call)
    await reversed_(office)
    happened = getattr(office, system).keys_of(effect)
    assert len(happened) == (2 if effect == "restore-stage" else 1)
    assert office.books.states() == ["paid" if closed else "voided"]
    assert [status for _, status in office.sales.notes()] == ["reversed"]


# ---- people ----------------------------------------------------------------------------------------------------------


async def test_refused_by_people_nothing_changes(office: Office) -> None:
    await sold(office)
    number = await billed(office)
    reopen(office)
    handle = await begun(office)
    await asked(office, handle)
    await answer(office, handle, "reject")
    outcome = await handle.result()
    assert (outcome["kind"], outcome["reason"]) == ("ignored", "rejected by fin: so it is")
    assert office.books.states() == ["posted"]
    assert office.sales.notes() == [(number, "posted")]


async def test_a_payment_while_finance_thinks_is_shown_to_them(office: Office) -> None:
    await sold(office)
    await billed(office)
    reopen(office)
    handle = await begun(office)
    await asked(office, handle)
    office.books.pay(next(iter(office.books.invoices)), money(1200))
    await answer(office, handle)
    view = await asked(office, handle, "reversal#2")
    assert "1200.00 GBP was paid" in view.waits[0].reason
    await answer(office, handle, wait="reversal#2")
    assert (await handle.result())["kind"] == "completed"


async def test_a_cancel_before_people_confirmed_changes_nothing(office: Office) -> None:
    await sold(office)
    await billed(office)
    reopen(office)
    handle = await begun(office)
    await asked(office, handle)
    await handle.cancel()
    view = await office.until(handle, lambda view: view.outcome is not None)
    assert view.outcome is not None
    assert view.outcome.kind.value == "undone"
    assert office.books.states() == ["posted"]


async def test_what_people_credited_in_part_waits_for_finance(office: Office) -> None:
    await sold(office)
    number = await billed(office)
    office.books.credit_by_hand(next(iter(office.books.invoices)), money(200))
    reopen(office)
    handle = await begun(office)
    await asked(office, handle)
    await answer(office, handle)
    view = await asked(office, handle, "reverse-invoice#1")
    assert view.waits[0].cause.endswith("partly-credited")
    await answer(office, handle, "skip", "reverse-invoice#1")
    outcome = await handle.result()
    assert outcome["manual"] == [f"void or credit {number} by hand"]
    assert office.books.keys_of("credit-invoice") == []


async def test_what_people_credited_in_full_is_not_credited_again(office: Office) -> None:
    await sold(office)
    number = await billed(office)
    office.books.credit_by_hand(next(iter(office.books.invoices)), money(1200))
    reopen(office)
    await reversed_(office)
    assert office.books.keys_of("credit-invoice") == []
    assert office.sales.notes() == [(number, "reversed")]


async def test_what_people_billed_for_the_deal_is_left_to_them(office: Office) -> None:
    await sold(office)
    await billed(office)
    request = invoice_request(next(iter(office.books.customers)), office.reference())
    theirs = office.books.have_invoice("", request, text=office.reference())
    reopen(office)
    outcome = await reversed_(office)
    assert outcome["manual"] == [f"{theirs.number} was made for the deal by others: take it back by hand"]
    assert office.books.states() == ["voided", "posted"]
    assert office.campaigns.stages() == ["customer", "customer"]


# ---- what there is nothing to take back of ---------------------------------------------------------------------------


async def test_a_deal_without_an_invoice_is_ignored(office: Office) -> None:
    await sold(office)
    outcome = await (await begun(office)).result()
    assert (outcome["kind"], outcome["reason"]) == ("ignored", "no invoice of the deal stands")


async def test_a_draft_is_left_to_the_process_that_made_it(office: Office) -> None:
    await sold(office)
    billing = await office.begin(BILLING, policy=ruled(invoice_max={"GBP": 1}))
    await office.waiting(billing)
    reopen(office)
    reversal = await begun(office)
    await office.until(reversal, lambda view: view.steps[-1].name == "ended")
    assert office.books.states() == ["draft"]
    await office.happens(billing, "deal-reopened")
    assert (await billing.result())["kind"] == "undone"
    assert (await reversal.result())["kind"] == "ignored"


@pytest.mark.parametrize("last", ["write_note", "set_stage", "stop_prospect_mail"])
async def test_nothing_is_taken_back_before_what_bills_the_deal_has_ended(office: Office, last: str) -> None:
    """Else what it still had to tell sales or marketing would come after it was put back, and stay."""
    await sold(office)
    system = office.sales if last == "write_note" else office.campaigns
    still = system.gates[last] = asyncio.Event()
    billing = await office.begin(BILLING, policy=ruled())
    await office.until(billing, lambda view: last in system.calls)
    reopen(office)
    reversal = await begun(office)
    await office.until(reversal, lambda view: view.steps[-1].name == "ended")
    still.set()
    assert (await billing.result())["kind"] == "completed"
    await asked(office, reversal)
    await answer(office, reversal)
    assert (await reversal.result())["kind"] == "completed"
    assert office.campaigns.stages() == ["opportunity", "opportunity"]
    assert office.campaigns.gets_prospect_mail() == [True]
    assert [status for _, status in office.sales.notes()] == ["reversed"]


# ---- marketing, and what comes after ---------------------------------------------------------------------------------


async def test_who_has_other_invoices_stays_a_customer(office: Office) -> None:
    await sold(office)
    await billed(office)
    office.sales.put(won_deal(office.crm, OTHER_DEAL))
    await billed(office, OTHER_DEAL)
    reopen(office)
    handle = await begun(office)
    await asked(office, handle)
    await answer(office, handle)
    await handle.result()
    assert office.campaigns.stages() == ["customer", "customer"]
    assert any("marketing keeps them" in note for note in (await office.view(handle)).notes)


async def test_a_stage_that_marketing_owns_is_left_alone(office: Office) -> None:
    await sold(office)
    await billed(office)
    reopen(office)
    await reversed_(office, owns_stage=Duty.MARKETING)
    assert office.campaigns.stages() == ["customer", "customer"]


async def test_a_deal_amended_and_won_again_is_billed_again(office: Office) -> None:
    await sold(office)
    await billed(office)
    office.sales.change(DEAL_ID, purchase_order="PO-2")
    handle = await begun(office)
    view = await asked(office, handle)
    assert view.waits[0].reason.endswith("; the deal is won, and is billed again afterwards")
    await answer(office, handle)
    assert (await handle.result())["kind"] == "completed"
    again = office.handed(BILLING, office.reference())
    await office.until(again, lambda view: "re-won#1" in [one.name for one in view.waits])
    await office.decide(again, wait="re-won#1", action="approve", who="sam")
    assert (await again.result())["kind"] == "completed"
    assert office.books.states() == ["voided", "posted"]
    assert office.campaigns.stages() == ["customer", "customer"]


async def test_a_second_reversal_makes_effects_of_its_own(office: Office) -> None:
    await sold(office)
    await billed(office)
    office.books.pay("invoice-0001", money(1200))
    await reversed_(office)
    again = office.handed(BILLING, office.reference())
    await office.until(again, lambda view: "re-won#1" in [one.name for one in view.waits])
    await office.decide(again, wait="re-won#1", action="approve", who="sam")
    await again.result()
    office.books.pay("invoice-0002", money(1200))
    reopen(office)
    await reversed_(office)
    assert office.books.keys_of("credit-invoice") == [key(office, "reverse-invoice", number) for number in (1, 2)]
    assert [status for _, status in office.sales.notes()] == ["reversed", "reversed"]
