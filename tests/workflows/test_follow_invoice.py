"""An invoice is followed until it is paid: reminders, what stops them, and what finance decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from seamline.errors import Problem, Refusal
from seamline.process.view import Status, View
from seamline.records.billing import Billing, Duty
from seamline.records.deal import InvoiceNote, NoteStatus
from seamline.records.invoice import Invoice
from seamline.records.policy import Policy
from seamline.records.reminder import NEVER, ReminderMail, moment_of
from tests.process.theatre import QUICK, ROUNDS_MAX, Handle, events
from tests.workflows.office import Office
from tests.workflows.sales import DEAL_ID, money, won_deal
from tests.workflows.test_systems import invoice_request

PROCESS = "follow-invoice"
DAY_SECONDS = 0.02
FAR = 300
"""Days that no test lives to see."""


def ruled(**billing: Any) -> Policy:
    """A policy under which a day lasts a moment, and whoever is not told otherwise is neither reminded nor asked."""
    rules: dict[str, Any] = {
        "settle_seconds": 0.01,
        "day_seconds": DAY_SECONDS,
        "payment_poll_seconds": 0.05,
        "payment_poll_max_seconds": 0.05,
        "remind_days": (FAR,),
        "unpaid_days": FAR,
        **billing,
    }
    return QUICK.model_copy(update={"billing": Billing.model_validate(rules)})


class Case:
    """One invoice of 120.00 GBP that is followed."""

    def __init__(self, office: Office, invoice: Invoice, note_key: str) -> None:
        self.office = office
        self.books = office.books
        self.invoice = invoice
        self.note_key = note_key
        self.handle: Handle

    async def begin(self, **billing: Any) -> Handle:
        """Have it followed."""
        self.handle = await self.office.begin(
            PROCESS,
            f"{self.office.accounting}:{self.invoice.id}",
            policy=ruled(**billing),
            deal_reference=self.office.reference(),
            note_key=self.note_key,
        )
        return self.handle

    async def result(self) -> dict[str, Any]:
        """How it ended."""
        outcome: dict[str, Any] = await self.handle.result()
        assert outcome["kind"] == "completed"
        return outcome

    async def asked(self, wait: str) -> View:
        """The view once finance is asked."""
        view = await self.office.until(self.handle, lambda view: wait in [one.name for one in view.waits])
        assert view.waits[0].team == "finance"
        return view

    async def answer(self, wait: str, action: str) -> None:
        """Finance's answer."""
        await self.office.decide(self.handle, wait=wait, action=action, who="fin", why="so it is")

    @property
    def mails(self) -> dict[str, ReminderMail]:
        """The reminders, by the last part of their key."""
        found = self.office.letterbox.mails.items()
        return {key.partition("/")[2]: mail for key, mail in found if isinstance(mail, ReminderMail)}

    @property
    def note(self) -> str:
        """What sales are told."""
        ((_, status),) = self.office.sales.notes()
        return status


async def seen(what: Callable[[], object]) -> None:
    """Until it is so."""
    for _ in range(ROUNDS_MAX):
        if what():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("never seen")


async def case(office: Office, *, due_in: int = 2, **deal: Any) -> Case:
    """An invoice that was sent, which sales know of. It is due so many days after the server's today."""
    today = (await office.env.get_current_time()).astimezone(UTC).date()
    customer = office.books.have_customer(name="Acme", email="bills@acme.example")
    dates = {"issued": today - timedelta(days=60), "due": today + timedelta(days=due_in)}
    request = invoice_request(customer.id, office.reference()).model_copy(update=dates)
    invoice = office.books.have_invoice(f"{office.reference()}/draft-invoice#1", request)
    note_key = f"{office.reference()}/write-invoice#1"
    note = InvoiceNote(key=note_key, number=invoice.number, amount=invoice.total, status=NoteStatus.POSTED)
    office.sales.put(won_deal(office.crm, invoices=(note,), **deal))
    return Case(office, invoice, note_key)


# ---- paid ------------------------------------------------------------------------------------------------------------


async def test_a_paid_invoice_ends_it_and_sales_are_told(office: Office) -> None:
    one = await case(office)
    await one.begin()
    await seen(lambda: "read_invoice" in one.books.calls)
    one.books.pay(one.invoice.id, money(120))
    outcome = await one.result()
    assert (outcome["result"]["state"], outcome["result"]["ended"], outcome["manual"]) == ("paid", "paid", [])
    assert one.note == "paid"
    assert one.mails == {}


