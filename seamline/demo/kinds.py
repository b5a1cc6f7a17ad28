"""The demo's stories of orders that are not like others: abroad, paid by gift card, partly digital, and not ours."""

from __future__ import annotations

import asyncio
from typing import Any

from seamline.demo.orders import ONE_EACH
from seamline.demo.stage import Stage, waits
from seamline.demo.story import Scenario, Told, kind_of

NEW_YORK = {"city": "New York", "provinceCode": "NY", "zip": "10001", "country": "United States", "countryCodeV2": "US"}
HS_CODE = "732394"
NOT_OURS: dict[str, dict[str, Any]] = {
    "pickup": {"delivery": "PICK_UP"},
    "local-delivery": {"delivery": "LOCAL"},
    "digital": {"lines": [{"sku": "E-BOOK", "requires_shipping": False}]},
    "gift-card": {"lines": [{"sku": "GIFT-CARD", "gift_card": True}]},
    "by-others": {"fulfillment_service": True},
}


async def abroad(stage: Stage) -> Told:
    """An order to another country, of an article that nobody gave a customs code."""
    reference = await stage.order(address=NEW_YORK, lines=[{"hs_code": ""}])
    handle = stage.handle("order-to-shipment", reference)
    view = await stage.until(handle, waits, "waiting")
    (wait,) = view.waits
    named = [problem.field for problem in wait.problems]
    before = await stage.live(reference)
    stage.say(f"[yellow]waits for {wait.team}[/] before anything is reserved: {', '.join(named)}")
    await stage.command("amend", handle.id, wait.name, f"{named[0]}={HS_CODE}", "--why", "looked up")
    ended = await stage.ended(reference)
    await stage.delivered(reference)
    ok = named == ["lines.0.hs_code"] and not before and await stage.live(reference) == ONE_EACH
    return Told(ok, f"waited for {named[0]}, then {kind_of(ended)} with its declaration", [reference])


async def gift_card(stage: Stage) -> Told:
    """A gift card paid a part, the rest is authorised; taxes are in the prices, and the customer pays in euro."""
    wanted = {"gift_card_payment": "10.00", "presentment_currency": "EUR", "presentment_rate": "1.17"}
    reference = await stage.order(financial_status="AUTHORIZED", **wanted)
    view = await stage.ended(reference)
    await stage.delivered(reference)
    taken = [one for one in await stage.effects(reference) if one["operation"] == "capture"]
    amounts = [f"{float(one['amount']):.2f} {one['currency']}" for one in taken]
    ok = amounts == ["9.45 GBP"] and kind_of(view) == "completed"
    return Told(ok, f"{kind_of(view)}, captured {', '.join(amounts) or 'nothing'} of 19.45 GBP", [reference])


async def partly_digital(stage: Stage) -> Told:
    """A mug, an e-book and a gift card."""
    lines = [{}, {"sku": "E-BOOK", "requires_shipping": False}, {"sku": "GIFT-CARD", "gift_card": True}]
    reference = await stage.order(lines=lines)
    view = await stage.ended(reference)
    await stage.delivered(reference)
    ok = await stage.live(reference) == ONE_EACH
    return Told(ok, f"{kind_of(view)}, the mug alone was shipped", [reference])


async def not_ours(stage: Stage) -> Told:
    """Orders that others see to."""
    references = [await stage.order(**wanted) for wanted in NOT_OURS.values()]
    views = await asyncio.gather(*(stage.ended(one) for one in references))
    codes = [view.outcome.code for view in views if view.outcome]
    for line in (await stage.command("ignored")).splitlines():
        stage.console.print(f"  {line}", markup=False, highlight=False)
    done = any([await stage.live(one) for one in references])
    ok = codes == list(NOT_OURS) and not done
    return Told(ok, f"ignored: {', '.join(codes)}; {'something' if done else 'nothing'} was done", references)


STORIES = (
    Scenario("an order to another country", "asked for its customs code, then declared and shipped", abroad),
    Scenario("a gift card paid a part, in euro", "the rest captured, in the customer's currency", gift_card),
    Scenario("an order that is partly digital", "one effect each, for what is carried", partly_digital),
    Scenario("five orders that are not ours", "ignored by reason, nothing done", not_ours),
)
