"""Observe-only over all operations: nothing that an effect, or its undo, would write reaches a system.

Each is tried first where its connection only observes, and where its process does: nothing may have changed, and no
write may have reached the simulator's door. Then it is done, so that what was held back is known to be real.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import accounting, carrier, crm, inventory, mail, marketing, shop, shop_remedies, shop_returns, staff
from seamline.errors import Failure, Kind
from seamline.http import Exchange, HttpFactory
from seamline.process.effect import Call, Effect, Irreversible
from seamline.records.audience import MailStop, PutBack, StageRequest
from seamline.records.base import Record
from seamline.records.customer import CustomerRequest, LinkRequest
from seamline.records.deal import NoteKey
from seamline.records.invoice import CreditRequest, Invoice, PostRequest, SendRequest
from seamline.records.level import LevelChange, LevelsRequest, SetLevels
from seamline.records.parcel import LabelRequest, ParcelRequest
from seamline.records.reference import effect_key
from seamline.records.remedy import Goods, GoodsLine, GoodsRefundRequest, RetrackRequest
from seamline.records.reminder import ReminderMail
from seamline.records.returning import DeclineRequest, ReturnMail, ReturnRequest
from seamline.records.risk import CancelRequest, HoldRequest
from seamline.records.shipping import ShippedMail
from seamline.records.shortage import CancelGoodsRequest, NoteRequest, missing_lines, split_request
from seamline.settings import Connection, Settings
from seamline.simulator.server import running
from tests.end_to_end.deals import DealNames, deal_settings
from tests.end_to_end.world import Names, settings_for
from tests.process.test_declarations import operations
from tests.systems.accounting_suite import CUSTOMER, DEAL, DUE, ISSUED, LATER, request
from tests.systems.carrier_suite import parcel_request
from tests.systems.conftest import is_read
from tests.systems.crm_suite import ASKED, POSTED
from tests.systems.inventory_suite import BACK, ReceiptConformance, stock_request
from tests.systems.shop_stock_suite import LINES, ONE_SHORT
from tests.systems.shop_suite import fulfilment
from tests.systems.staff_suite import notice
from tests.systems.vendors import Simulated
from worker.connections import ServedConnection, serve_connections

REFERENCE = "shop-uk:5001"
CHANNEL = "slack-main"
READS_ALONE = {"accounting.was_sent"}
"""The undo that only says whether it is too late."""
TRY_SECONDS_MAX = 30

Activities = Mapping[str, Callable[..., Awaitable[Any]]]


class Trial:
    """The systems, as they are served where they are written to, and where they are only observed."""

    def __init__(self, vendors: Simulated, open_: Activities, observed: Activities, sent: list[Exchange]) -> None:
        self.vendors = vendors
        self.open = open_
        self.observed = observed
        self.sent = sent
        self.tried: set[str] = set()

    async def does(self, effect: Effect[Any, Any], reference: str, asked: Record, number: int = 1) -> Any:
        """An effect, held back and then done: what was made."""
        return await self._tried(effect.name, called(effect, reference, asked, number))

    async def takes_back(self, effect: Effect[Any, Any], reference: str, asked: Record, number: int = 1) -> Any:
        """Its undo, held back and then done."""
        assert not isinstance(effect.undo, Irreversible)
        return await self._tried(name_of(effect.undo), called(effect, reference, asked, number))

    async def looks(self, name: str, reference: str, asked: Record) -> Any:
        """A read."""
        return await run(self.open[name], Call[Any](reference=reference, request=asked))

    async def _tried(self, name: str, call: Call[Any]) -> Any:
        self.tried.add(name)
        await self._held_back(self.observed[name], call)
        await self._held_back(self.open[name], call.model_copy(update={"observe_only": True}))
        before, known = await self._everything(), len(self.sent)
        made = await run(self.open[name], call)
        left = self._written(known) or await self._everything() != before
        assert bool(left) != (name in READS_ALONE), f"{name}: {left}"
        return made

    def _written(self, known: int) -> Sequence[str]:
        """The writes sent since."""
        return [one.request.url.path for one in self.sent[known:] if not is_read(one)]

    async def _held_back(self, tried: Callable[..., Awaitable[Any]], call: Call[Any]) -> None:
        before, known = await self._everything(), len(self.sent)
        if name_of(tried) in READS_ALONE:
            await run(tried, call)
        else:
            with pytest.raises(ApplicationError) as caught:
                await run(tried, call)
            failure: Failure = caught.value.details[0]
            assert (failure.kind, failure.code) == (Kind.OBSERVED, "observe-only"), failure
        assert await self._everything() == before
        assert self._written(known) == []

    async def _everything(self) -> Sequence[Any]:
        """What was done anywhere, and each mail or message that arrived."""
        return [await self.vendors.ledger(), await self.vendors.mails(), await self.vendors.messages(CHANNEL)]


def name_of(method: Any) -> str:
    """The activity's name."""
    return str(activity._Definition.must_from_callable(method).name)


