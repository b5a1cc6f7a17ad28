"""The demo's stories of goods that have left: a lost parcel is sent again, and a return is refunded."""

from __future__ import annotations

from seamline.demo.stage import Stage
from seamline.demo.story import Scenario, Told, kind_of
from seamline.local_settings import SHOP
from seamline.process.view import Status, View

NEVER_SECONDS = 3600
RESHIPPED = {"reserve": 2, "buy-label": 2, "ship": 2, "post-fulfilment": 1, "retrack": 1, "send-mail": 2}


async def lost(stage: Stage) -> Told:
    """The carrier loses a parcel, and staff have it sent again."""
    settings = await stage.get("settings")
    await stage.world(transit_after_seconds=NEVER_SECONDS)
    reference = await stage.order()
    shipped = await stage.ended(reference)
    number = shipped.outcome.result["tracking_number"] if shipped.outcome else ""
    await stage.post(f"parcels/{number}", {"state": "FAILURE"})
    stage.say(f"[red]the carrier has lost {number}[/]")
    followed = stage.handle("follow-parcel", reference)
    view = await stage.until(followed, _asked, "the question to staff")
    await stage.world(transit_after_seconds=settings["transit_after_seconds"])
    await stage.command("choose", followed.id, view.waits[0].name, "reship", "--why", "the customer still wants it")
    stage.say(f"staff were asked {view.waits[0].title!r} and chose to send it again")
    again = await stage.ended(reference, "reship-order")
    arrived = await stage.ended(f"{reference}.0.2", "follow-parcel")
    counts = await stage.live(reference)
    course = arrived.outcome.result.get("course") if arrived.outcome else "?"
    ok = counts == RESHIPPED and kind_of(again) == "completed" and course == "delivered"
    return Told(ok, f"second parcel {course}, under the next number; the shop shows it", [reference])


async def returned(stage: Stage) -> Told:
    """A customer sends goods back, staff look at them, and the money goes back."""
    reference = await stage.order(lines=[{"sku": "MUG-BLUE", "quantity": 2}])
    await stage.ended(reference)
    await stage.delivered(reference)
    wanted = {"quantities": {"MUG-BLUE": 1}, "reason": "UNWANTED", "requested": True}
    order = reference.partition(":")[2]
    back = (await stage.post(f"shops/{SHOP}/orders/{order}/returns", wanted))["reference"]
    stage.say(f"the customer wants to return a mug: {stage.process_link(f'return-order:{back}')}")
    taken = stage.handle("return-order", back)
    view = await stage.until(taken, _asked, "the inspection")
    stage.say(f"the goods came back by a label that was mailed; staff are asked {view.waits[0].title!r}")
    await stage.command("choose", taken.id, view.waits[0].name, "restock", "--why", "as new")
    ended = await stage.ended(back, "return-order")
    counts = await stage.live(back)
    refunds = [one for one in await stage.effects(reference) if one["operation"] == "refund-payment"]
    ok = kind_of(ended) == "completed" and counts["receive-return"] == 1 and len(refunds) == 1
    told = f"{refunds[0]['amount']} {refunds[0]['currency']} back" if refunds else "nothing back"
    return Told(ok, f"one mug on the shelf again, {told}", [reference, back])


def _asked(view: View) -> bool:
    """Whether staff are asked something; a system that is slow for a moment asks nobody."""
    return view.status is Status.WAITING and bool(view.waits)


STORIES = (
    Scenario("the carrier loses a parcel", "staff have it sent again, under the next number", lost),
    Scenario("a customer sends goods back", "label, receipt, inspection, stock, refund", returned),
)