async def test_a_payment_that_is_told_is_seen_at_once(office: Office) -> None:
    """Without the event it would be looked for in an hour."""
    one = await case(office)
    handle = await one.begin(payment_poll_seconds=3600, payment_poll_max_seconds=3600, day_seconds=86_400)
    await seen(lambda: one.books.calls.count("read_invoice") >= 2)
    one.books.pay(one.invoice.id, money(120))
    await office.happens(handle, "invoice-changed", "d1")
    assert (await one.result())["result"]["ended"] == "paid"


async def test_waiting_costs_no_history(office: Office) -> None:
    one = await case(office)
    handle = await one.begin()
    await seen(lambda: one.books.calls.count("read_invoice") >= 40)
    assert len(await events(handle)) < 20
    assert (await office.view(handle)).status is Status.RUNNING


async def test_a_lost_answer_of_the_crm_writes_nothing_else(office: Office) -> None:
    one = await case(office)
    office.sales.lose("write_note")
    one.books.pay(one.invoice.id, money(120))
    await one.begin()
    await one.result()
    assert one.note == "paid"
    assert office.sales.keys_of("write-invoice") == [one.note_key]


async def test_a_note_that_is_gone_waits_for_sales(office: Office) -> None:
    one = await case(office)
    kept = office.sales.deals[DEAL_ID].invoices
    office.sales.change(DEAL_ID, invoices=())
    one.books.pay(one.invoice.id, money(120))
    handle = await one.begin()
    view = await office.waiting(handle)
    (wait,) = view.waits
    assert (wait.team, wait.name, wait.problems[0].field) == ("sales-ops", "mark-paid#1", "note_key")
    office.sales.change(DEAL_ID, invoices=kept)
    await office.decide(handle, wait="mark-paid#1", action="retry", who="sam")
    await one.result()
    assert one.note == "paid"


# ---- reminders -------------------------------------------------------------------------------------------------------


async def test_it_is_reminded_before_and_after_the_due_date_once_each(office: Office) -> None:
    one = await case(office, due_in=250)
    office.letterbox.lose("send_reminder")
    await one.begin(remind_days=(1, -249))
    await seen(lambda: len(one.mails) == 2)
    one.books.pay(one.invoice.id, money(120))
    outcome = await one.result()
    assert list(one.mails) == ["send-reminder#1", "send-reminder#2"]
    assert [mail.overdue for mail in one.mails.values()] == [False, True]
    first = one.mails["send-reminder#1"]
    assert (first.to, first.number, first.amount_due) == ("bills@acme.example", one.invoice.number, money(120))
    assert outcome["result"]["reminders"] == 2


async def test_what_was_due_before_it_began_is_not_sent(office: Office) -> None:
    one = await case(office, due_in=-20)
    await one.begin(remind_days=(1, 7), unpaid_days=30)
    view = await one.asked("unpaid#1")
    assert "reminders sent: 0" in view.waits[0].reason
    assert one.mails == {}


@pytest.mark.parametrize("duty", [Duty.ACCOUNTING, Duty.NOBODY])
async def test_who_else_reminds_is_left_to_it(office: Office, duty: Duty) -> None:
    one = await case(office)
    await one.begin(reminds=duty, remind_days=(1,), unpaid_days=2)
    await one.asked("unpaid#1")
    assert one.mails == {}


async def test_a_dispute_stops_reminders_until_it_is_over(office: Office) -> None:
    one = await case(office)
    office.sales.set_status(DEAL_ID, NoteStatus.DISPUTED)
    first, second = asyncio.Event(), asyncio.Event()
    office.sales.gates["fetch_deal"] = first
    handle = await one.begin(remind_days=(1, 2))
    await seen(lambda: office.sales.calls == ["fetch_deal"])
    office.sales.gates["fetch_deal"] = second
    first.set()
    await seen(lambda: office.sales.calls == ["fetch_deal"] * 2)
    assert "reminder 1 was not sent: the invoice is disputed in the CRM" in (await office.view(handle)).notes
    office.sales.set_status(DEAL_ID, NoteStatus.POSTED)
    second.set()
    await seen(lambda: one.mails)
    assert list(one.mails) == ["send-reminder#2"]