def called(effect: Effect[Any, Any], reference: str, asked: Record, number: int) -> Call[Any]:
    """What the engine sends for an effect."""
    return Call[Any](reference=reference, key=effect_key(reference, effect.purpose, number), request=asked)


async def run(method: Callable[..., Awaitable[Any]], call: Call[Any]) -> Any:
    """One try, as Temporal makes it."""
    env = ActivityEnvironment()
    limit = timedelta(seconds=TRY_SECONDS_MAX)
    env.info = dataclasses.replace(env.info, start_to_close_timeout=limit, schedule_to_close_timeout=limit)
    return await env.run(method, call)


def activities_of(served: Sequence[ServedConnection]) -> Activities:
    """The activities by name; of two connections in one role the first's."""
    found: dict[str, Callable[..., Awaitable[Any]]] = {}
    for method in (method for one in served for method in one.activities):
        found.setdefault(name_of(method), method)
    return found


@pytest.fixture
async def trial(exchanges: list[Exchange], tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Trial]:
    """All systems, served twice."""
    async with running(tmp_path / "world.db") as simulator, Simulated.of(simulator) as vendors:
        orders = settings_for(simulator, Names(shop="shop-uk"), payment_mode="ours").connections
        deals = deal_settings(simulator, DealNames()).connections
        url = f"{simulator.url}/slack/{CHANNEL}/services/T0SIMULATED/B0SIMULATED/slack-test-{CHANNEL}"
        slack = Connection(system="slack", account={"url": url, "messages_per_second_max": 100})
        of_role = {"slack": {CHANNEL: slack}}.get(getattr(request, "param", ""), {})
        settings = Settings(connections={**of_role, **orders, **deals})
        open_ = serve_connections(settings, HttpFactory(observe=exchanges.append))
        on_trial = settings.model_copy(update={"observe_only": True})
        observed = serve_connections(on_trial, HttpFactory(observe=exchanges.append))
        limits = {"a_minute": 100_000, "at_once": 100, "a_day": 100_000}
        await vendors.books("xero-main", "PUT", "limits", **limits)
        yield Trial(vendors, activities_of(open_), activities_of(observed), exchanges)
        for one in (*open_, *observed):
            await one.close()


def pounds(amount: str) -> Any:
    """An amount."""
    return {"amount": Decimal(amount), "currency": "GBP"}


# ---- what is done in each role -------------------------------------------------------------------------------------


async def in_the_shop(trial: Trial) -> None:
    """Risk and money; goods that are short; a fulfilment and a return of it; stock."""
    await _risk_and_money(trial)
    reference = await trial.vendors.order("shop-uk", lines=LINES)
    order = await trial.looks("shop.fetch_order", reference, shop.OrderRequest())
    await trial.does(shop.split, reference, split_request(order, order.open_fulfilment_orders[0], ONE_SHORT))
    await trial.does(shop.add_note, reference, NoteRequest(text="TEE-L is sent in place of TEE-M"))
    order = await trial.looks("shop.fetch_order", reference, shop.OrderRequest())
    told = fulfilment(order)
    await trial.does(shop.post_fulfilment, reference, told)
    await trial.does(shop_remedies.retrack, reference, RetrackRequest(
        reference=reference, fulfilment_order_id=told.fulfilment_order_id, lost_number="TRACK-1", tracking_number="T2"
    ))  # fmt: skip
    await _returned(trial, reference, told.lines[0].order_line_id)
    other = await trial.vendors.order("shop-uk", lines=LINES)
    part = (await trial.looks("shop.fetch_order", other, shop.OrderRequest())).open_fulfilment_orders[0]
    off = CancelGoodsRequest(fulfilment_order_id=part.id, lines=missing_lines(part, ONE_SHORT))
    await trial.does(shop.cancel_goods, other, off)
    levels = (await trial.looks("shop.levels", "shop-uk:stock", LevelsRequest())).levels
    change = LevelChange(level=levels[0], on_hand=levels[0].on_hand + 1)
    await trial.does(shop.set_levels, "shop-uk:stock", SetLevels(look="1", changes=(change,)))
    # The shop does this one in its own time, so nothing else is looked at after it.
    await trial.does(shop.cancel_order, await trial.vendors.order("shop-uk"), CancelRequest(note="rejected"))


