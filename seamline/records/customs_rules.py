"""Whether an order's goods can be declared to customs, and their declaration. Pure."""

from __future__ import annotations

from seamline.errors import Problem
from seamline.records.address import Address
from seamline.records.customs import COUNTRY, HS_CODE, INCOTERM, Customs, CustomsLine, leaves_area
from seamline.records.order import FulfilmentOrder, Order, OrderLine
from seamline.records.policy import Policy


def undeclarable(order: Order, part: FulfilmentOrder, policy: Policy) -> list[Problem]:
    """What customs ask of this part and nobody told, each with its field; empty where no customs are passed."""
    if order.address is None or not leaves_area(policy.ships_from(part.location), order.address):
        return []
    wanted = {one.order_line_id for one in part.lines}
    problems = [
        Problem(field=f"lines.{place}.{field}", reason=reason)
        for place, line in enumerate(order.lines)
        if line.id in wanted
        for field, reason in _lacking(line)
    ]
    if not _incoterm(order, part, policy):
        place = next(place for place, one in enumerate(order.fulfilment_orders) if one.id == part.id)
        reason = "is not told, and customs ask who pays the duties: amend it to DDP or DAP, or set policy.incoterm"
        problems.append(Problem(field=f"fulfilment_orders.{place}.incoterm", reason=reason))
    return problems


def customs_of(order: Order, part: FulfilmentOrder, address: Address, policy: Policy) -> Customs | None:
    """The declaration of what a part ships; None where none is needed, or nobody told what it is of."""
    abroad = leaves_area(policy.ships_from(part.location), address)
    if not abroad or not part.lines or undeclarable(order, part, policy):
        return None
    lines = [(order.line(one.order_line_id), one.quantity) for one in part.lines]
    return Customs(
        incoterm=_incoterm(order, part, policy),
        lines=tuple(
            CustomsLine(
                description=line.title[:200] or line.sku,
                sku=line.sku[:100],
                hs_code=line.hs_code,
                origin=line.origin,
                quantity=quantity,
                value=line.worth * quantity,
                weight_grams=max(1, line.weight_grams * quantity),
            )
            for line, quantity in lines
        ),
    )


def _lacking(line: OrderLine) -> list[tuple[str, str]]:
    lacking = []
    if not HS_CODE.fullmatch(line.hs_code):
        reason = "is no code of 6 to 13 digits, which customs ask for: set it at the article in the shop, or amend it"
        lacking.append(("hs_code", reason))
    if not COUNTRY.fullmatch(line.origin):
        reason = "is no country's two letters, which customs ask for: set it at the article in the shop, or amend it"
        lacking.append(("origin", reason))
    if line.worth.amount <= 0:
        lacking.append(("unit_price", "is nothing, and customs ask what it is worth: amend it"))
    return lacking


def _incoterm(order: Order, part: FulfilmentOrder, policy: Policy) -> str:
    """As the shop told the customer; duties that were paid are ours to pass on; else by policy."""
    told = part.incoterm.upper()
    if told:
        return told if INCOTERM.fullmatch(told) else ""
    return "DDP" if order.totals.duties.amount else policy.incoterm