async def test_a_promise_puts_reminders_off(office: Office) -> None:
    one = await case(office)
    promised = one.invoice.due + timedelta(days=20)
    one.books.change(one.invoice.id, promised_for=promised)
    handle = await one.begin(remind_days=(1,))
    await seen(lambda: one.mails)
    steps = (await office.view(handle)).steps
    began = steps[0].started
    reminded = next(step.started for step in steps if step.name == "send-reminder")
    assert began is not None
    assert reminded is not None
    assert reminded >= moment_of(promised, 1, ruled(), began)


async def test_without_an_address_nobody_is_reminded(office: Office) -> None:
    one = await case(office, contact=None)
    handle = await one.begin(remind_days=(1,))
    await office.until(handle, lambda view: view.notes)
    (note,) = (await office.view(handle)).notes
    assert note == "reminder 1 was not sent: the billing contact has no mail address in the CRM"
    assert one.mails == {}


async def test_a_refused_address_is_amended(office: Office) -> None:
    one = await case(office)
    office.letterbox.fail(
        "send_reminder", Refusal("bad-recipient", problems=[Problem(field="to", reason="is unknown")])
    )
    handle = await one.begin(remind_days=(1,))
    await one.asked("send-reminder#1")
    change = {"to": "new@acme.example"}
    await office.decide(handle, wait="send-reminder#1", action="amend", who="fin", change=change)
    await seen(lambda: one.mails)
    assert one.mails["send-reminder#1"].to == "new@acme.example"


# ---- what finance decides --------------------------------------------------------------------------------------------


async def test_a_part_before_the_due_date_is_asked_of_nobody(office: Office) -> None:
    one = await case(office, due_in=3000)
    handle = await one.begin()
    await office.until(handle, lambda view: [step.name for step in view.steps].count("moved") == 1)
    one.books.pay(one.invoice.id, money(70))
    await office.until(handle, lambda view: [step.name for step in view.steps].count("moved") == 2)
    one.books.pay(one.invoice.id, money(50))
    outcome = await one.result()
    assert outcome["result"]["paid"] == "120.00 GBP"
    assert (await office.view(handle)).decisions == ()


async def test_a_short_payment_that_finance_takes_is_paid(office: Office) -> None:
    one = await case(office)
    one.books.pay(one.invoice.id, money(70))
    await one.begin()
    view = await one.asked("short-payment#1")
    assert "70.00 GBP was paid, 50.00 GBP is open" in view.waits[0].reason
    await one.answer("short-payment#1", "approve")
    outcome = await one.result()
    assert outcome["result"]["ended"] == "paid short, approved by fin: so it is"
    assert outcome["manual"] == [f"write the open 50.00 GBP of {one.invoice.number} off in accounting"]
    assert one.note == "paid"


async def test_the_rest_of_a_short_payment_that_finance_refuses_is_asked_for(office: Office) -> None:
    one = await case(office)
    one.books.pay(one.invoice.id, money(70))
    await one.begin(remind_days=(2,))
    await one.asked("short-payment#1")
    assert one.mails == {}
    await one.answer("short-payment#1", "reject")
    await seen(lambda: one.mails)
    assert one.mails["send-reminder#1"].amount_due == money(50)
    one.books.pay(one.invoice.id, money(50))
    outcome = await one.result()
    assert (outcome["result"]["ended"], outcome["manual"]) == ("paid", [])


async def test_the_rest_that_comes_while_finance_thinks_is_not_written_off(office: Office) -> None:
    one = await case(office)
    one.books.pay(one.invoice.id, money(70))
    await one.begin()
    await one.asked("short-payment#1")
    one.books.pay(one.invoice.id, money(50))
    await one.answer("short-payment#1", "approve")
    outcome = await one.result()
    assert (outcome["result"]["ended"], outcome["manual"]) == ("paid", [])


async def test_another_part_that_comes_while_finance_thinks_is_judged_anew(office: Office) -> None:
    one = await case(office)
    one.books.pay(one.invoice.id, money(70))
    await one.begin()
    await one.asked("short-payment#1")
    one.books.pay(one.invoice.id, money(20))
    await one.answer("short-payment#1", "approve")
    view = await one.asked("short-payment#2")
    assert "30.00 GBP is open" in view.waits[0].reason


