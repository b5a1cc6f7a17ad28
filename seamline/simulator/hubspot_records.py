"""HubSpot's companies and contacts: found by id or unique property, written with history, archived, forgotten.

Every value has its history; a search that lags reads the values of a while ago from it. `private` is what only the
simulator knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from seamline.simulator.hubspot_answers import SYSTEM, Refused, error
from seamline.simulator.hubspot_lifecycle import NO_MARKS, Source, record_loss, record_move, settable
from seamline.simulator.hubspot_properties import (
    CHANGED_AT,
    PROPERTIES,
    SHOWN,
    SINGULAR,
    checked,
    stage_date,
    unique_property,
)
from seamline.simulator.keys import marks_of
from seamline.simulator.world import Body, World, now

RECORD = "hubspot-record"
Tell = Callable[[str, list[Body]], None]
"""Tells of an account what happened in it, as events."""


def iso(at: datetime) -> str:
    """A time as HubSpot writes it, UTC."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Records:
    """The companies and contacts of one account."""

    def __init__(self, world: World, connection: str, tell: Tell) -> None:
        self.world = world
        self.connection = connection
        self._tell = tell

    def all(self, kind: str, *, archived: bool = False) -> list[Body]:
        """All of a kind, oldest first."""
        return [one for one in self.world.find(self.connection, RECORD, {"kind": kind}) if one["archived"] is archived]

    def look_up(self, kind: str, given: str, id_property: str | None = None) -> Body | None:
        """The object with this id, or with this value of a unique property."""
        if id_property in (None, "", "hs_object_id"):
            record = self.world.get(self.connection, RECORD, given)
            return record if record and record["kind"] == kind and not record["archived"] else None
        name = unique_property(kind, id_property or "")
        value = given.lower() if name == "email" else given
        found = self.world.find(self.connection, RECORD, {"kind": kind, f"unique_{name}": value})
        return next((one for one in found if not one["archived"]), None)

    def found(self, kind: str, given: str, id_property: str | None = None) -> Body:
        """What `look_up` finds; refused when it finds none."""
        record = self.look_up(kind, given, id_property)
        if record is None:
            raise Refused(404, "OBJECT_NOT_FOUND", "resource not found")
        return record

    def create(self, kind: str, given: Any, source: Source = Source.API) -> Body:
        """Make one."""
        values = {name: value for name, value in checked(kind, given).items() if value}
        made_id, at = str(self.world.next_id(self.connection, RECORD, start=101)), iso(now())
        record: Body = {"id": made_id, "kind": kind, "archived": False, "properties": {}, "history": {}}
        record |= {"createdAt": at, "associations": {}, "private": {}}
        self._refuse_taken(record, values)
        marks = marks_of(values.get("seamline_key", "")) or NO_MARKS
        if source is Source.API:
            record["private"]["made"] = marks
            self.world.record_effect(
                self.connection, SYSTEM, f"create-{SINGULAR[kind]}", object_id=f"made/{made_id}", **marks
            )
        events = [_event(record, "creation", source), *self._set(record, values, source)]
        self._save(record, events)
        return record

    def write(self, record: Body, given: Any, source: Source = Source.API) -> Body:
        """Change properties. A stage that HubSpot does not take there stays as it is, the others are changed."""
        values = checked(record["kind"], given)
        self._refuse_taken(record, values)
        self._save(record, self._set(record, values, source))
        return record

    def keep(self, record: Body, name: str, value: str) -> None:
        """Change what HubSpot keeps by itself."""
        self._save(record, self._set(record, {name: value}, Source.PEOPLE))

    def upsert(self, kind: str, wanted: Body) -> Body:
        """Change the object with this value of a unique property, or make one; `new` in the answer says which."""
        name = unique_property(kind, str(wanted.get("idProperty") or "hs_object_id"))
        value, given = str(wanted.get("id", "")), wanted.get("properties")
        known = self.look_up(kind, value, name)
        if known is None and (name == "hs_object_id" or not value):
            raise Refused(404, "OBJECT_NOT_FOUND", f"Could not get {kind} by {name}", context={"ids": [value]})
        properties = given if isinstance(given, dict) else {}
        record = self.write(known, given) if known else self.create(kind, {name: value} | properties)
        return shown(record, properties) | {"new": known is None}

    def update(self, kind: str, wanted: Body) -> Body:
        """Change one of a batch, by its id."""
        known = self.found(kind, str(wanted.get("id", "")), wanted.get("idProperty"))
        return shown(self.write(known, wanted.get("properties")), wanted["properties"])

    def archive(self, record: Body, source: Source = Source.API) -> None:
        """Put it into the bin."""
        kind = SINGULAR[record["kind"]]
        if made := record["private"].get("made"):
            operation = f"archive-{kind}" if source is Source.API else f"archive-{kind}-by-hand"
            object_id = f"made/{record['id']}"
            self.world.record_effect(self.connection, SYSTEM, operation, object_id=object_id, undoes=object_id, **made)
        record_loss(self.world, self.connection, record, source)
        record["archived"] = True
        self._save(record, [_event(record, "deletion", source)])

    def forget(self, record: Body, source: Source = Source.API) -> None:
        """Delete a contact for good, with its history, as the law on personal data may ask."""
        self.archive(record, source)
        record |= {"properties": {}, "history": {}, "associations": {}}
        self._save(record, [_event(record, "privacyDeletion", source)])

    def associate(self, record: Body, other: Body) -> None:
        """Let the two know of each other."""
        for one, two in ((record, other), (other, record)):
            known = one["associations"].setdefault(two["kind"], [])
            if two["id"] not in known:
                known.append(two["id"])
            self._save(one, [])

    # -- writing -------------------------------------------------------------------------------------------------------

    def _set(self, record: Body, values: Mapping[str, str], source: Source) -> list[Body]:
        """Set what changes, with its history; the events that tell it."""
        properties, events = record["properties"], []
        before = properties.get("lifecyclestage", "")
        for name, value in values.items():
            current = properties.get(name, "")
            if value == current or (name == "lifecyclestage" and not settable(current, value, source)):
                continue
            self._put(record, name, value, source)
            events.append(_event(record, "propertyChange", source) | {"propertyName": name, "propertyValue": value})
        after = properties.get("lifecyclestage", "")
        if after != before:
            if after:
                self._put(record, stage_date(after), iso(now()), source)
            marks = marks_of(values.get("seamline_key", ""))
            record_move(self.world, self.connection, record, before, marks, source)
        return events

    @staticmethod
    def _put(record: Body, name: str, value: str, source: Source) -> None:
        if value:
            record["properties"][name] = value
        else:
            record["properties"].pop(name, None)
        past = {"value": value, "timestamp": iso(now()), "sourceType": source.value}
        record["history"].setdefault(name, []).insert(0, past)

    def _refuse_taken(self, record: Body, values: Mapping[str, str]) -> None:
        """Refused when another object has one of these unique values."""
        for name, value in values.items():
            other = self.look_up(record["kind"], value, name) if PROPERTIES[record["kind"]][name].unique else None
            if other is None or other["id"] == record["id"] or not value:
                continue
            if name == "email":
                raise Refused(409, "CONFLICT", f"Contact already exists. Existing ID: {other['id']}")
            text = (
                f"Cannot set PropertyValueCoordinates{{propertyName={name}, value={value}}} on {record['id']}. "
                f"{other['id']} already has that value."
            )
            details = {"message": text, "code": "CONFLICTING_UNIQUE_VALUE", "context": {"propertyName": [name]}}
            raise Refused(400, "VALIDATION_ERROR", text, errors=[details])

    def _save(self, record: Body, events: list[Body]) -> None:
        """Keep it, with its unique values where they can be found, and tell what happened."""
        record["updatedAt"] = iso(now())
        if not record["archived"] or record["properties"]:
            record["properties"] |= {
                "hs_object_id": record["id"],
                "createdate": record["createdAt"],
                CHANGED_AT[record["kind"]]: record["updatedAt"],
            }
        unique = [name for name, known in PROPERTIES[record["kind"]].items() if known.unique]
        record |= {f"unique_{name}": record["properties"].get(name) for name in unique}
        self.world.put(self.connection, RECORD, record["id"], record)
        if events:
            self._tell(self.connection, events)


