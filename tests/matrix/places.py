"""The steps of an order, each with the vendor's call that is its effect or its look, and how an order comes there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ORDER, FOLLOW = "order-to-shipment", "follow-parcel"


class Kind(StrEnum):
    """What a place does."""

    READ = "read"
    WAIT = "wait"
    EFFECT = "effect"
    QUESTION = "question"


class Act(StrEnum):
    """What somebody else does, for a process to go on."""

    PACK = "pack"
    HAND_OVER = "hand over"
    CAPTURE = "capture"
    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Undo:
    """The step that takes an effect back, and the vendor's call that does it."""

    step: str
    call: str
    reached: str = "packed"
    """How far the process is when it is taken back."""
    first: str = ""
    """A call that the undo makes before, and at which it is caught, where others make the same call too."""


@dataclass(frozen=True)
class Place:
    """A step of the process and the vendor's call that is its effect, or its look."""

    name: str
    role: str
    call: str
    kind: Kind
    step: str = ""
    """The step's name in the view, where that is another one."""
    undo: Undo | None = None
    no_undo: str = ""
    """Why there is nothing to disturb while it is undone."""
    reached: str = ""
    """The step or wait that the process has reached when the call is disturbed: earlier ones make the same call."""
    act: Act | None = None
    """What must happen then: for what is waited for to be true, or for the process to go on to this place."""
    first: str = ""
    """A call that the process makes before, and at which it is caught."""
    no_call: str = ""
    """Why the call is made while the process is taken back, and never else."""
    risky: bool = False
    """Whether it takes a risky order, which is held and asked about."""
    authorized: bool = False
    """Whether it takes an order whose payment is authorised and not taken."""
    ours: bool = False
    """Whether taking the payment is left to us."""
    dear: bool = False
    """Whether its label is dearer than the limit."""
    way: str = "completed"
    """How its order ends undisturbed."""
    sure: str = ""
    """Why its outcome is never unknown."""
    forward: bool = False
    """Past the point of no return."""
    process: str = ORDER

    @property
    def shown(self) -> str:
        """The step's name in the view."""
        return self.step or self.name


LOOK = "a look changes nothing"
AGAIN = "a look can be repeated"
ASKED = "a question is asked of people, not of a system"
STANDS = "it stays as it is when the process is taken back"
REMEDY = "after the point of no return there is no undo: staff choose a remedy"
MONEY = {"authorized": True, "ours": True}

