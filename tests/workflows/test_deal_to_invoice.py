"""A won deal becomes an invoice: each step, its undo, and where people decide."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from seamline.errors import Problem, Refusal
from seamline.process.view import View
from seamline.records.audience import Consent
from seamline.records.billing import Billing, Duty
from seamline.records.customer import NEW
from seamline.records.deal import DealStage, Instalment, NoteStatus
from seamline.records.policy import Policy
from tests.process.theatre import QUICK, Handle
from tests.workflows.office import Office
from tests.workflows.sales import ACCOUNT_ID, DEAL_ID, money, won_deal

PROCESS = "deal-to-invoice"
WRITES = [
    ("books", "create_customer"),
    ("books", "draft_invoice"),
    ("books", "post_invoice"),
    ("books", "send_invoice"),
    ("sales", "write_note"),
    ("campaigns", "set_stage"),
    ("campaigns", "stop_prospect_mail"),
]


def ruled(**billing: Any) -> Policy:
    """A policy that settles at once and asks for no approval unless told."""
    rules = {"settle_seconds": 0.01, "new_customers_asked": False, **billing}
    return QUICK.model_copy(update={"billing": Billing(**rules)})


async def begun(office: Office, reference: str = "", **billing: Any) -> Handle:
    """The process of the deal, on its way."""
    return await office.begin(PROCESS, reference, policy=ruled(**billing))


async def waiting(office: Office, handle: Handle, name: str) -> View:
    """The view once a wait of this name is open."""
    return await office.until(handle, lambda view: name in [one.name for one in view.waits])


async def refused(office: Office, handle: Handle, **decision: Any) -> str:
    """What a decision that is not taken is told."""
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await office.decide(handle, **decision)
    assert isinstance(error.value.cause, ApplicationError)
    return error.value.cause.message


def key(office: Office, purpose: str, number: int = 1, part: int = 0) -> str:
    """An effect key of the deal."""
    return f"{office.reference(part)}/{purpose}#{number}"


def nothing_stands(office: Office) -> bool:
    """Whether accounting holds nothing live."""
    return all(one in ("deleted", "voided") for one in office.books.states())


# ---- the way without trouble ----------------------------------------------------------------------------------------


async def test_a_won_deal_becomes_an_invoice_that_everybody_knows_of(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    office.campaigns.have("acme.example", "bills@acme.example")
    outcome = await (await begun(office)).result()
    assert outcome["kind"] == "completed"
    assert outcome["result"]["total"] == "1200.00 GBP"
    assert office.books.effects == [
        ("create-customer", key(office, "create-customer")),
        ("draft-invoice", key(office, "draft-invoice")),
        ("post-invoice", key(office, "post-invoice")),
        ("send-invoice", key(office, "send-invoice")),
    ]
    (customer,) = office.books.customers.values()
    assert customer.number == f"{office.crm}:{ACCOUNT_ID}"
    (invoice,) = office.books.invoices.values()
    assert (invoice.state.value, invoice.sent, invoice.net, invoice.tax) == ("posted", True, money(1000), money(200))
    assert office.sales.effects == [("write-invoice", key(office, "write-invoice"))]
    assert office.sales.notes() == [(invoice.number, "posted")]
    assert {one.stage for one in office.campaigns.people.values()} == {"customer"}
    assert office.campaigns.keys_of("stop-prospect-mail") == [key(office, "stop-prospect-mail")]
    assert await office.is_running("follow-invoice", f"{office.accounting}:{invoice.id}")


@pytest.mark.parametrize(("system", "call"), WRITES)
async def test_a_lost_answer_makes_no_second_effect(office: Office, system: str, call: str) -> None:
    office.sales.put(won_deal(office.crm))
    office.campaigns.have("acme.example", "bills@acme.example")
    getattr(office, system).lose(call)
    outcome = await (await begun(office)).result()
    assert outcome["kind"] == "completed"
    assert len(office.books.effects) == 4
    assert office.books.states() == ["posted"]
    assert office.sales.notes() == [(next(iter(office.books.invoices.values())).number, "posted")]
    assert sorted(office.campaigns.keys_of("become-customer")) == [key(office, "become-customer")] * 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stage": DealStage.OPEN}, "the deal is open, not won"),
        ({"stage": DealStage.LOST}, "the deal is lost, not won"),
        ({"test": True}, "a test deal in production"),
        ({"amount": money(0)}, "the deal comes to nothing"),
    ],
)
async def test_what_is_not_billed_is_ignored_with_the_reason(
    office: Office, change: dict[str, Any], reason: str
) -> None:
    office.sales.put(won_deal(office.crm, **change))
    outcome = await (await begun(office)).result()
    assert (outcome["kind"], outcome["reason"]) == ("ignored", reason)
    assert office.books.effects == []


async def test_a_deal_that_has_its_invoice_gets_no_second(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    first = await (await begun(office)).result()
    second = await (await begun(office)).result()
    assert (second["kind"], second["reason"]) == ("ignored", f"already invoiced as {first['result']['number']}")
    assert office.books.states() == ["posted"]


async def test_what_flips_while_it_settles_does_not_stop_it(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    handle = await begun(office, settle_seconds=1)
    await office.happens(handle, "deal-reopened")
    await office.happens(handle, "deal-won")
    assert (await handle.result())["kind"] == "completed"


# ---- what is checked ------------------------------------------------------------------------------------------------


async def test_every_broken_rule_is_told_at_once_and_mended_in_the_crm(office: Office) -> None:
    deal = won_deal(office.crm, contact=None, amount=money(1001), purchase_order="")
    customer = deal.customer.model_copy(update={"purchase_order_required": True}) if deal.customer else None
    office.sales.put(deal.model_copy(update={"customer": customer}))
    handle = await begun(office)
    view = await waiting(office, handle, "fetch-deal#1")
    (wait,) = view.waits
    assert wait.team == "sales-ops"
    fields = {one.field.split(".")[0] for one in wait.problems}
    assert {"contact", "purchase_order"} <= fields
    assert fields & {"amount", "lines"}
    assert "skip" not in wait.actions
    office.sales.put(won_deal(office.crm))
    await office.happens(handle, "deal-changed", "d1")
    assert (await handle.result())["kind"] == "completed"


async def test_it_can_be_amended_here(office: Office) -> None:
    deal = won_deal(office.crm)
    customer = deal.customer.model_copy(update={"purchase_order_required": True}) if deal.customer else None
    office.sales.put(deal.model_copy(update={"customer": customer}))
    handle = await begun(office)
    await waiting(office, handle, "fetch-deal#1")
    await office.decide(handle, wait="fetch-deal#1", action="amend", who="sam", change={"purchase_order": "PO-7"})
    assert (await handle.result())["kind"] == "completed"


async def test_tax_that_nobody_can_decide_waits_before_any_effect(office: Office) -> None:
    deal = won_deal(office.crm)
    assert deal.customer is not None
    address = deal.customer.address.model_copy(update={"country": "IT"})
    customer = deal.customer.model_copy(update={"address": address, "tax_id": "IT123"})
    office.sales.put(deal.model_copy(update={"customer": customer, "entity": "unknown"}))
    handle = await begun(office)
    view = await waiting(office, handle, "fetch-deal#1")
    assert office.books.effects == []
    assert view.waits[0].team == "sales-ops"


async def test_books_without_the_tax_code_wait_for_finance(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    known = office.books.books.tax_codes
    office.books.books = office.books.books.model_copy(update={"tax_codes": ()})
    handle = await begun(office)
    view = await waiting(office, handle, "books#1")
    assert view.waits[0].team == "finance"
    assert "OUTPUT2" in view.waits[0].problems[0].reason
    office.books.books = office.books.books.model_copy(update={"tax_codes": known})
    await office.decide(handle, wait="books#1", action="retry", who="fin")
    assert (await handle.result())["kind"] == "completed"


# ---- the customer ---------------------------------------------------------------------------------------------------


async def test_a_customer_found_by_tax_id_is_linked_and_kept(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    there = office.books.have_customer(name="ACME PUMPS", tax_id="gb 123 456 789", email="bills@acme.example")
    outcome = await (await begun(office)).result()
    assert outcome["result"]["customer_id"] == there.id
    assert office.books.customers[there.id].number == f"{office.crm}:{ACCOUNT_ID}"
    assert "create-customer" not in dict(office.books.effects)


@pytest.mark.parametrize("choice", ["first", NEW])
async def test_an_ambiguous_customer_is_chosen_by_staff(office: Office, choice: str) -> None:
    office.sales.put(won_deal(office.crm))
    one = office.books.have_customer(name="Acme Pumps", tax_id="GB123456789", email="a@acme.example")
    two = office.books.have_customer(name="Acme Pumps Ltd", tax_id="GB123456789", email="b@acme.example")
    handle = await begun(office)
    view = await waiting(office, handle, "match-customer#1")
    (wait,) = view.waits
    told = " ".join(problem.reason for problem in wait.problems)
    assert one.id in told
    assert two.id in told
    assert "skip" not in wait.actions
    wrong = await refused(office, handle, wait="match-customer#1", action="skip", who="kim")
    assert "not possible here" in wrong
    chosen = one.id if choice == "first" else NEW
    await office.decide(handle, wait="match-customer#1", action="amend", who="kim", change={"chosen": chosen})
    outcome = await handle.result()
    assert (outcome["result"]["customer_id"] == one.id) is (choice == "first")
    assert len(office.books.customers) == (2 if choice == "first" else 3)


# ---- the approval ---------------------------------------------------------------------------------------------------

SMALL = {"invoice_max": {"GBP": Decimal(500)}}


async def test_who_amends_an_invoice_may_not_approve_it(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    handle = await begun(office, **SMALL)
    view = await waiting(office, handle, "invoice#1")
    assert view.waits[0].team == "finance"
    assert "above the limit of 500" in view.waits[0].reason
    assert office.books.states() == ["draft"]
    bad = await refused(office, handle, wait="invoice#1", action="amend", who="ann", change={"total": money(1)})
    assert "total" in bad
    await office.decide(handle, wait="invoice#1", action="amend", who="ann", change={"purchase_order": "PO-9"})
    await waiting(office, handle, "invoice#2")
    assert office.books.calls.count("update_draft") == 1
    told = await refused(office, handle, wait="invoice#2", action="approve", who="ann")
    assert "somebody else must approve" in told
    await office.decide(handle, wait="invoice#2", action="approve", who="bob")
    assert (await handle.result())["kind"] == "completed"
    assert office.books.states() == ["posted"]


async def test_a_rejected_invoice_leaves_nothing_but_a_task(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    office.campaigns.have("acme.example", "bills@acme.example")
    handle = await begun(office, **SMALL)
    await waiting(office, handle, "invoice#1")
    missing = await refused(office, handle, wait="invoice#1", action="reject", who="bob")
    assert "say why" in missing
    await office.decide(handle, wait="invoice#1", action="reject", who="bob", why="too cheap")
    outcome = await handle.result()
    assert (outcome["kind"], outcome["reason"]) == ("undone", "rejected by bob: too cheap")
    assert nothing_stands(office)
    assert [one.archived for one in office.books.customers.values()] == [True]
    (task,) = office.sales.tasks.values()
    assert (task.owner_id, task.text) == ("005A1", "rejected by bob: too cheap")
    assert office.sales.notes() == []
    assert office.campaigns.effects == []


async def test_a_customer_that_is_used_meanwhile_stays(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    handle = await begun(office, **SMALL)
    await waiting(office, handle, "invoice#1")
    other = won_deal(office.crm, "006A00000000002AAA")
    office.sales.put(other)
    done = await begun(office, office.reference(external_id="006A00000000002AAA"))
    assert (await done.result())["kind"] == "completed"
    await office.decide(handle, wait="invoice#1", action="reject", who="bob", why="too cheap")
    outcome = await handle.result()
    assert outcome["kind"] == "undone"
    assert [one.archived for one in office.books.customers.values()] == [False]


async def test_a_deal_given_up_during_the_approval_is_taken_back(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    handle = await begun(office, **SMALL)
    await waiting(office, handle, "invoice#1")
    office.sales.change(DEAL_ID, stage=DealStage.OPEN)
    await office.decide(handle, wait="invoice#1", action="approve", who="bob")
    outcome = await handle.result()
    assert (outcome["kind"], outcome["reason"]) == ("undone", "reopened in the CRM")
    assert nothing_stands(office)


async def test_a_reopening_that_is_told_takes_it_back(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    handle = await begun(office, **SMALL)
    await waiting(office, handle, "invoice#1")
    await office.happens(handle, "deal-reopened", "d1")
    assert (await handle.result())["kind"] == "undone"
    assert nothing_stands(office)


async def test_a_deal_changed_during_the_approval_is_named(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    handle = await begun(office, **SMALL)
    await waiting(office, handle, "invoice#1")
    office.sales.change(DEAL_ID, purchase_order="PO-9")
    await office.decide(handle, wait="invoice#1", action="approve", who="bob")
    view = await waiting(office, handle, "fetch-deal#1")
    assert [one.field for one in view.waits[0].problems] == ["purchase_order"]
    await office.decide(handle, wait="fetch-deal#1", action="skip", who="bob", why="it can stay")
    assert (await handle.result())["kind"] == "completed"


# ---- posting and sending --------------------------------------------------------------------------------------------


async def test_finance_moves_an_invoice_out_of_a_closed_period(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    office.books.close_period(date(2199, 1, 31))
    handle = await begun(office)
    view = await waiting(office, handle, "post-invoice#1")
    (wait,) = view.waits
    assert (wait.team, wait.cause) == ("finance", f"{office.accounting} refusal closed-period")
    assert wait.problems[0].field == "issued"
    change = {"issued": "2199-02-01", "due": "2199-03-01"}
    await office.decide(handle, wait="post-invoice#1", action="amend", who="fin", change=change)
    outcome = await handle.result()
    assert outcome["result"]["issued"] == "2199-02-01"


async def test_without_an_address_it_waits_and_can_be_taken_back(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    office.books.have_customer(name="Acme Pumps Ltd", number=f"{office.crm}:{ACCOUNT_ID}")
    handle = await begun(office)
    view = await waiting(office, handle, "send-invoice#1")
    assert view.waits[0].cause.endswith("no-address")
    await office.decide(handle, wait="send-invoice#1", action="cancel", who="fin", why="wrong customer")
    outcome = await handle.result()
    assert outcome["kind"] == "undone"
    assert office.books.states() == ["voided"]
    assert "archive-customer" not in dict(office.books.effects)


async def test_what_was_paid_meanwhile_is_credited_not_voided(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    office.books.have_customer(name="Acme Pumps Ltd", number=f"{office.crm}:{ACCOUNT_ID}")
    handle = await begun(office)
    await waiting(office, handle, "send-invoice#1")
    (invoice,) = office.books.invoices.values()
    office.books.pay(invoice.id, money(100))
    await office.decide(handle, wait="send-invoice#1", action="cancel", who="fin", why="wrong customer")
    outcome = await handle.result()
    assert outcome["kind"] == "undone"
    (credit,) = office.books.credits.values()
    assert (credit.key, credit.total, credit.left) == (key(office, "post-invoice"), money(1200), money(100))
    assert any("stays with the customer" in one["answer"]["detail"] for one in outcome["undone"])


async def test_once_it_was_sent_a_cancel_comes_too_late(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    office.books.lose("send_invoice")
    office.books.fail("read_invoice")
    office.sales.fail("write_note", Refusal("field-conflict", "the deal names another invoice"))
    handle = await begun(office)
    await waiting(office, handle, "write-invoice#1")
    await handle.cancel()
    await office.until(handle, lambda view: any("too late" in note for note in view.notes))
    await office.decide(handle, wait="write-invoice#1", action="retry", who="ops")
    assert (await handle.result())["kind"] == "completed"
    assert office.books.states() == ["posted"]


# ---- who is told ----------------------------------------------------------------------------------------------------


async def test_a_field_that_names_another_invoice_waits_for_sales(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    problem = Problem(field="number", reason="the deal names INV-9, which we did not write")
    office.sales.fail("write_note", Refusal("field-conflict", problem.reason, problems=[problem]))
    handle = await begun(office)
    view = await waiting(office, handle, "write-invoice#1")
    assert (view.waits[0].team, view.waits[0].problems[0].field) == ("sales-ops", "number")
    await office.decide(handle, wait="write-invoice#1", action="retry", who="sam")
    assert (await handle.result())["kind"] == "completed"


async def test_consent_in_doubt_waits_for_marketing(office: Office) -> None:
    deal = won_deal(office.crm)
    contact = deal.contact.model_copy(update={"mail_refused": True}) if deal.contact else None
    office.sales.put(deal.model_copy(update={"contact": contact}))
    office.campaigns.have("acme.example", "bills@acme.example", consent=Consent.GIVEN)
    handle = await begun(office)
    view = await waiting(office, handle, "find-audience#1")
    assert view.waits[0].team == "marketing"
    assert office.campaigns.effects == []
    await office.decide(handle, wait="find-audience#1", action="skip", who="mia", why="a stage is no mail")
    assert (await handle.result())["kind"] == "completed"


async def test_marketing_that_knows_nobody_is_left_alone(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    handle = await begun(office)
    await handle.result()
    assert "marketing does not know the customer" in (await office.view(handle)).notes
    assert office.campaigns.effects == []


async def test_duties_that_are_not_ours_are_left_to_others(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    office.campaigns.have("acme.example", "bills@acme.example")
    handle = await begun(office, sends=Duty.ACCOUNTING, owns_stage=Duty.MARKETING)
    assert (await handle.result())["kind"] == "completed"
    assert "send-invoice" not in dict(office.books.effects)
    assert office.campaigns.effects == []


# ---- more than one invoice ------------------------------------------------------------------------------------------


async def test_instalments_are_billed_each_on_its_day(office: Office) -> None:
    today = (await office.env.get_current_time()).date()
    parts = (
        Instalment(number=1, bill_on=today - timedelta(days=1), amount=money(400)),
        Instalment(number=2, bill_on=today + timedelta(days=300), amount=money(600)),
    )
    office.sales.put(won_deal(office.crm, instalments=parts))
    outcome = await (await begun(office)).result()
    assert outcome["reason"] == "billed in 2 instalments, each by a process of its own: 1 started"
    first = await office.handed(PROCESS, office.reference(1)).result()
    assert first["result"]["total"] == "480.00 GBP"
    second = await (await begun(office, office.reference(2))).result()
    assert second["result"]["total"] == "720.00 GBP"
    assert office.books.keys_of("draft-invoice") == [key(office, "draft-invoice", part=part) for part in (1, 2)]
    assert len(office.sales.notes()) == 2


async def test_a_deal_won_again_is_billed_again_once_sales_agree(office: Office) -> None:
    office.sales.put(won_deal(office.crm))
    await (await begun(office)).result()
    (first,) = office.books.invoices
    office.books.void_by_hand(first)
    office.sales.set_status(DEAL_ID, NoteStatus.REVERSED)
    handle = await begun(office)
    view = await waiting(office, handle, "re-won#1")
    assert view.waits[0].team == "sales-ops"
    await office.decide(handle, wait="re-won#1", action="approve", who="sam")
    assert (await handle.result())["kind"] == "completed"
    assert office.books.keys_of("draft-invoice") == [key(office, "draft-invoice"), key(office, "draft-invoice", 2)]
    assert [status for _, status in office.sales.notes()] == ["reversed", "posted"]


async def test_the_legal_entity_chooses_the_books(office: Office) -> None:
    office.sales.put(won_deal(office.crm, entity="Seamline GmbH"))
    rules = {
        "entities": {"Seamline GmbH": office.other_accounting},
        "seller_countries": {"": "GB", "Seamline GmbH": "GB"},
    }
    outcome = await (await begun(office, **rules)).result()
    assert outcome["kind"] == "completed"
    assert office.books.effects == []
    assert office.other_books.states() == ["posted"]