def _event(record: Body, what: str, source: Source) -> Body:
    return {
        "subscriptionType": f"{SINGULAR[record['kind']]}.{what}",
        "objectId": int(record["id"]),
        "changeSource": source.value,
    }


def shown(record: Body, wanted: Iterable[str] = (), history: Iterable[str] = ()) -> Body:
    """The object as the API shows it: these properties or the usual ones, null where there is no value."""
    kind = record["kind"]
    known = [name for name in wanted if name in PROPERTIES[kind]]
    names = dict.fromkeys([*(known or SHOWN[kind]), "hs_object_id", "createdate", CHANGED_AT[kind]])
    answer: Body = {
        "id": record["id"],
        "properties": {name: record["properties"].get(name) for name in names},
        "createdAt": record["createdAt"],
        "updatedAt": record["updatedAt"],
        "archived": record["archived"],
    }
    if pasts := {name: record["history"].get(name, []) for name in history if name in PROPERTIES[kind]}:
        answer["propertiesWithHistory"] = pasts
    return answer


def as_of(record: Body, seconds: float) -> Body | None:
    """The object as it was so long ago, None where it was not there yet."""
    if not seconds:
        return record
    moment = iso(now() - timedelta(seconds=seconds))
    if record["createdAt"] > moment:
        return None
    properties = dict(record["properties"])
    for name, pasts in record["history"].items():
        properties[name] = next((one["value"] for one in pasts if one["timestamp"] <= moment), "")
    return record | {"properties": properties}


def not_found(kind: str, ids: list[str]) -> Body:
    """What a batch says of ids that it did not find."""
    text = f"Could not get some {kind} objects, they may be deleted or not exist. Check that ids are valid."
    return error("OBJECT_NOT_FOUND", text, context={"ids": ids}, errors=[], links={})
