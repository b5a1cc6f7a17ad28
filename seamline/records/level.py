"""What a shop says is in stock, and what it should say. Pure, without I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from pydantic import Field

from seamline.records.base import Record
from seamline.records.policy import Policy
from seamline.records.stock import Availability

NAMES_MAX = 50
TOLD_MAX = 10


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

    @property
    def told(self) -> str:
        """In words, the first few: `MUG-BLUE 5 -> 7`."""
        first = [f"{one.level.sku} {one.level.on_hand} -> {one.on_hand}" for one in self.changes[:TOLD_MAX]]
        more = len(self.changes) - len(first)
        return ", ".join([*first, f"and {more} more"] if more else first)


class LevelsSet(Record):
    """How many were set, and the SKUs whose quantity changed in the shop meanwhile: the next look sees to them."""

    count: int
    stale: tuple[str, ...] = ()


class Sharing(Record):
    """What of a page of levels each inventory is asked about, and what cannot be told apart."""

    asked: dict[str, tuple[Level, ...]] = Field(default={})
    """Connection -> levels, each SKU once."""
    unclear: tuple[str, ...] = ()
    """SKUs that stand for several levels of the same stock: to show all of it at each would sell it twice."""
    unserved: tuple[str, ...] = ()
    """Locations that nobody is set to serve."""


def sharing(levels: Iterable[Level], policy: Policy, otherwise: str) -> Sharing:
    """Whose stock each level shows: by the location where locations are set, else that of the only inventory."""
    found: dict[str, list[Level]] = {}
    unserved: set[str] = set()
    for level in levels:
        known = not policy.locations or level.location in policy.locations
        connection = policy.location(level.location).inventory or (otherwise if known else "")
        if connection:
            found.setdefault(connection, []).append(level)
        else:
            unserved.add(level.location)
    counts = {connection: Counter(one.sku for one in some) for connection, some in found.items()}
    return Sharing(
        asked={name: tuple(one for one in some if counts[name][one.sku] == 1) for name, some in found.items()},
        unclear=tuple(sorted({sku for some in counts.values() for sku, count in some.items() if count > 1})),
        unserved=tuple(sorted(unserved)),
    )


class Shared(Record):
    """What one look over all of a shop's levels did. Of names at most fifty are listed, each once."""

    looked: int = 0
    changed: int = 0
    stale: tuple[str, ...] = ()
    """SKUs whose quantity changed in the shop meanwhile; the next look sees to them."""
    unknown: tuple[str, ...] = ()
    """SKUs that the inventory does not know."""
    unclear: tuple[str, ...] = ()
    unserved: tuple[str, ...] = ()
    inventories: dict[str, str] = Field(default={})
    """Location -> whose stock it shows."""

    def and_(self, more: Shared) -> Shared:
        """Both together."""
        names = {
            name: tuple(sorted({*getattr(self, name), *getattr(more, name)}))[:NAMES_MAX]
            for name in ("stale", "unknown", "unclear", "unserved")
        }
        counts = {"looked": self.looked + more.looked, "changed": self.changed + more.changed}
        return Shared(**names, **counts, inventories={**self.inventories, **more.inventories})


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
