"""Good answers: what releases each wait for good, as staff who know their work give it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from seamline.errors import Problem
from seamline.process.decision import Action
from seamline.process.view import Status, View, Wait
from tests.storm.odds import CRM, SCARCE_SKU, SKUS
from tests.storm.scene import Scene, order_path

CONFLICT = 409
REJECTED_OF = 4
"""Of so many orders that must be approved, one is not."""
REFUND_REJECTED = "refund-rejected"
NO_NUMBER = "no-tracking-number"
BROKEN_RULES, ORDER_CANCELLED = "broken-rules", "order-cancelled"
LOST_PARCELS = ("close", "refund", "reship", "claim")
"""What becomes of lost parcels, by the order's number."""
GOOD_POSTCODE = "CB2 1RX"
GOOD_ADDRESS = {
    "name": "Jo Fielding",
    "street1": "12 Mill Lane",
    "city": "Cambridge",
    "postcode": GOOD_POSTCODE,
    "country": "GB",
}
FOR_CUSTOMS = {"hs_code": "691200", "origin": "GB"}
"""What customs ask of an article."""
PARCEL_GRAMS = 500
GOOD_TERMS = "net-30"
SUBSTITUTE = "substitute"
"""The choice that says what is sent instead."""

Decision = Mapping[str, Any]


async def good_answer(scene: Scene, view: View) -> Decision | None:
    """What releases the first wait for good; None for what goes on by itself."""
    wait = view.waits[0]
    if wait.status is Status.HELD_UP:
        return None
    if Action.CHOOSE in wait.actions:
        return _good_choice(order_number(view), wait, scene.plan.choice)
    if Action.APPROVE in wait.actions:
        rejected = order_number(view) % REJECTED_OF == 0
        return answer(wait, Action.REJECT if rejected else Action.APPROVE)
    if wait.cause.endswith(REFUND_REJECTED):
        return answer(wait, Action.SKIP)
    if purpose_of(wait) == "labelled" and wait.cause.endswith((NO_NUMBER, ORDER_CANCELLED)):
        told = {"parcels": [{"tracking_number": f"THEIRS{order_number(view)}"}]}
        return answer(wait, Action.SKIP, result=told)
    purpose = purpose_of(wait)
    if purpose == "fetch-order" and view.reference in scene.fulfilled and Action.CANCEL in wait.actions:
        return answer(wait, Action.CANCEL)
    if purpose == "fetch-order" and wait.cause.endswith(BROKEN_RULES):
        return await _good_order(scene, view, wait)
    if purpose == "packed" and Action.AMEND in wait.actions:
        return answer(wait, Action.AMEND, change={"parcels": [{"weight_grams": PARCEL_GRAMS}]})
    if view.reference in scene.held:
        await scene.release(view.reference)
    if purpose == "fetch-deal" and wait.problems:
        await scene.simulator("PATCH", f"crms/{CRM}/deals/{_deal_of(view)}", {"terms": GOOD_TERMS})
    if purpose == "capture":
        await _let_pay(scene, view)
    if Action.AMEND in wait.actions:
        if purpose == "check-address":
            return _good_address(wait)
        if purpose == "reserve":
            return _good_goods(wait)
    if purpose == "post-fulfilment" and (held := await _fulfilment(scene, view, wait)):
        return answer(wait, Action.SKIP, result=held)
    return answer(wait, Action.RETRY)


def _good_choice(number: int, wait: Wait, preferred: str) -> Decision:
    """What is preferred, else one of what is offered, by the order's number; nobody waits for a lost parcel."""
    choice = preferred if preferred in wait.choices else tuple(wait.choices)[number % len(wait.choices)]
    if purpose_of(wait).startswith("parcel-"):
        remedy = LOST_PARCELS[number % len(LOST_PARCELS)]
        choice = remedy if remedy in wait.choices else LOST_PARCELS[0]
    if choice == SUBSTITUTE:
        return answer(wait, Action.CHOOSE, choice=choice, change={"lines": {"0": {"sku": SKUS[0]}}})
    return answer(wait, Action.CHOOSE, choice=choice)