async def test_a_small_difference_counts_as_paid(office: Office) -> None:
    one = await case(office)
    one.books.pay(one.invoice.id, money("119.50"))
    await one.begin(small_difference={"GBP": Decimal("0.50")})
    outcome = await one.result()
    assert outcome["manual"] == [f"write the open 0.50 GBP of {one.invoice.number} off in accounting"]
    assert one.note == "paid"


@pytest.mark.parametrize(("action", "left"), [("approve", 0), ("reject", 1)])
async def test_an_overpayment_is_for_finance(office: Office, action: str, left: int) -> None:
    one = await case(office)
    one.books.pay(one.invoice.id, money(150))
    await one.begin()
    view = await one.asked("overpayment#1")
    assert "30.00 GBP too much" in view.waits[0].reason
    await one.answer("overpayment#1", action)
    outcome = await one.result()
    assert outcome["manual"] == [f"pay 30.00 GBP of {one.invoice.number} back to the customer"][:left]
    assert one.note == "paid"


async def test_an_invoice_that_nobody_pays_is_asked_about_until_finance_gives_it_up(office: Office) -> None:
    one = await case(office)
    await one.begin(unpaid_days=1)
    await one.asked("unpaid#1")
    await one.answer("unpaid#1", "approve")
    await one.asked("unpaid#2")
    await one.answer("unpaid#2", "reject")
    outcome = await one.result()
    assert (outcome["result"]["state"], outcome["result"]["ended"]) == ("posted", "unpaid, rejected by fin: so it is")
    assert "collect it, or write it off" in outcome["manual"][0]
    assert one.note == "posted"


async def test_a_payment_while_finance_thinks_wins(office: Office) -> None:
    one = await case(office)
    await one.begin(unpaid_days=1)
    await one.asked("unpaid#1")
    one.books.pay(one.invoice.id, money(120))
    await one.answer("unpaid#1", "reject")
    outcome = await one.result()
    assert (outcome["result"]["ended"], outcome["manual"], one.note) == ("paid", [], "paid")


# ---- what people did -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["void", "credit"])
async def test_an_invoice_that_people_take_back_ends_it_and_sales_are_told(office: Office, how: str) -> None:
    one = await case(office)
    handle = await one.begin()
    if how == "void":
        one.books.void_by_hand(one.invoice.id)
    else:
        one.books.credit_by_hand(one.invoice.id, money(120))
    outcome = await one.result()
    assert outcome["result"]["ended"] == "taken back"
    assert one.note == "reversed"
    assert any("nothing is owed for it" in note for note in (await office.view(handle)).notes)


async def test_a_part_that_people_write_off_is_told(office: Office) -> None:
    one = await case(office)
    one.books.pay(one.invoice.id, money(100))
    one.books.credit_by_hand(one.invoice.id, money(20))
    handle = await one.begin()
    assert (await one.result())["result"]["ended"] == "paid"
    assert any("20.00 GBP of" in note for note in (await office.view(handle)).notes)


async def test_following_can_be_cancelled(office: Office) -> None:
    one = await case(office)
    handle = await one.begin(remind_days=(-1, FAR))
    await seen(lambda: one.mails)
    await handle.cancel()
    view = await office.until(handle, lambda view: view.outcome is not None)
    assert view.outcome is not None
    assert (view.outcome.kind.value, view.outcome.manual) == ("undone", ())


# ---- the clock -------------------------------------------------------------------------------------------------------


def test_a_reminder_leaves_at_nine_by_the_clock_of_the_business() -> None:
    began = datetime(2026, 3, 20, 17, 0, tzinfo=UTC)
    policy = Policy(time_zone="Europe/Berlin")
    assert moment_of(date(2026, 3, 27), 1, policy, began) == datetime(2026, 3, 28, 8, 0, tzinfo=UTC)
    assert moment_of(date(2026, 3, 27), 3, policy, began) == datetime(2026, 3, 30, 7, 0, tzinfo=UTC)


def test_a_shorter_day_shortens_all_that_is_to_come() -> None:
    began = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)
    policy = Policy(time_zone="UTC", billing=Billing(day_seconds=10))
    assert moment_of(date(2026, 3, 27), 1, policy, began) == began + timedelta(seconds=80)


def test_a_day_beyond_all_calendars_never_comes() -> None:
    assert moment_of(date.max, 14, Policy(), datetime(2026, 1, 1, tzinfo=UTC)) == NEVER
