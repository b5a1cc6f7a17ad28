"""The systems kept in memory do what the roles' activities rely on: one effect each, whatever answer is lost."""

from __future__ import annotations

import contextlib
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.accounting import Accounting
from activities.crm import Crm
from activities.marketing import Marketing
from seamline.process.effect import Call
from seamline.records.audience import AudienceRequest, StageRequest
from seamline.records.base import Record
from seamline.records.customer import CustomerQuery, CustomerRequest
from seamline.records.deal import NoteKey, NoteRequest
from seamline.records.invoice import CreditRequest, Invoice, InvoiceLine, InvoiceRequest, PostRequest
from seamline.records.undo import UndoState
from tests.workflows.books import PaperBooks
from tests.workflows.campaigns import Campaigns
from tests.workflows.sales import DEAL_ID, Sales, money, won_deal

DEAL = f"crm-main:{DEAL_ID}"
R = TypeVar("R", bound=Record)


def call(request: R, purpose: str, reference: str = DEAL) -> Call[R]:
    return Call(reference=reference, key=f"{reference}/{purpose}#1", request=request)


async def played(method: Any, asked: Call[Any]) -> Any:
    """The method's answer, in the surroundings of an activity."""
    return await ActivityEnvironment().run(method, asked)


def invoice_request(customer_id: str, reference: str = DEAL) -> InvoiceRequest:
    line = InvoiceLine(
        description="Pump",
        quantity=Decimal(1),
        unit_price=money(100),
        tax_code="OUTPUT2",
        net=money(100),
        tax=money(20),
    )
    return InvoiceRequest(
        reference=reference,
        customer_id=customer_id,
        currency="GBP",
        issued=date(2026, 11, 2),
        due=date(2026, 12, 2),
        lines=(line,),
        net=money(100),
        tax=money(20),
        total=money(120),
    )


async def posted(books: PaperBooks) -> Invoice:
    customer = books.have_customer(name="Acme", email="bills@acme.example")
    draft = await played(Accounting(books).draft_invoice, call(invoice_request(customer.id), "draft-invoice"))
    post = PostRequest(invoice_id=draft.id, issued=draft.issued, due=draft.due)
    invoice: Invoice = await played(Accounting(books).post_invoice, call(post, "post-invoice"))
    return invoice


@pytest.mark.parametrize("lost", ["draft_invoice", "credit_invoice", "allocate_credit"])
async def test_a_lost_answer_makes_no_second_invoice_and_no_second_credit(lost: str) -> None:
    books = PaperBooks()
    books.lose(lost)
    customer = books.have_customer(name="Acme", email="bills@acme.example")
    role = Accounting(books)
    first = await _stubborn(role.draft_invoice, call(invoice_request(customer.id), "draft-invoice"))
    post = PostRequest(invoice_id=first.id, issued=first.issued, due=first.due)
    await _stubborn(role.post_invoice, call(post, "post-invoice"))
    books.pay(first.id, money(50))
    credit = CreditRequest(invoice_id=first.id, issued=date(2026, 12, 1), reason="reopened")
    undone = await _stubborn(role.reverse_invoice, call(credit, "reverse-invoice"))
    assert undone.state is UndoState.UNDONE
    assert "50.00 GBP of it stays with the customer" in undone.detail
    names = ("draft-invoice", "post-invoice", "credit-invoice", "allocate-credit")
    assert [name for name, _ in books.effects] == list(names)
    assert books.invoices[first.id].amount_due == money(0)


async def _stubborn(method: Any, asked: Any) -> Any:
    """Called until it answers, as Temporal does."""
    with contextlib.suppress(ApplicationError):
        return await played(method, asked)
    return await played(method, asked.model_copy(update={"repeated": True}))


async def test_an_unpaid_invoice_of_an_open_period_is_voided_and_of_a_closed_one_credited() -> None:
    for closed, states, effect in (
        (None, ["voided"], "void-invoice"),
        (date(2026, 11, 30), ["paid"], "credit-invoice"),
    ):
        books = PaperBooks()
        invoice = await posted(books)
        if closed:
            books.close_period(closed)
        request = CreditRequest(invoice_id=invoice.id, issued=date(2026, 12, 1), reason="reopened")
        await played(Accounting(books).reverse_invoice, call(request, "reverse-invoice"))
        assert books.states() == states
        assert len(books.keys_of(effect)) == 1


async def test_a_customer_is_found_by_what_it_shares_and_used_only_by_other_business() -> None:
    books = PaperBooks()
    deal = won_deal("crm-main")
    assert deal.customer
    made = await played(
        Accounting(books).create_customer, call(CustomerRequest(customer=deal.customer), "create-customer")
    )
    found = await books.find_candidates(CustomerQuery(customer=deal.customer))
    assert [one.id for one in found] == [made.id]
    books.have_invoice(f"{DEAL}.2/draft-invoice#1", invoice_request(made.id, f"{DEAL}.2"))
    assert not await books.has_documents(made.id, DEAL)
    other = "crm-main:006B00000000001AAA"
    books.have_invoice(f"{other}/draft-invoice#1", invoice_request(made.id, other))
    assert await books.has_documents(made.id, DEAL)


async def test_a_note_is_written_once_under_its_key_and_marked_as_reversed() -> None:
    sales = Sales()
    sales.put(won_deal("crm-main"))
    note = NoteRequest(number="INV-1", amount=money(120))
    for _ in range(2):
        await played(Crm(sales).write_invoice, call(note, "write-invoice"))
    assert sales.notes() == [("INV-1", "posted")]
    reversal = NoteKey(note_key=f"{DEAL}/write-invoice#1")
    await played(Crm(sales).mark_reversed, call(reversal, "mark-reversed"))
    assert sales.notes() == [("INV-1", "reversed")]


async def test_a_stage_is_saved_and_put_back() -> None:
    campaigns = Campaigns()
    campaigns.have("acme.example", "bills@acme.example")
    asked = AudienceRequest(customer="crm-main:001A", domain="acme.example", emails=("bills@acme.example",))
    found = await campaigns.find_audience(asked)
    stage = StageRequest(
        company_ids=tuple(one.id for one in found.companies), person_ids=tuple(one.id for one in found.people)
    )
    for _ in range(2):
        await played(Marketing(campaigns).become_customer, call(stage, "become-customer"))
    assert campaigns.stages() == ["customer", "customer"]
    assert len(campaigns.keys_of("become-customer")) == 2
    await played(Marketing(campaigns).restore_stage, call(stage, "become-customer"))
    assert campaigns.stages() == ["opportunity", "opportunity"]