async def _risk_and_money(trial: Trial) -> None:
    reference = await trial.vendors.order("shop-uk", financial_status="AUTHORIZED")
    order = await trial.looks("shop.fetch_order", reference, shop.OrderRequest())
    hold = HoldRequest(fulfilment_order_id=order.open_fulfilment_orders[0].id, reason="waits for a decision")
    await trial.does(shop.hold, reference, hold)
    await trial.does(shop.release_hold, reference, hold)
    await trial.does(shop.capture, reference, order.capture_due)
    await trial.takes_back(shop.capture, reference, order.capture_due)


async def _returned(trial: Trial, reference: str, line_id: str) -> None:
    back = await trial.vendors.send_back(reference, quantities={"MUG-BLUE": 1}, requested=True)
    await trial.does(shop_returns.approve_return, back, ReturnRequest())
    goods = Goods(lines=(GoodsLine(order_line_id=line_id, quantity=1),))
    await trial.does(shop_remedies.refund_goods, reference, GoodsRefundRequest(goods=goods, amount=pounds("14.50")))
    await trial.does(shop_returns.close_return, back, ReturnRequest())
    declined = await trial.vendors.send_back(reference, quantities={"TEE-M": 1}, requested=True)
    await trial.does(shop_returns.decline_return, declined, DeclineRequest(note="too late"))


async def in_the_warehouse(trial: Trial) -> None:
    """Stock held and let go; goods taken back."""
    await trial.does(inventory.reserve, REFERENCE, stock_request())
    await trial.does(inventory.receive, BACK, ReceiptConformance().request())
    await trial.takes_back(inventory.reserve, REFERENCE, stock_request())


async def at_the_carrier(trial: Trial) -> None:
    """A label."""
    parcel: ParcelRequest = parcel_request()
    quote = await trial.looks("carrier.quote", REFERENCE, parcel)
    label = LabelRequest(parcel=parcel, rate=quote.rates[0])
    await trial.does(carrier.buy_label, REFERENCE, label)
    await trial.takes_back(carrier.buy_label, REFERENCE, label)


async def by_mail(trial: Trial) -> None:
    """Each kind of mail."""
    whom = {"reference": REFERENCE, "to": "jo.fielding@example.com", "number": "#5001"}
    await trial.does(mail.send_shipped, REFERENCE, ShippedMail.model_validate({**whom, "tracking_number": "T1"}))
    page = "https://carrier.example/label"
    await trial.does(mail.send_return_label, REFERENCE, ReturnMail.model_validate({**whom, "label_page": page}))
    owed = {"total": pounds("10.00"), "amount_due": pounds("10.00"), "due": DUE, "overdue": True}
    await trial.does(mail.send_reminder, REFERENCE, ReminderMail.model_validate({**whom, **owed}))


async def in_the_books(trial: Trial) -> None:
    """Customers; an invoice as far as it gets, each time another."""
    there = (await trial.vendors.books("xero-main", "POST", "contacts", name="Acme"))["id"]
    await trial.does(accounting.link_customer, DEAL, LinkRequest(candidate_id=there, number="crm-main:001Hs0000OTHER"))
    customer = CustomerRequest(customer=CUSTOMER)
    made = await trial.does(accounting.create_customer, DEAL, customer)
    asked = request(made.id)
    await trial.does(accounting.draft_invoice, DEAL, asked)
    await trial.takes_back(accounting.draft_invoice, DEAL, asked)
    draft: Invoice = await trial.does(accounting.draft_invoice, DEAL, asked, number=2)
    post = PostRequest(invoice_id=draft.id, issued=ISSUED, due=DUE)
    await trial.does(accounting.post_invoice, DEAL, post, number=2)
    await trial.takes_back(accounting.post_invoice, DEAL, post, number=2)
    draft = await trial.does(accounting.draft_invoice, DEAL, asked, number=3)
    await trial.does(accounting.post_invoice, DEAL, post.model_copy(update={"invoice_id": draft.id}), number=3)
    await trial.does(accounting.send_invoice, DEAL, SendRequest(invoice_id=draft.id), number=3)
    await trial.takes_back(accounting.send_invoice, DEAL, SendRequest(invoice_id=draft.id), number=3)
    await trial.does(accounting.reverse_invoice, DEAL, CreditRequest(invoice_id=draft.id, issued=LATER, reason="so"))
    await trial.takes_back(accounting.create_customer, DEAL, customer)


