"""The table of what people do to an order in the source systems while its process runs, and what comes of it.

The tests play every cell; the page for staff shows the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """How far the order is."""

    BEFORE = "before anything"
    SHORT = "goods are short, and people are asked"
    LABEL = "stock reserved, no label yet"
    PACKING = "waiting to be packed"
    UNTOLD = "waiting to be packed, and no webhook comes"
    LEAVING = "packed, not yet handed over"


class Act(StrEnum):
    """What somebody does."""

    MORE = "more pieces of a line, paid for"
    FEWER = "fewer pieces of a line, the difference refunded"
    ADDED = "a line added, paid for"
    REMOVED = "a line removed, and refunded"
    MOVED = "the address changed"
    REFUNDED = "part of the money refunded, the goods left"
    ALL_REFUNDED = "all money refunded, the goods left"
    GIVEN_UP = "all refunded and all lines removed"
    CANCELLED = "the order cancelled"
    SHIPPED = "fulfilled in the shop under another tracking number"
    OURS_SHIPPED = "fulfilled in the shop under our tracking number"
    CAPTURED = "the payment captured in the shop"
    PACKED = "picked and packed in the ERP"
    UNASSIGNED = "unassigned and assigned again in the ERP"
    SHIPMENT_CANCELLED = "the shipment cancelled in the ERP"
    LABEL_REFUNDED = "the label refunded at the carrier"


class Goods(StrEnum):
    """What leaves in the end."""

    NEW = "what the order says now"
    PLANNED = "what was planned"
    NONE = "nothing"


@dataclass(frozen=True)
class End:
    """What comes of it: what leaves; the question or the step that waits first, and the answer that the test gives."""

    goods: Goods
    wait: str = ""
    answer: str = ""
    """A choice, or one of the answers every wait takes."""

    def told(self, stage: Stage) -> str:
        """For the page."""
        if self.wait:
            return f"waits at `{self.wait}`"
        if self.goods is Goods.NONE:
            return "ignored" if stage is Stage.BEFORE else "taken back"
        if stage is Stage.BEFORE:
            return "shipped as it is now"
        return "planned anew" if self.goods is Goods.NEW else "goes on"


IGNORED = End(Goods.NONE)
ANEW = End(Goods.NEW)
SAME = End(Goods.PLANNED)
UNDONE = End(Goods.NONE)
REPACK = End(Goods.NEW, "changed-after-packing", "plan-anew")
KEEP = End(Goods.PLANNED, "changed-after-packing", "as-planned")
NAMED = End(Goods.NONE, "fetch-order", "cancel")
RESERVE = End(Goods.PLANNED, "shipment-gone", "reserve-anew")
BUY = End(Goods.PLANNED, "label-gone", "buy-anew")

_CHANGE = {
    Stage.BEFORE: ANEW,
    Stage.SHORT: ANEW,
    Stage.LABEL: ANEW,
    Stage.PACKING: ANEW,
    Stage.UNTOLD: REPACK,
    Stage.LEAVING: REPACK,
}
_MONEY = dict.fromkeys(Stage, SAME)
_LATER = {stage: SAME for stage in Stage if stage not in (Stage.BEFORE, Stage.SHORT)}
_LABELLED = {stage: SAME for stage in (Stage.PACKING, Stage.UNTOLD, Stage.LEAVING)}

TABLE: Mapping[Act, Mapping[Stage, End]] = {
    Act.MORE: _CHANGE,
    Act.FEWER: {**_CHANGE, Stage.UNTOLD: KEEP},
    Act.ADDED: _CHANGE,
    Act.REMOVED: {**_CHANGE, Stage.LEAVING: KEEP},
    Act.MOVED: _CHANGE,
    Act.REFUNDED: _MONEY,
    Act.ALL_REFUNDED: {**dict.fromkeys(Stage, NAMED), Stage.BEFORE: IGNORED},
    Act.GIVEN_UP: {**dict.fromkeys(Stage, UNDONE), Stage.BEFORE: IGNORED},
    Act.CANCELLED: {**dict.fromkeys(Stage, UNDONE), Stage.BEFORE: IGNORED},
    Act.SHIPPED: {**dict.fromkeys(Stage, NAMED), Stage.BEFORE: IGNORED},
    Act.OURS_SHIPPED: _LABELLED,
    Act.CAPTURED: {stage: SAME for stage in Stage if stage is not Stage.LEAVING},
    Act.PACKED: {Stage.LABEL: SAME, Stage.PACKING: SAME, Stage.UNTOLD: SAME},
    Act.UNASSIGNED: {Stage.LABEL: SAME, Stage.PACKING: SAME, Stage.UNTOLD: SAME},
    Act.SHIPMENT_CANCELLED: dict.fromkeys(_LATER, RESERVE),
    Act.LABEL_REFUNDED: {Stage.PACKING: BUY, Stage.LEAVING: BUY},
}
"""A cell that is not there cannot happen, or nobody sees it: only the carrier tells that a label was refunded, and a
shipment that is cancelled while its goods are short is seen once that is answered."""

APART = (Stage.PACKING, Stage.LEAVING)
_FIRST = {act: {stage: row[stage] for stage in APART if stage in row} for act, row in TABLE.items()}
_NOT_TOUCHED = {act: dict.fromkeys(row, SAME) for act, row in _FIRST.items()}
_OF_THE_ORDER = (Act.MOVED, Act.REFUNDED, Act.ALL_REFUNDED, Act.CANCELLED, Act.SHIPPED)
_NOT_ITS_OWN = {act: dict.fromkeys(APART, NAMED) for act in (Act.GIVEN_UP, Act.OURS_SHIPPED)}


class Part(StrEnum):
    """What of an order is looked at."""

    ALONE = "an order in one part"
    FIRST = "the part that it is done to"
    SECOND = "another part of that order"

    @property
    def suffix(self) -> str:
        """What its reference has after the order's."""
        return ".2" if self is Part.SECOND else ""


Table = Mapping[Act, Mapping[Stage, End]]
TABLES: Mapping[Part, Table] = {
    Part.ALONE: TABLE,
    Part.FIRST: _FIRST,
    Part.SECOND: _NOT_TOUCHED | {act: _FIRST[act] for act in _OF_THE_ORDER} | _NOT_ITS_OWN,
}
"""Another part goes on as it is, unless what is done is about the whole order. Where all money is
back, or all of it was sent under the first one's number, people are asked about it."""

CELLS = [
    (act, stage, part) for part, rows in TABLES.items() for act, row in rows.items() for stage in Stage if stage in row
]


def table() -> str:
    """The table as the page for staff shows it."""
    lines = ["| what people do | " + " | ".join(stage.value for stage in Stage) + " |", "|---" * (len(Stage) + 1) + "|"]
    for act, row in TABLE.items():
        told = (row[stage].told(stage) if stage in row else "" for stage in Stage)
        lines.append(f"| {act.value} | " + " | ".join(told) + " |")
    return "\n".join(lines) + "\n"
