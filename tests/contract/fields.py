"""Which fields of a JSON body a description does not know: it allows them all, and a misspelt one would say nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
_PARTS = ("allOf", "anyOf", "oneOf")


def unknown_fields(description: Schema, schema: Schema, body: Any, place: str = "") -> Iterator[str]:
    """The paths of fields that no part of the schema names; none below what may have any fields."""
    parts = list(_parts(description, schema))
    if isinstance(body, list):
        inner = {"anyOf": [part["items"] for part in parts if "items" in part]}
        for number, one in enumerate(body):
            yield from unknown_fields(description, inner, one, f"{place}[{number}]")
    elif isinstance(body, dict):
        named = [part["properties"] for part in parts if "properties" in part]
        if not named or any(part.get("additionalProperties") for part in parts):
            return
        for name, value in body.items():
            found = [properties[name] for properties in named if name in properties]
            where = f"{place}.{name}".lstrip(".")
            if found:
                yield from unknown_fields(description, {"anyOf": found}, value, where)
            else:
                yield where


def resolved(description: Schema, place: Schema) -> Schema:
    """What a reference leads to, or the place itself where it is none."""
    while "$ref" in place:
        target: Any = description
        for step in place["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        place = target
    return place


def _parts(description: Schema, schema: Schema) -> Iterator[Schema]:
    """A schema and everything it is put together from."""
    schema = resolved(description, schema)
    yield schema
    for name in _PARTS:
        for part in schema.get(name, ()):
            yield from _parts(description, part)