async def in_the_crm(trial: Trial) -> None:
    """What sales are told of an invoice, and asked to do."""
    reference = await trial.vendors.deal("crm-main")
    await trial.does(crm.write_invoice, reference, POSTED)
    await trial.takes_back(crm.write_invoice, reference, POSTED)
    second = POSTED.model_copy(update={"number": "INV-0002"})
    await trial.does(crm.write_invoice, reference, second, number=2)
    note = NoteKey(note_key=effect_key(reference, crm.write_invoice.purpose, 2))
    await trial.does(crm.mark_paid, reference, note)
    await trial.does(crm.mark_reversed, reference, note)
    await trial.does(crm.create_task, reference, ASKED)


async def in_marketing(trial: Trial) -> None:
    """A stage and a mail list, there and back."""
    company = {"stage": "opportunity", "domain": "acme.example"}
    companies = (str((await trial.vendors.audience("hub-main", "POST", "/companies", company))["id"]),)
    contact = {"email": "bills@acme.example", "stage": "opportunity", "consent": "given"}
    people = (str((await trial.vendors.audience("hub-main", "POST", "/contacts", contact))["id"]),)
    stage, stop = StageRequest(company_ids=companies, person_ids=people), MailStop(person_ids=people)
    await trial.does(marketing.become_customer, DEAL, stage)
    await trial.does(marketing.stop_prospect_mail, DEAL, stop)
    await trial.takes_back(marketing.stop_prospect_mail, DEAL, stop)
    await trial.takes_back(marketing.become_customer, DEAL, stage)
    await trial.does(marketing.become_customer, DEAL, stage, number=2)
    await trial.does(marketing.stop_prospect_mail, DEAL, stop, number=2)
    keys = [effect_key(DEAL, one.purpose, 2) for one in (marketing.become_customer, marketing.stop_prospect_mail)]
    asked = PutBack(company_ids=companies, person_ids=people, stage_key=keys[0], mail_key=keys[1])
    await trial.does(marketing.put_back, DEAL, asked)


async def to_staff(trial: Trial) -> None:
    """A notice."""
    await trial.does(staff.notify, REFERENCE, notice(Reader()))  # type: ignore[arg-type]


class Reader:
    """Who reads a notice."""

    to = "operations@shop.example"


STORIES: Mapping[str, Callable[[Trial], Awaitable[None]]] = {
    "shop": in_the_shop,
    "inventory": in_the_warehouse,
    "carrier": at_the_carrier,
    "mail": by_mail,
    "accounting": in_the_books,
    "crm": in_the_crm,
    "marketing": in_marketing,
    "staff": to_staff,
}


def writes() -> dict[str, set[str]]:
    """Every effect of the product and every undo, by the role that it is of."""
    effects = [one for declared in operations().values() for one in declared if isinstance(one, Effect)]
    names = {one.name for one in effects} | {name_of(one.undo) for one in effects if callable(one.undo)}
    roles = {name.partition(".")[0] for name in names}
    return {role: {name for name in names if name.startswith(f"{role}.")} for role in roles}


def test_every_role_that_writes_is_tried() -> None:
    assert set(STORIES) == set(writes())


@pytest.mark.parametrize("role", STORIES)
async def test_no_write_of_the_role_leaves(trial: Trial, role: str) -> None:
    await STORIES[role](trial)
    assert trial.tried == writes()[role]


@pytest.mark.parametrize("trial", ["slack"], indirect=True)
async def test_no_notice_leaves_for_a_chat_either(trial: Trial) -> None:
    await to_staff(trial)
    assert len(await trial.vendors.messages(CHANNEL)) == 1
