"""What a process that only observes goes on with: declared for each effect, or known to be out of anybody's sight."""

from __future__ import annotations

from datetime import date

import pytest

from activities import accounting, inventory, shop, shop_labels
from seamline.process.effect import Call, Effect
from seamline.process.foresight import Foresight, HeldBack
from seamline.records.invoice import Invoice, InvoiceState, PostRequest
from seamline.records.money import Money
from seamline.records.order import FulfilmentLine
from seamline.records.shipping import PartRequest
from seamline.records.shortage import SplitRequest
from seamline.records.stock import Reservation, ShipmentState
from seamline.records.system import FORESEEN
from tests.process.test_declarations import operations

OUT_OF_SIGHT = {
    "shop.split": "which fulfilment order the shop would make of it",
    "shop.cancel_goods": "the order would still have the goods, and be asked about them for ever",
    "crm.mark_paid": "it is of a process that begins once an invoice was made",
    "staff.notify": "it is of no process that could observe",
}
"""The effects after which nobody can tell how a process would go on, and why."""
TEN = Money(amount="10.00", currency="GBP")  # type: ignore[arg-type]
NONE = Money.total((), "GBP")


def test_each_effect_is_foreseen_or_known_to_be_out_of_sight() -> None:
    effects = [one for role in operations().values() for one in role if isinstance(one, Effect)]
    assert {one.name for one in effects if not one.foreseen} == set(OUT_OF_SIGHT)


def test_what_nobody_can_tell_is_noted_and_ends_the_process_with_the_reason() -> None:
    line = FulfilmentLine(id="p1", order_line_id="1", sku="MUG-BLUE", quantity=1)
    call = Call[SplitRequest](
        reference="shop-uk:1", key="shop-uk:1/split#1", request=SplitRequest(fulfilment_order_id="7", lines=(line,))
    )
    foresight = Foresight()
    foresight.note(shop.split, call, "shop-uk")
    assert [(one.key, one.connection) for one in foresight.unwritten] == [("shop-uk:1/split#1", "shop-uk")]
    with pytest.raises(HeldBack, match="depends on the answer to: Split the fulfilment order"):
        foresight.result(shop.split, call)


def posted(foresight: Foresight) -> Invoice:
    """What posting the draft would make."""
    request = PostRequest(invoice_id=FORESEEN, issued=date(2026, 12, 1), due=date(2026, 12, 31))
    return foresight.result(
        accounting.post_invoice, Call[PostRequest](reference="crm:1", key="crm:1/post-invoice#1", request=request)
    )


def test_a_posted_invoice_is_the_draft_that_was_foreseen() -> None:
    draft = Invoice(
        id=FORESEEN,
        key="crm:1/draft-invoice#1",
        state=InvoiceState.DRAFT,
        customer_id="c1",
        issued=date(2026, 11, 22),
        due=date(2026, 12, 22),
        net=TEN,
        tax=NONE,
        total=TEN,
        paid=NONE,
        credited=NONE,
        amount_due=TEN,
    )
    foresight = Foresight()
    with pytest.raises(HeldBack):
        posted(foresight)
    foresight.made[Invoice] = draft
    made = posted(foresight)
    assert (made.state, made.issued, made.total) == (InvoiceState.POSTED, date(2026, 12, 1), TEN)


def test_what_is_waited_for_has_happened_on_paper() -> None:
    stock = Reservation(id=FORESEEN, key="k", state=ShipmentState.ASSIGNED)
    call = Call[Reservation](reference="shop-uk:1", request=stock)
    assert Foresight().result(inventory.packed, call).state is ShipmentState.PACKED
    assert Foresight().result(inventory.look, call) == stock
    part = PartRequest(reference="shop-uk:1", fulfilment_order_id="7")
    theirs = Foresight().result(shop_labels.labelled, Call[PartRequest](reference="shop-uk:1", request=part))
    assert [one.tracking_number for one in theirs.parcels] == [FORESEEN]
