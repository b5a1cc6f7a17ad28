"""What a shop says is in stock, and what it should say. Pure, without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import Field

from seamline.records.base import Record
from seamline.records.stock import Availability


class Level(Record):
    """One article at one location of a shop: pieces there, and how many of them are sold and not yet sent."""

    item_id: str
    sku: str
    location_id: str
    location: str
    on_hand: int
    committed: int


class LevelsRequest(Record):
    """One page of the shop's levels, the first where `after` is empty."""

    after: str = ""


class Levels(Record):
    """Levels with an SKU whose stock the shop keeps. `after` leads on to the next page; empty at the end."""

    levels: tuple[Level, ...] = ()
    after: str = ""


class LevelChange(Record):
    """Set what is there of one article, if it still is what we read."""

    level: Level
    on_hand: int = Field(ge=0)


class SetLevels(Record):
    """Changes to one page of levels. `look` names the look they come from: later ones may change the same again."""

    look: str = Field(min_length=1, max_length=200)
    changes: tuple[LevelChange, ...] = Field(min_length=1, max_length=250)


class LevelsSet(Record):
    """How many were set, and the SKUs whose quantity changed in the shop meanwhile: the next look sees to them."""

    count: int
    stale: tuple[str, ...] = ()


def level_changes(
    levels: Iterable[Level], articles: Mapping[str, Availability], safety_stock: int
) -> tuple[LevelChange, ...]:
    """What of a shop's levels differs from what it should say; articles that the inventory does not know are left."""
    wanted = ((one, shown(one, articles[one.sku], safety_stock)) for one in levels if one.sku in articles)
    return tuple(LevelChange(level=level, on_hand=on_hand) for level, on_hand in wanted if level.on_hand != on_hand)


def shown(level: Level, there: Availability, safety_stock: int) -> int:
    """Pieces on hand as the shop should see them: what is free, and what its own orders hold.

    The shop itself takes off what it sold. So an order that is sold and not yet reserved counts once, as one that is
    reserved. The safety stock is held back of what could be sold, never of what is.
    """
    ours = max(0, there.free) + there.held
    return max(0, ours - min(safety_stock, max(0, ours - level.committed)))
