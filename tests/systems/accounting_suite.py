"""What every system must do that fills the role accounting."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Protocol

import pytest

from activities.accounting import AccountingSystem
from seamline.errors import Outage, Refusal
from seamline.records.address import Address
from seamline.records.customer import AccountingCustomer, Customer, CustomerQuery, CustomerRequest, LinkRequest
from seamline.records.invoice import (
    CreditRequest,
    Invoice,
    InvoiceLine,
    InvoiceRequest,
    InvoiceState,
    PostRequest,
    SendRequest,
)
from seamline.records.money import Money
from tests.systems.conformance import Side, SystemConformance

DEAL = "crm-main:006Hs00001A2b3cIAA"
CUSTOMER = Customer(
    reference="crm-main:001Hs00001A2b3cIAA",
    name="Acme Robotics Ltd",
    tax_id="GB123456789",
    domain="acme.example",
    email="accounts@acme.example",
    address=Address(name="Accounts", street1="12 Mill Lane", city="Cambridge", postcode="CB2 1RX", country="GB"),
)
ISSUED = date(2026, 11, 2)
DUE = date(2026, 12, 2)
LATER = date(2026, 11, 20)
CODE = "OUTPUT2"


class AccountingSide(Side, Protocol):
    """Books, and the people who keep them."""

    @property
    def adapter(self) -> AccountingSystem: ...

    async def lock(self, until: date | None) -> None:
        """The period up to this day is closed."""

    async def have_customer(self, **fields: Any) -> str:
        """A person enters a customer by name, email, number, tax_id; its id."""

    async def archive(self, customer_id: str) -> None:
        """A person archives a customer."""

    async def have_invoice(self, customer_id: str, text: str) -> str:
        """A person makes and posts an invoice, with this text as its reference; its id."""

    async def pay(self, invoice_id: str, amount: Decimal | None = None) -> None:
        """The customer pays all that is owed, or so much."""

    async def void(self, invoice_id: str) -> None:
        """A person voids it."""

    async def promise(self, invoice_id: str, day: date) -> None:
        """A person notes on which day the customer will pay."""

    async def lose_reply(self, operation: str) -> None:
        """The next call of this method of the role has its effect, and its answer is lost."""

    async def effects(self, reference: str) -> list[tuple[str, str]]:
        """What the books were changed by for a reference: operation and key."""


def money(amount: str) -> Money:
    """Pounds."""
    return Money(amount=Decimal(amount), currency="GBP")


def line(description: str, quantity: str, price: str, net: str, tax: str, discount: str = "0") -> InvoiceLine:
    """A line with the standard tax."""
    return InvoiceLine(
        description=description,
        quantity=Decimal(quantity),
        unit_price=money(price),
        discount_percent=Decimal(discount),
        tax_code=CODE,
        net=money(net),
        tax=money(tax),
    )


LINES = (
    line("Robot arm", "2", "1000", "1800.00", "360.00", discount="10"),
    line("Support, per hour", "3.5", "0.3333", "1.17", "0.23"),
    line("Rounded by the CRM", "3", "33.33", "100.00", "20.01"),
)


def request(customer_id: str, *lines: InvoiceLine, reference: str = DEAL, **more: Any) -> InvoiceRequest:
    """An invoice over these lines, or over some that are hard to add up."""
    lines = lines or LINES
    net, tax = Money.total((one.net for one in lines), "GBP"), Money.total((one.tax for one in lines), "GBP")
    return InvoiceRequest(
        reference=reference,
        customer_id=customer_id,
        currency="GBP",
        issued=ISSUED,
        due=DUE,
        lines=lines,
        net=net,
        tax=tax,
        total=net + tax,
        **more,
    )


def key(purpose: str, reference: str = DEAL) -> str:
    """The key of an effect."""
    return f"{reference}/{purpose}#1"


class AccountingConformance(SystemConformance):
    """The role accounting."""

    async def customer(self, side: AccountingSide, wanted: Customer = CUSTOMER) -> AccountingCustomer:
        """A customer that we made."""
        return await side.adapter.create_customer(key("create-customer"), CustomerRequest(customer=wanted))

    async def draft(self, side: AccountingSide, *lines: InvoiceLine, **more: Any) -> Invoice:
        """A draft for a customer that we made."""
        made = await self.customer(side)
        return await side.adapter.draft_invoice(key("draft-invoice"), request(made.id, *lines, **more))

    async def posted(self, side: AccountingSide, *lines: InvoiceLine) -> Invoice:
        """A posted invoice."""
        draft = await self.draft(side, *lines)
        wanted = PostRequest(invoice_id=draft.id, issued=ISSUED, due=DUE)
        return await side.adapter.post_invoice(key("post-invoice"), wanted)

    # ---- the books ------------------------------------------------------------------------------------------------

    async def test_the_books_are_read(self, side: AccountingSide) -> None:
        books = await side.adapter.read_books()
        assert (books.currency, books.locked_until) == ("GBP", None)
        assert "EUR" in books.currencies
        assert {one.code: one.percent for one in books.tax_codes}[CODE] == 20
        await side.lock(date(2026, 10, 31))
        assert (await side.adapter.read_books()).locked_until == date(2026, 10, 31)

    # ---- customers ------------------------------------------------------------------------------------------------

    async def test_a_customer_is_made_and_found(self, side: AccountingSide) -> None:
        assert await side.adapter.find_customer(CUSTOMER.reference) is None
        made = await self.customer(side)
        assert (made.number, made.key, made.archived) == (CUSTOMER.reference, key("create-customer"), False)
        found = await side.adapter.find_customer(CUSTOMER.reference)
        assert found == made.model_copy(update={"key": ""})
        await side.adapter.archive_customer(made.id)
        archived = await side.adapter.find_customer(CUSTOMER.reference)
        assert archived is not None
        assert archived.archived
        assert await side.effects(DEAL) == [
            ("create-customer", key("create-customer")),
            ("archive-customer", key("create-customer")),
        ]

    async def test_a_customer_whose_answer_was_lost_is_found(self, side: AccountingSide) -> None:
        await side.lose_reply("create_customer")
        with pytest.raises(Outage):
            await self.customer(side)
        assert await side.adapter.find_customer(CUSTOMER.reference) is not None

    @pytest.mark.parametrize(
        "shared",
        [
            {"number": CUSTOMER.reference},
            {"tax_id": CUSTOMER.tax_id},
            {"email": CUSTOMER.email},
            {"email": "someone.else@acme.example"},
            {"name": "ACME Robotics ltd"},
        ],
    )
    async def test_who_may_be_the_customer(self, side: AccountingSide, shared: dict[str, str]) -> None:
        wanted = await side.have_customer(**({"name": "Other"} | shared))
        await side.have_customer(name="Stranger", email="accounts@stranger.example", tax_id="GB999")
        (found,) = await side.adapter.find_candidates(CustomerQuery(customer=CUSTOMER))
        assert (found.id, found.archived, found.page != "") == (wanted, False, True)
        for name, value in shared.items():
            assert getattr(found, name) == value
        await side.archive(wanted)
        (found,) = await side.adapter.find_candidates(CustomerQuery(customer=CUSTOMER))
        assert found.archived

    async def test_names_with_quotes_are_looked_for(self, side: AccountingSide) -> None:
        name = 'The "Best" \\ Robots'
        wanted = await side.have_customer(name=name)
        query = CustomerQuery(customer=Customer(reference=CUSTOMER.reference, name=name))
        assert [one.id for one in await side.adapter.find_candidates(query)] == [wanted]

    async def test_nothing_is_shared_by_what_is_empty(self, side: AccountingSide) -> None:
        await side.have_customer(name="Stranger")
        query = CustomerQuery(customer=Customer(reference=CUSTOMER.reference))
        assert await side.adapter.find_candidates(query) == []

    async def test_a_customer_is_linked_once(self, side: AccountingSide) -> None:
        there = await side.have_customer(name="Acme")
        wanted = LinkRequest(candidate_id=there, number=CUSTOMER.reference)
        for _ in range(2):
            linked = await side.adapter.link_customer(key("link-customer"), wanted)
            assert (linked.id, linked.number) == (there, CUSTOMER.reference)
        assert await side.effects(DEAL) == [("link-customer", key("link-customer"))]
        other = await side.have_customer(name="Other")
        for pair in ({"candidate_id": other}, {"number": "crm-main:001B"}):
            with pytest.raises(Refusal) as caught:
                await side.adapter.link_customer(key("link-customer"), wanted.model_copy(update=pair))
            assert caught.value.failure.code == "number-taken"

    async def test_what_names_a_customer(self, side: AccountingSide) -> None:
        invoice = await self.draft(side)
        assert not await side.adapter.has_documents(invoice.customer_id, DEAL)
        assert await side.adapter.has_documents(invoice.customer_id, DEAL[:-1])
        other = await side.have_invoice(invoice.customer_id, "by hand")
        assert await side.adapter.has_documents(invoice.customer_id, DEAL)
        await side.void(other)
        assert not await side.adapter.has_documents(invoice.customer_id, DEAL)

    # ---- invoices -------------------------------------------------------------------------------------------------

    async def test_a_draft_says_what_was_asked_for_to_the_cent(self, side: AccountingSide) -> None:
        draft = await self.draft(side, purchase_order="PO 4711")
        assert (draft.state, draft.key) == (InvoiceState.DRAFT, key("draft-invoice"))
        assert (draft.net, draft.tax, draft.total) == (money("1901.17"), money("380.24"), money("2281.41"))
        assert (draft.issued, draft.due, draft.sent, draft.amount_due) == (ISSUED, DUE, False, draft.total)
        assert await side.adapter.find_invoices(DEAL) == [draft]
        assert await side.adapter.read_invoice(draft.id) == draft

    async def test_invoices_are_found_by_the_very_reference(self, side: AccountingSide) -> None:
        draft = await self.draft(side)
        for other in (f"{DEAL}.2", f"{DEAL[:-1]}B", f"{DEAL}B"):
            asked = request(draft.customer_id, reference=other)
            await side.adapter.draft_invoice(key("draft-invoice", other), asked)
        stranger = await side.have_invoice(draft.customer_id, f"Deal {DEAL}, by hand")
        await side.have_invoice(draft.customer_id, f"Deal {DEAL}.3, by hand")
        found = await side.adapter.find_invoices(DEAL)
        assert [(one.id, one.key) for one in found] == [(draft.id, key("draft-invoice")), (stranger, "")]
        await side.void(stranger)
        await side.adapter.delete_draft(draft)
        assert await side.adapter.find_invoices(DEAL) == []

    async def test_a_draft_whose_answer_was_lost_is_found(self, side: AccountingSide) -> None:
        made = await self.customer(side)
        await side.lose_reply("draft_invoice")
        with pytest.raises(Outage):
            await side.adapter.draft_invoice(key("draft-invoice"), request(made.id))
        again = await side.adapter.draft_invoice(key("draft-invoice"), request(made.id))
        assert await side.adapter.find_invoices(DEAL) == [again]

    async def test_a_draft_is_given_other_content(self, side: AccountingSide) -> None:
        draft = await self.draft(side)
        other = line("Robot leg", "1", "70", "70.00", "14.00")
        for lines, total in ((LINES, draft.total), ((other,), money("84.00")), (LINES, draft.total)):
            changed = await side.adapter.update_draft(draft, request(draft.customer_id, *lines))
            assert (changed.id, changed.key, changed.total) == (draft.id, draft.key, total)
            assert (await side.adapter.read_invoice(draft.id)).total == total

    async def test_an_invoice_is_posted_and_sent(self, side: AccountingSide) -> None:
        draft = await self.draft(side)
        wanted = PostRequest(invoice_id=draft.id, issued=LATER, due=date(2026, 12, 20))
        posted = await side.adapter.post_invoice(key("post-invoice"), wanted)
        assert (posted.state, posted.issued, posted.due) == (InvoiceState.POSTED, LATER, date(2026, 12, 20))
        assert posted.number
        assert posted.link
        assert posted.key == key("draft-invoice")
        await side.adapter.send_invoice(key("send-invoice"), SendRequest(invoice_id=draft.id))
        assert (await side.adapter.read_invoice(draft.id)).sent
        assert [one for one in await side.effects(DEAL) if "customer" not in one[0]] == [
            ("draft-invoice", key("draft-invoice")),
            ("post-invoice", key("post-invoice")),
            ("send-invoice", key("send-invoice")),
        ]

    async def test_a_repeated_mail_goes_out_once(self, side: AccountingSide) -> None:
        posted = await self.posted(side)
        await side.lose_reply("send_invoice")
        wanted = SendRequest(invoice_id=posted.id)
        with pytest.raises(Outage):
            await side.adapter.send_invoice(key("send-invoice"), wanted)
        await side.adapter.send_invoice(key("send-invoice"), wanted)
        assert [one for one, _ in await side.effects(DEAL)].count("send-invoice") == 1

    async def test_no_address_to_send_to(self, side: AccountingSide) -> None:
        nobody = CUSTOMER.model_copy(update={"email": ""})
        made = await self.customer(side, nobody)
        draft = await side.adapter.draft_invoice(key("draft-invoice"), request(made.id))
        await side.adapter.post_invoice(key("post-invoice"), PostRequest(invoice_id=draft.id, issued=ISSUED, due=DUE))
        with pytest.raises(Refusal) as caught:
            await side.adapter.send_invoice(key("send-invoice"), SendRequest(invoice_id=draft.id))
        assert caught.value.failure.code == "no-address"
        assert [problem.field for problem in caught.value.failure.problems] == ["customer.email"]

    async def test_a_closed_period(self, side: AccountingSide) -> None:
        draft = await self.draft(side)
        await side.lock(ISSUED)
        with pytest.raises(Refusal) as caught:
            await side.adapter.post_invoice(
                key("post-invoice"), PostRequest(invoice_id=draft.id, issued=ISSUED, due=DUE)
            )
        assert caught.value.failure.code == "closed-period"
        assert [problem.field for problem in caught.value.failure.problems] == ["issued"]
        later = PostRequest(invoice_id=draft.id, issued=LATER, due=DUE)
        assert (await side.adapter.post_invoice(key("post-invoice"), later)).issued == LATER

    async def test_an_unpaid_invoice_is_voided(self, side: AccountingSide) -> None:
        posted = await self.posted(side)
        await side.adapter.void_invoice(f"{key('post-invoice')}/void", posted.id)
        assert (await side.adapter.read_invoice(posted.id)).state is InvoiceState.VOIDED
        assert await side.adapter.find_invoices(DEAL) == []
        assert (await side.effects(DEAL))[-1] == ("void-invoice", f"{key('post-invoice')}/void")

    async def test_what_cannot_be_voided(self, side: AccountingSide) -> None:
        posted = await self.posted(side)
        await side.lock(ISSUED)
        with pytest.raises(Refusal) as caught:
            await side.adapter.void_invoice(f"{key('post-invoice')}/void", posted.id)
        assert caught.value.failure.code == "closed-period"
        await side.lock(None)
        await side.pay(posted.id, Decimal(1))
        with pytest.raises(Refusal) as caught:
            await side.adapter.void_invoice(f"{key('post-invoice')}/void", posted.id)
        assert caught.value.failure.code == "has-payments"

    async def test_payments_are_seen(self, side: AccountingSide) -> None:
        posted = await self.posted(side)
        await side.pay(posted.id, Decimal("81.41"))
        part = await side.adapter.read_invoice(posted.id)
        assert (part.state, part.paid, part.amount_due) == (InvoiceState.POSTED, money("81.41"), money("2200.00"))
        await side.promise(posted.id, LATER)
        await side.pay(posted.id)
        whole = await side.adapter.read_invoice(posted.id)
        assert (whole.state, whole.paid, whole.amount_due) == (InvoiceState.PAID, whole.total, money("0"))
        assert whole.promised_for == LATER

    async def test_an_invoice_that_is_not_there(self, side: AccountingSide) -> None:
        with pytest.raises(Refusal) as caught:
            await side.adapter.read_invoice("00000000-0000-0000-0000-000000000000")
        assert caught.value.failure.code == "not-found"

    async def test_people_void_it(self, side: AccountingSide) -> None:
        posted = await self.posted(side)
        await side.void(posted.id)
        assert (await side.adapter.read_invoice(posted.id)).state is InvoiceState.VOIDED

    # ---- credit notes ---------------------------------------------------------------------------------------------

    async def test_an_invoice_is_credited_in_full(self, side: AccountingSide) -> None:
        posted = await self.posted(side)
        await side.pay(posted.id, Decimal("81.41"))
        asked = CreditRequest(invoice_id=posted.id, issued=LATER, reason="deal reopened")
        assert await side.adapter.find_credits(posted.id, DEAL) == []
        credit = await side.adapter.credit_invoice(key("post-invoice"), asked)
        assert (credit.total, credit.left, credit.invoice_id) == (posted.total, posted.total, "")
        assert credit.key == key("post-invoice")
        assert await side.adapter.find_credits(posted.id, DEAL) == [credit]
        assert await side.adapter.find_credits(posted.id, f"{DEAL}.2") == []
        invoice = await side.adapter.read_invoice(posted.id)
        set_against = await side.adapter.allocate_credit(f"{key('post-invoice')}/allocate", credit, invoice)
        assert (set_against.left, set_against.invoice_id) == (money("81.41"), posted.id)
        settled = await side.adapter.read_invoice(posted.id)
        assert (settled.credited, settled.amount_due) == (money("2200.00"), money("0"))
        assert [one for one, _ in await side.effects(DEAL)][-2:] == ["credit-invoice", "allocate-credit"]

    async def test_a_credit_whose_answer_was_lost_is_found(self, side: AccountingSide) -> None:
        posted = await self.posted(side)
        asked = CreditRequest(invoice_id=posted.id, issued=LATER)
        await side.lose_reply("credit_invoice")
        with pytest.raises(Outage):
            await side.adapter.credit_invoice(key("post-invoice"), asked)
        (found,) = await side.adapter.find_credits(posted.id, DEAL)
        await side.lose_reply("allocate_credit")
        with pytest.raises(Outage):
            await side.adapter.allocate_credit(f"{key('post-invoice')}/allocate", found, posted)
        (found,) = await side.adapter.find_credits(posted.id, DEAL)
        assert (found.left, found.invoice_id) == (money("0"), posted.id)
        again = await side.adapter.allocate_credit(f"{key('post-invoice')}/allocate", found, posted)
        assert again == found

    # ---- tracing --------------------------------------------------------------------------------------------------

    async def test_what_is_held_is_listed(self, side: AccountingSide) -> None:
        posted = await self.posted(side)
        asked = CreditRequest(invoice_id=posted.id, issued=LATER)
        credit = await side.adapter.credit_invoice(key("post-invoice"), asked)
        invoice, note = await side.adapter.holdings(DEAL)
        assert (invoice.kind, invoice.id, invoice.state) == ("invoice", posted.number, "posted")
        assert (invoice.key, invoice.amount) == (key("draft-invoice"), "2281.41 GBP")
        assert (note.kind, note.id, note.key) == ("credit note", credit.number, credit.key)
        (customer,) = await side.adapter.holdings(CUSTOMER.reference)
        assert (customer.kind, customer.id, customer.state) == ("customer", posted.customer_id, "active")

    async def test_references_by_any_id(self, side: AccountingSide) -> None:
        posted = await self.posted(side)
        for identity in (posted.id, posted.number):
            assert await side.adapter.references(identity) == [DEAL]
        for identity in (posted.customer_id, CUSTOMER.reference):
            assert await side.adapter.references(identity) == [CUSTOMER.reference]
        for identity in ("unknown", "../Organisation", "?"):
            assert await side.adapter.references(identity) == []
