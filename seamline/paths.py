"""Places in a vendor's object or in a record, written as dotted paths.

Account.Website                     a field of a field
Addresses[AddressType=POBOX].City   of the element of a list of which a field has this value
^CurrencyCode                       of the object around this one
$connection                         what the caller gives
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from seamline.conversions import UNSET

AROUND = "^"
_STEP = re.compile(r"(?P<name>\w+)(\[(?P<by>\w+)=(?P<value>\w+)])?")


def is_own(path: str) -> bool:
    """Whether the path leads into the object itself."""
    return path[:1] not in ("$", AROUND)


def look(at: Any, path: str, given: Mapping[str, Any]) -> Any:
    """What is at the place: None where that is empty, UNSET where there is no such place.

    TypeError where something on the way has no fields. RuntimeError for what the caller ought to give and did not.
    """
    if path.startswith("$"):
        name, _, rest = path[1:].partition(".")
        return look(_given(given, name), rest, given) if rest else _given(given, name)
    if path.startswith(AROUND):
        return look(_given(given, AROUND), path[1:], given)
    for name, by, value in _steps(path):
        if at is None or at is UNSET:
            return UNSET
        at = _field(at, name)
        if by and at is not None and at is not UNSET:
            at = next((one for one in at if _field(one, by) == value), None)
    return at


def put(into: dict[str, Any], path: str, value: Any) -> None:
    """Set the place, making what is missing on the way."""
    steps = _steps(path)
    for place, (name, by, wanted) in enumerate(steps):
        last = place == len(steps) - 1
        if by:
            elements = into.setdefault(name, [])
            found = next((one for one in elements if one.get(by) == wanted), None)
            if found is None:
                found = {by: wanted}
                elements.append(found)
            into = found
        elif last:
            into[name] = value
        else:
            into = into.setdefault(name, {})


def owner(model: type[BaseModel], path: str) -> tuple[type[BaseModel], str]:
    """The model that holds the place's last field, and that field's name. ValueError when there is no such place."""
    steps = _steps(path)
    for place, (step, by, _) in enumerate(steps):
        field = _names(model).get(step)
        if field is None:
            raise ValueError(f"{model.__name__} has no field {step!r}, the path is {path!r}")
        if place == len(steps) - 1 and not by:
            return model, field
        model = _model_in(model.model_fields[field].annotation, path)
    raise ValueError(f"{path!r} ends in an element, not in a field")


@cache
def _steps(path: str) -> tuple[tuple[str, str, str], ...]:
    found = [_STEP.fullmatch(step) for step in path.split(".")]
    steps = [(one["name"], one["by"] or "", one["value"] or "") for one in found if one]
    if len(steps) != len(found):
        raise ValueError(f"{path!r} is no path")
    return tuple(steps)


def _given(given: Mapping[str, Any], name: str) -> Any:
    if name not in given:
        raise RuntimeError(f"the caller gives no {name!r}")
    return given[name]


def _field(at: Any, name: str) -> Any:
    if isinstance(at, Mapping):
        return at.get(name, UNSET)
    if isinstance(at, BaseModel):
        field = _names(type(at)).get(name)
        return getattr(at, field) if field else UNSET
    raise TypeError


@cache
def _names(model: type[BaseModel]) -> Mapping[str, str]:
    """The fields by the names that stand outside, which are the vendor's own, and by their own."""
    own = {name: name for name in model.model_fields}
    return own | {field.alias: name for name, field in model.model_fields.items() if field.alias}


def _model_in(annotation: Any, path: str) -> type[BaseModel]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        try:
            return _model_in(inner, path)
        except ValueError:
            continue
    raise ValueError(f"there are no fields on the way of {path!r}")