def order_number(view: View) -> int:
    """The order's, also of a part of it or of a return; what has no number of its own has one all the same."""
    digits = re.match(r"[^:]*:(\d{1,9})", view.reference)
    return int(digits[1]) if digits else sum(view.reference.encode())


def _deal_of(view: View) -> str:
    return view.reference.partition(":")[2].partition(".")[0]


def purpose_of(wait: Wait) -> str:
    """`reserve` of `reserve#1`."""
    return wait.name.partition("#")[0]


async def _good_order(scene: Scene, view: View, wait: Wait) -> Decision:
    """Give the address that is missing, have the customer pay anew, take another address as it is.

    With other goods, or without its payment, the order is cancelled unless it is too late for that.
    """
    if Action.AMEND in wait.actions and wait.request.get("address", "") is None:
        return answer(wait, Action.AMEND, change={"address": GOOD_ADDRESS})
    if undeclared := _for_customs(wait.problems):
        return answer(wait, Action.AMEND, change={"lines": undeclared})
    if view.reference in scene.held:
        await scene.release(view.reference)
    again = not wait.name.endswith("#1")
    if any(one.field.startswith(("payment", "authorization")) for one in wait.problems):
        await _let_pay(scene, view)
    grave = any(one.field.startswith(("payment", "authorization", "lines")) for one in wait.problems)
    if grave and again and Action.CANCEL in wait.actions:
        return answer(wait, Action.CANCEL)
    return answer(wait, Action.SKIP if again else Action.RETRY)


def _for_customs(problems: Sequence[Problem]) -> Mapping[str, Any]:
    """What of each line is to be amended for customs."""
    lines: dict[str, dict[str, str]] = {}
    for one in problems:
        place, _, field = one.field.removeprefix("lines.").partition(".")
        if field in FOR_CUSTOMS:
            lines.setdefault(place, {})[field] = FOR_CUSTOMS[field]
    return lines


async def _let_pay(scene: Scene, view: View) -> None:
    pay = {"action": "pay"}
    await scene.simulator("POST", f"{order_path(view.reference)}/payment", pay, taken=[CONFLICT])
    scene.paid_anew.add(view.reference)


def _good_address(wait: Wait) -> Decision:
    """Mend the postcode; where it is good already, take the address as it is, or ask the carrier again."""
    if wait.request["postcode"] != GOOD_POSTCODE:
        return answer(wait, Action.AMEND, change={"postcode": GOOD_POSTCODE})
    if wait.name.endswith("#2"):
        return answer(wait, Action.SKIP, result={"address": wait.request})
    return answer(wait, Action.RETRY)


def _good_goods(wait: Wait) -> Decision:
    """Sell another article for one that nobody knows."""
    if wait.request["lines"][0]["sku"] not in (*SKUS, SCARCE_SKU):
        return answer(wait, Action.AMEND, change={"lines": {"0": {"sku": SKUS[0]}}})
    return answer(wait, Action.RETRY)


async def _fulfilment(scene: Scene, view: View, wait: Wait) -> Mapping[str, str] | None:
    """What the shop holds already; for an order that was cancelled or cut there once its goods had left, nothing."""
    for operation in ("post-fulfilment", "post-fulfilment-by-hand"):
        for one in await scene.simulator("GET", f"effects?reference={view.reference}&operation={operation}"):
            return {"id": one["object_id"], "tracking_number": wait.request["tracking_number"]}
    cut = view.reference in scene.changed_in_shop and not wait.name.endswith(("#1", "#2"))
    if cut or wait.cause.endswith(ORDER_CANCELLED):
        return {"id": "none", "tracking_number": wait.request["tracking_number"]}
    return None


def answer(wait: Wait, action: Action, **more: Any) -> Decision:
    """An answer to a wait."""
    return {"wait": wait.name, "action": action.value, "who": "sam", "why": "the storm", **more}