PLACES = (
    Place("fetch-order", "shop", "order", Kind.READ, no_undo=LOOK, sure=AGAIN),
    Place(
        "paid",
        "shop",
        "order",
        Kind.WAIT,
        no_undo=LOOK,
        sure=AGAIN,
        reached="paid",
        act=Act.CAPTURE,
        authorized=True,
    ),
    Place(
        "hold",
        "shop",
        "fulfillmentOrderHold",
        Kind.EFFECT,
        undo=Undo("release-hold", "fulfillmentOrderReleaseHold", reached="risk"),
        sure="a hold is found again as ours",
        risky=True,
    ),
    Place("risk", "shop", "", Kind.QUESTION, no_undo=ASKED, sure=ASKED, reached="risk", risky=True),
    Place(
        "release-hold",
        "shop",
        "fulfillmentOrderReleaseHold",
        Kind.EFFECT,
        no_undo=STANDS,
        sure="the hold is there or not",
        reached="risk",
        act=Act.APPROVE,
        risky=True,
    ),
    Place(
        "cancel-order",
        "shop",
        "orderCancel",
        Kind.EFFECT,
        no_undo=STANDS,
        sure="the order tells whether it is cancelled",
        reached="risk",
        act=Act.REJECT,
        risky=True,
        way="undone",
    ),
    Place(
        "cancelled",
        "shop",
        "order",
        Kind.WAIT,
        no_undo=LOOK,
        sure=AGAIN,
        reached="risk",
        act=Act.REJECT,
        first="orderCancel",
        risky=True,
        way="undone",
    ),
    Place("check-address", "carrier", "addresses.create", Kind.READ, no_undo=LOOK, sure=AGAIN),
    Place(
        "reserve-draft",
        "inventory",
        "sale.sale.create",
        Kind.EFFECT,
        step="reserve",
        no_undo="a draft is taken back as the reservation it becomes",
    ),
    Place(
        "reserve",
        "inventory",
        "stock.shipment.out.assign_try",
        Kind.EFFECT,
        undo=Undo("release", "stock.shipment.out.wait"),
    ),
    Place("quote", "carrier", "shipments.create", Kind.READ, no_undo="a quote costs nothing", sure=AGAIN),
    Place("dear-label", "carrier", "", Kind.QUESTION, no_undo=ASKED, sure=ASKED, reached="dear-label", dear=True),
    Place("buy-label", "carrier", "transactions.create", Kind.EFFECT, undo=Undo("refund-label", "refunds.create")),
    Place(
        "label-refunded",
        "carrier",
        "transactions.list",
        Kind.WAIT,
        undo=Undo("label-refunded", "transactions.list", first="refunds.create"),
        no_call="it is a part of an undo",
        sure=AGAIN,
    ),
    Place("packed", "inventory", "sale.sale.get", Kind.WAIT, no_undo=LOOK, sure=AGAIN, reached="packed", act=Act.PACK),
    Place(
        "still-wanted",
        "shop",
        "order",
        Kind.READ,
        step="fetch-order",
        no_undo=LOOK,
        sure=AGAIN,
        reached="packed",
        act=Act.PACK,
        **MONEY,
    ),
    Place(
        "capture",
        "shop",
        "orderCapture",
        Kind.EFFECT,
        undo=Undo("refund-capture", "refundCreate", reached="handed-over"),
        sure="a capture is found among the order's transactions",
        reached="packed",
        act=Act.PACK,
        **MONEY,
    ),
    Place(
        "handed-over",
        "inventory",
        "sale.sale.get",
        Kind.WAIT,
        no_undo=LOOK,
        sure=AGAIN,
        reached="handed-over",
        act=Act.HAND_OVER,
    ),
    Place(
        "post-fulfilment",
        "shop",
        "fulfillmentCreate",
        Kind.EFFECT,
        no_undo=REMEDY,
        sure="it is found by its tracking number",
        reached="handed-over",
        act=Act.HAND_OVER,
        forward=True,
    ),
    Place(
        "send-shipped",
        "mail",
        "send",
        Kind.EFFECT,
        no_undo=REMEDY,
        sure="a mail is sent again under its Message-ID, the lesser evil",
        reached="handed-over",
        act=Act.HAND_OVER,
        forward=True,
    ),
    Place(
        "moved",
        "carrier",
        "tracks.get",
        Kind.WAIT,
        no_undo=LOOK,
        sure=AGAIN,
        reached="handed-over",
        act=Act.HAND_OVER,
        process=FOLLOW,
    ),
)

GATE_LOOK = "sale.sale.search"
"""With it the gate's undo begins."""
GATE_CALLS = {
    "assigned": (GATE_LOOK, "sale.sale.get", "stock.shipment.out.wait", "stock.shipment.out.cancel"),
    "packed": (GATE_LOOK, "sale.sale.get", "stock.shipment.out.pick", "stock.shipment.out.cancel"),
}
GATES = tuple(
    Place(
        f"gate-{call.rpartition('.')[2]}-{state}",
        "inventory",
        call,
        Kind.EFFECT,
        undo=Undo(
            "release",
            call,
            reached="handed-over" if state == "packed" else "packed",
            first=GATE_LOOK if call != GATE_LOOK else "",
        ),
    )
    for state, calls in GATE_CALLS.items()
    for call in calls
)
"""Each call of the gate's undo, from both states that the goods can be in."""
