"""The business key of the object a process is about, and the effect keys made from it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

REFERENCE_LENGTH_MAX = 64
RETURN_SIGN = "-R"
"""Between an order's external id and the id of a return of it."""
_PART = r"\.[1-9][0-9]{0,3}"
_PATTERN = re.compile(rf"[a-z0-9][a-z0-9-]{{0,30}}:[A-Za-z0-9_-]{{1,40}}({_PART}|(\.0|{_PART}){_PART})?")
_KEY = re.compile(rf"(?P<reference>{_PATTERN.pattern})/[a-z0-9-]+#(?P<number>[1-9][0-9]*)")


def check_reference(text: str) -> str:
    """Return `text` if it is a reference, else raise ValueError that says what one looks like."""
    if not is_reference(text):
        raise ValueError("must look like connection:external-id, for example shop-uk:5001")
    return text


def is_reference(text: str) -> bool:
    """Whether `text` looks like a reference."""
    return len(text) <= REFERENCE_LENGTH_MAX and _PATTERN.fullmatch(text) is not None


Reference = Annotated[str, AfterValidator(check_reference)]
"""`connection:external id`; a part of it `connection:external id.part`, and a further parcel of that a number more.

The second fulfilment order of an order is `shop-uk:5001.2`, its third parcel `shop-uk:5001.2.3`. The whole counts as
part 0, so the second parcel of `shop-uk:5001` itself is `shop-uk:5001.0.2`; a first parcel is called as what it is of.
A return of the order is an object of its own, `shop-uk:5001-R9001`.
"""


def connection_of(reference: str) -> str:
    """The connection that the object comes from: `shop-uk` of `shop-uk:5001.2`."""
    return reference.split(":", 1)[0]


def external_id_of(reference: str) -> str:
    """The object's id in its own system, without the part: `5001` of `shop-uk:5001.2`."""
    return reference.split(":", 1)[1].split(".", 1)[0]


def whole_of(reference: str) -> str:
    """The reference without the part: `shop-uk:5001` of `shop-uk:5001.2`."""
    return reference.split(".", 1)[0]


def with_external_id(reference: str, external_id: str) -> str:
    """Another object of the same connection: `shop-uk:5001` of `shop-uk:5001-R9001` and `5001`."""
    return f"{connection_of(reference)}:{external_id}"


def beginnings_below(reference: str) -> tuple[str, str]:
    """How the references begin of what belongs to an object: its parts and parcels, and its returns."""
    return f"{reference}.", f"{reference}{RETURN_SIGN}"


def part_of(reference: str) -> int:
    """The part of the object: 2 of `shop-uk:5001.2`, 0 of the whole."""
    return int(reference.split(".")[1]) if "." in reference else 0


def with_part(reference: str, part: int) -> str:
    """The reference of a part of the whole."""
    return f"{reference}.{part}"


def with_parcel(reference: str, number: int) -> str:
    """The reference of the parcel with this number, of an order or a part of one."""
    return reference if number == 1 else f"{whole_of(reference)}.{part_of(reference)}.{number}"


def of_parcel(reference: str) -> str:
    """What a parcel is of: `shop-uk:5001` of `shop-uk:5001.0.2`, `shop-uk:5001.2` of `shop-uk:5001.2.3`."""
    whole, *numbers = reference.split(".")
    part = numbers[0] if numbers else "0"
    return whole if part == "0" else f"{whole}.{part}"


def effect_key(reference: str, purpose: str, number: int = 1) -> str:
    """The key an effect carries in the system where it lives: `shop-uk:5001/buy-label#1`."""
    return f"{reference}/{purpose}#{number}"


def reference_of(text: str) -> str:
    """The reference in an effect key, as `effect_key` makes it; empty when the text is none."""
    found = _KEY.fullmatch(text)
    return found["reference"] if found and len(found["reference"]) <= REFERENCE_LENGTH_MAX else ""


def number_of(text: str) -> int:
    """The number in an effect key: 2 of `shop-uk:5001/buy-label#2`, 0 when the text is none."""
    found = _KEY.fullmatch(text)
    return int(found["number"]) if found and reference_of(text) else 0
