"""What the mappings of all systems say, to be printed: field by field, and which fields of several systems are one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seamline.fields import Field, FieldMapping, Way
from seamline.paths import is_own, owner
from seamline.records.base import Record
from seamline.records.money import Money


class FieldRow(Record):
    """One correspondence. `way` says whether it is read, written, or both."""

    theirs: tuple[str, ...]
    ours: tuple[str, ...]
    way: Way
    conversion: str
    rule: str = ""


class MappingTable(Record):
    """One of their objects and one of our records."""

    system: str
    object: str
    record: str
    fields: tuple[FieldRow, ...]


class Place(Record):
    """A field of a system's object."""

    system: str
    object: str
    field: str


class Correspondence(Record):
    """One thing, and where systems hold it."""

    thing: str
    places: tuple[Place, ...]


class Printed(Record):
    """All that is printed."""

    mappings: tuple[MappingTable, ...]
    correspondences: tuple[Correspondence, ...]


Known = Mapping[str, Sequence[FieldMapping[Any]]]
"""The mappings by the system's folder."""


def printed(known: Known, system: str = "", record: str = "") -> Printed:
    """The mappings of one system or record, or of all; correspondences are those of the fields that are shown."""
    whole = {folder: with_parts(mappings) for folder, mappings in known.items()}
    chosen = [
        one
        for folder, mappings in whole.items()
        for one in mappings
        if system in ("", folder) and record in ("", one.record.__name__)
    ]
    shown = {thing for one in chosen for field in one.fields for thing in things(one, field)}
    return Printed(
        mappings=tuple(map(table, chosen)),
        correspondences=tuple(
            one for one in correspondences(mapping for all_ in whole.values() for mapping in all_) if one.thing in shown
        ),
    )


def with_parts(mappings: Iterable[FieldMapping[Any]]) -> Sequence[FieldMapping[Any]]:
    """The mappings, each followed by those of its lists' elements, and each once."""
    found: list[FieldMapping[Any]] = []
    for mapping in mappings:
        for one in (mapping, *with_parts(field.each for field in mapping.fields if field.each)):
            if not any(one is other for other in found):
                found.append(one)
    return found


def table(mapping: FieldMapping[Any]) -> MappingTable:
    """What one mapping says."""
    return MappingTable(
        system=mapping.system,
        object=mapping.theirs,
        record=mapping.record.__name__,
        fields=tuple(_row(mapping, field) for field in mapping.fields),
    )


def correspondences(mappings: Iterable[FieldMapping[Any]]) -> Sequence[Correspondence]:
    """The things that more than one system holds, in the order of their names."""
    places: dict[str, dict[Place, None]] = {}
    for mapping in mappings:
        for field in mapping.fields:
            for thing in things(mapping, field):
                theirs = " + ".join(filter(is_own, field.their_paths))
                place = Place(system=mapping.system, object=mapping.theirs, field=theirs)
                places.setdefault(thing, {})[place] = None
    return [
        Correspondence(thing=thing, places=tuple(found))
        for thing, found in sorted(places.items())
        if len({place.system for place in found}) > 1
    ]


def things(mapping: FieldMapping[Any], field: Field) -> Sequence[str]:
    """What a field is, by the record that holds it, or as it is declared. Nothing where either side has no field."""
    if field.each or not any(map(is_own, field.their_paths)):
        return []
    if field.fact:
        return [field.fact]
    owners = [owner(mapping.record, path) for path in field.our_paths if is_own(path)]
    return [f"{model.__name__}.{name}" for model, name in owners if model is not Money]


def _row(mapping: FieldMapping[Any], field: Field) -> FieldRow:
    read, written = field in mapping.fields_read, field in mapping.fields_written
    way = Way.BOTH if read and written else Way.READ if read else Way.WRITE
    conversion = f"each as {field.each.record.__name__}" if field.each else field.conversion.name
    needed = "needed" if read and _needed(mapping, field) else ""
    return FieldRow(
        theirs=field.their_paths,
        ours=field.our_paths,
        way=way,
        conversion=conversion,
        rule="; ".join(filter(None, [needed, field.rule])),
    )


def _needed(mapping: FieldMapping[Any], field: Field) -> bool:
    found = [owner(mapping.record, path) for path in field.our_paths if is_own(path)]
    return any(model.model_fields[name].is_required() for model, name in found)
