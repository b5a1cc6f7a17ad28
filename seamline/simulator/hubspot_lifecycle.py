"""Lifecycle stages: over the API forward only, back only after clearing; people move them as they like.

A lower stage that is set directly is ignored without a word. `become-customer` stands until the stage is again what it
was before; people who change the stage take the effect back (`stage-by-hand`), since what they set is theirs.
"""

from __future__ import annotations

from enum import StrEnum

from seamline.simulator.hubspot_answers import SYSTEM
from seamline.simulator.hubspot_properties import STAGES
from seamline.simulator.keys import Marks
from seamline.simulator.world import Body, World

NO_MARKS = Marks(reference="", key="")


class Source(StrEnum):
    """Who changes something, as HubSpot names it."""

    API = "INTEGRATION"
    PEOPLE = "CRM_UI"


def settable(current: str, wanted: str, source: Source) -> bool:
    """Whether HubSpot takes this stage where another is."""
    if source is Source.PEOPLE or "" in (current, wanted):
        return True
    return STAGES.index(wanted) > STAGES.index(current)


def record_move(world: World, connection: str, record: Body, before: str, marks: Marks | None, source: Source) -> None:
    """Enter into the ledger that the object's stage was changed. `marks` came with the change."""
    after, private = record["properties"].get("lifecyclestage", ""), record["private"]
    ours = private.get("moved")
    # Clearing is the first half of moving back: what counts is where it came from.
    origin = private.pop("cleared_from", before)
    if source is Source.PEOPLE:
        _take_back(world, connection, record, "stage-by-hand", None)
    elif ours and after == ours["before"]:
        _take_back(world, connection, record, "restore-stage", marks)
    elif not after:
        private["cleared_from"] = origin
    elif after != origin:
        private["moved"] = {"before": origin, "marks": marks or NO_MARKS}
        world.record_effect(connection, SYSTEM, "become-customer", object_id=record["id"], **(marks or NO_MARKS))


def record_loss(world: World, connection: str, record: Body, source: Source) -> None:
    """Enter that the object is gone, and with it what stood of ours."""
    operation = "stage-by-hand" if source is Source.PEOPLE else "restore-stage"
    _take_back(world, connection, record, operation, None)


def _take_back(world: World, connection: str, record: Body, operation: str, marks: Marks | None) -> None:
    ours, object_id = record["private"].pop("moved", None), record["id"]
    if ours:
        known = marks or ours["marks"]
        world.record_effect(connection, SYSTEM, operation, object_id=object_id, undoes=object_id, **known)
