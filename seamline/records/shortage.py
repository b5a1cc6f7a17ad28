"""What is done about goods that are short: split off, cancelled, replaced. Pure, without I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pydantic import Field

from seamline.errors import Problem
from seamline.records.base import Record
from seamline.records.money import Money
from seamline.records.order import FulfilmentLine, FulfilmentOrder, Order, OrderLine
from seamline.records.remedy import Goods, GoodsLine
from seamline.records.stock import ShortLine


class Shortage(Record):
    """What people are shown of it. What is to be sent in an article's place they write over its `sku`."""

    lines: tuple[ShortLine, ...]

    @property
    def told(self) -> str:
        """In words: `2 of 3 MUG-BLUE are there`."""
        return "; ".join(f"{one.there} of {one.wanted} {one.sku} are there" for one in self.lines)

    def substitutes(self, chosen: Shortage) -> dict[str, str]:
        """What is to be sent in place of what, by SKU, once people have written over it."""
        pairs = zip(self.lines, chosen.lines, strict=False)
        return {before.sku: after.sku for before, after in pairs if before.sku != after.sku}


class Substitute(Record):
    """An article that is sent in another's place, as customs want it told: the value is of one piece."""

    sku: str
    title: str = Field(default="", max_length=200)
    hs_code: str = Field(default="", max_length=20)
    origin: str = Field(default="", max_length=20)
    value: Money

    def of(self, line: OrderLine) -> OrderLine:
        """The order's line as if this had been ordered."""
        told = {"sku": self.sku, "title": self.title, "hs_code": self.hs_code, "origin": self.origin}
        return line.model_copy(update={**told, "unit_price": self.value, "paid_price": None})


class Substitutes(Record):
    """What people are shown of them; what customs ask and nobody told they write in."""

    goods: tuple[Substitute, ...]


class SplitRequest(Record):
    """Move these lines of a fulfilment order to one of their own. `known` are the order's before that, by id."""

    fulfilment_order_id: str
    lines: tuple[FulfilmentLine, ...] = Field(min_length=1, max_length=500)
    known: tuple[str, ...] = ()


class Split(Record):
    """The fulfilment order that holds what was split off."""

    id: str


class CancelGoodsRequest(Record):
    """Take these lines off an order that have not been sent, and give back what was paid for them."""

    fulfilment_order_id: str
    lines: tuple[FulfilmentLine, ...] = Field(min_length=1, max_length=500)

    @property
    def goods(self) -> Goods:
        """The same as goods of the order."""
        return Goods(
            lines=tuple(
                GoodsLine(order_line_id=line_id, quantity=count) for line_id, count in _pieces(self.lines).items()
            )
        )

    def shared_with(self, order: Order) -> list[Problem]:
        """Why the lines cannot come off: the shop takes a line off by its location, so perhaps off another part."""
        parts = {one.id: one for one in order.open_fulfilment_orders}
        mine = parts.pop(self.fulfilment_order_id, None)
        wanted = {one.order_line_id for one in self.lines}
        others = [
            one.id
            for one in parts.values()
            if mine and one.location == mine.location and wanted & {line.order_line_id for line in one.lines}
        ]
        if not others:
            return []
        told = f"are also in fulfilment order {', '.join(others)}, at the same location, and the shop may take them off"
        return [Problem(field="lines", reason=f"{told} there: retry once that is sent, or cancel it first")]


class CancelledGoods(Record):
    """The refund by which the lines came off; its amount is zero where nothing was paid yet."""

    id: str
    key: str
    amount: Money


class NoteRequest(Record):
    """Add this to the note that people read on the order in the shop."""

    text: str = Field(min_length=1, max_length=1000)


class Noted(Record):
    """The order carries the note."""


def missing_lines(part: FulfilmentOrder, short: tuple[ShortLine, ...]) -> tuple[FulfilmentLine, ...]:
    """What of a fulfilment order is not there: the pieces that are short, off its last lines first."""
    missing = Counter({one.sku: one.missing for one in short})
    found = []
    for line in reversed(part.lines):
        if pieces := min(line.quantity, missing[line.sku]):
            missing[line.sku] -= pieces
            found.append(line.model_copy(update={"quantity": pieces}))
    return tuple(reversed(found))


def some_is_there(part: FulfilmentOrder, short: tuple[ShortLine, ...]) -> bool:
    """Whether anything is left to ship without what is short."""
    return _pieces(part.lines).total() > _pieces(missing_lines(part, short)).total()


def split_request(order: Order, part: FulfilmentOrder, short: tuple[ShortLine, ...]) -> SplitRequest:
    """What is there stays; the rest becomes a fulfilment order of its own."""
    return SplitRequest(
        fulfilment_order_id=part.id,
        lines=missing_lines(part, short),
        known=tuple(one.id for one in order.fulfilment_orders),
    )


def split_of(order: Order, request: SplitRequest) -> str:
    """The fulfilment order that holds what was to be split off, found by its lines; empty while there is none."""
    wanted = _pieces(request.lines)
    made = [one.id for one in order.fulfilment_orders if one.open and one.id not in request.known]
    parts = {one.id: one for one in order.fulfilment_orders}
    return next((one for one in made if _pieces(parts[one].lines) == wanted), "")


def substitution_note(substitutes: Mapping[str, str]) -> NoteRequest:
    """What people in the shop are told."""
    told = ", ".join(f"{instead} is sent in place of {sku}" for sku, instead in sorted(substitutes.items()))
    return NoteRequest(text=told)


def _pieces(lines: tuple[FulfilmentLine, ...]) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for line in lines:
        pieces[line.order_line_id] += line.quantity
    return pieces
