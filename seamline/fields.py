"""Which field of theirs is which field of ours: declared once, and used for reading, writing and printing alike.

    CUSTOMER = FieldMapping("Salesforce", Customer, "Account", (
        Field(("$connection", "Id"), "reference", REFERENCE),
        Field("Website", "domain", DOMAIN, "empty when none"),
        Field("BillingCity", "address.city", TEXT),
    ))
    CUSTOMER.read(answer, connection="crm-main")        # a Customer, or Refusal `unmappable`
    CUSTOMER.write(customer, connection="crm-main")     # what the vendor is sent

A value that cannot be mapped is refused by its place, its kind and the remedy. The value itself is never told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from seamline.conversions import AS_IS, UNSET, Conversion
from seamline.errors import Problem, Refusal
from seamline.paths import AROUND, is_own, look, owner, put

R = TypeVar("R", bound=BaseModel)
Given = Mapping[str, Any]

_MISFITS = (ValueError, TypeError, ArithmeticError, LookupError)


class Way(StrEnum):
    """Which way a field goes."""

    BOTH = "both"
    READ = "read"
    WRITE = "write"


LEFT_OUT = UNSET
"""Let a mapping's `empty` be this, and empty fields are not sent at all."""


@dataclass(frozen=True)
class Field:
    """One correspondence. Several places on a side make one value, or are made from one.

    Theirs are paths in the vendor's object, ours in the record; `$name` is what the caller gives beside. `rule` says in
    words what the conversion does not. With `each`, both are lists, and each element is mapped by that mapping; those
    that `only` says no to are passed over when theirs are read.
    """

    theirs: str | tuple[str, ...]
    ours: str | tuple[str, ...]
    conversion: Conversion = AS_IS
    rule: str = ""
    way: Way = Way.BOTH
    each: FieldMapping[Any] | None = None
    only: Callable[[Any], bool] | None = None
    fact: str = ""
    """What both are, where other records name the same thing by another field: `Customer.reference`."""

    @property
    def their_paths(self) -> tuple[str, ...]:
        """Theirs, always several."""
        return _several(self.theirs)

    @property
    def our_paths(self) -> tuple[str, ...]:
        """Ours, always several."""
        return _several(self.ours)

    @property
    def deciding(self) -> str:
        """The one of their places that problems are told by: the first in the object itself."""
        return next(filter(is_own, self.their_paths), self.their_paths[0])

    @property
    def place(self) -> str:
        """That place in words."""
        return self.deciding.lstrip("^$")

    def leads_to(self, loc: Sequence[str]) -> bool:
        """Whether ours holds this place of the record, or lies in it."""
        paths = [path.split(".") for path in self.our_paths if is_own(path)]
        return any(all(one == other for one, other in zip(path, loc, strict=False)) for path in paths)


@dataclass(frozen=True)
class FieldMapping(Generic[R]):
    """The fields of one of their objects and one of our records. `wire` is the model that their object was read into.

    Paths that lead nowhere, in the record or in the wire model, raise ValueError when the mapping is made.
    """

    system: str
    """As people call it."""
    record: type[R]
    theirs: str
    """Their name of the object."""
    fields: tuple[Field, ...]
    way: Way = Way.BOTH
    wire: type[BaseModel] | None = None
    empty: Any = None
    """What is sent for an empty field; LEFT_OUT sends nothing."""

    def __post_init__(self) -> None:
        for field in self.fields:
            for path in filter(is_own, field.our_paths):
                owner(self.record, path)
            for path in filter(is_own, field.their_paths if self.wire else ()):
                owner(self.wire, path)  # type: ignore[arg-type]

    @property
    def fields_read(self) -> Sequence[Field]:
        """Those that make ours from theirs."""
        reads = self.way is not Way.WRITE
        return [one for one in self.fields if reads and one.way is not Way.WRITE and one.conversion.read]

    @property
    def fields_written(self) -> Sequence[Field]:
        """Those that make theirs from ours."""
        writes = self.way is not Way.READ
        return [one for one in self.fields if writes and one.way is not Way.READ and one.conversion.write]

    def read(self, raw: Mapping[str, Any] | BaseModel, at: str = "", /, **given: Any) -> R:
        """Their object as our record. Refusal `unmappable` with a problem for each field that does not fit.

        `at` is where the object itself is, for the places that are told: `transactions.3`.
        """
        place = f"{at}." if at else ""
        values, problems = self._values(raw, given, place)
        if not problems:
            try:
                return self.record.model_validate(values)
            except ValidationError as error:
                found = error.errors(include_input=False, include_url=False, include_context=False)
                problems = [self._refused(raw, given, place, [str(step) for step in one["loc"]], one) for one in found]
        raise Refusal("unmappable", f"{self.theirs} in {self.system} does not fit", problems=problems)

    def write(self, values: Mapping[str, Any] | BaseModel, **given: Any) -> dict[str, Any]:
        """Our record, or some of its fields, as their object. What `values` lacks is left out."""
        body, problems = self._body(values, given, "")
        if problems:
            raise Refusal("unmappable", f"{self.system} has no place for a value of ours", problems=problems)
        return body

    # ---- reading --------------------------------------------------------------------------------------------------

    def _values(self, raw: Any, given: Given, place: str) -> tuple[dict[str, Any], list[Problem]]:
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        for field in self.fields_read:
            try:
                theirs = [look(raw, path, given) for path in field.their_paths]
                if field.each:
                    ours, wrong = _elements(field, theirs[0], {**given, AROUND: raw}, f"{place}{field.place}.")
                    problems += wrong
                else:
                    ours = _converted(field, theirs)
            except _MISFITS:
                wanted = "a list" if field.each else field.conversion.needed
                kind = _kind_at(field, raw, given)
                problems.append(self._problem(f"{place}{field.place}", f"is {kind}, and must be {wanted}"))
                continue
            _set(values, field.our_paths, ours)
        return values, problems

    def _refused(self, raw: Any, given: Given, place: str, loc: Sequence[str], error: ErrorDetails) -> Problem:
        """What the record's own rules say of a value, told by its place in their object."""
        field = next((one for one in self.fields_read if one.leads_to(loc)), None)
        if field is None:
            return self._problem(f"{place}{'.'.join(loc)}" or "body", f"does not fit ({error['msg']})")
        below = loc[len(field.our_paths[0].split(".")) :]
        if field.each and below:
            number, element = _kept(field, look(raw, field.their_paths[0], given))[int(below[0])]
            inner = f"{place}{field.place}.{number}."
            return field.each._refused(element, {**given, AROUND: raw}, inner, below[1:], error)
        if error["type"] == "missing":
            return self._problem(f"{place}{field.place}", "is empty, and is needed")
        kind = _kind_at(field, raw, given)
        return self._problem(f"{place}{field.place}", f"is {kind} that does not fit ({error['msg']})")

    def _problem(self, place: str, wrong: str) -> Problem:
        return Problem(field=place, reason=f"{wrong}: correct it in {self.system}, then retry")

    # ---- writing --------------------------------------------------------------------------------------------------

    def _body(self, values: Any, given: Given, place: str) -> tuple[dict[str, Any], list[Problem]]:
        body: dict[str, Any] = {}
        problems: list[Problem] = []
        for field in self.fields_written:
            try:
                ours = [look(values, path, given) for path in field.our_paths]
                if any(value is UNSET for value in ours):
                    continue
                if field.each:
                    around = {**given, AROUND: values}
                    written = [
                        field.each._body(one, around, f"{place}{field.our_paths[0]}.{n}.")
                        for n, one in enumerate(ours[0] or ())
                    ]
                    problems += [problem for _, wrong in written for problem in wrong]
                    theirs: Any = [element for element, _ in written]
                else:
                    theirs = self._sent(field, ours)
            except _MISFITS:
                reason = f"is {kind_of(ours[0])} that {self.system} has no place for: amend it, or skip"
                problems.append(Problem(field=f"{place}{field.our_paths[0]}", reason=reason))
                continue
            _set(body, field.their_paths, theirs)
        return body, problems

    def _sent(self, field: Field, ours: Sequence[Any]) -> Any:
        if ours and all(value is None or value == "" for value in ours):
            return self.empty if isinstance(field.theirs, str) else (self.empty,) * len(field.theirs)
        return field.conversion.write(*ours) if field.conversion.write else UNSET


def kind_of(value: object) -> str:
    """What a value is, without telling it."""
    if value is None or value is UNSET or value == "":
        return "empty"
    return next((name for kinds, name in _KINDS if isinstance(value, kinds)), "an object")


_KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "yes or no"),
    ((int, float, Decimal), "a number"),
    (str, "text"),
    (date, "a date"),
    ((list, tuple), "a list"),
)


def _kind_at(field: Field, raw: Any, given: Given) -> str:
    try:
        return kind_of(look(raw, field.deciding, given))
    except TypeError:
        return "in something that has no fields"


def _elements(field: Field, theirs: Any, given: Given, place: str) -> tuple[list[dict[str, Any]], list[Problem]]:
    if theirs is None or theirs is UNSET:
        return [], []
    if field.each is None or not isinstance(theirs, list | tuple):
        raise TypeError
    read = [field.each._values(one, given, f"{place}{number}.") for number, one in _kept(field, theirs)]
    return [values for values, _ in read], [problem for _, wrong in read for problem in wrong]


def _kept(field: Field, theirs: Sequence[Any]) -> list[tuple[int, Any]]:
    return [(number, one) for number, one in enumerate(theirs) if field.only is None or field.only(one)]


def _converted(field: Field, theirs: Sequence[Any]) -> Any:
    conversion = field.conversion
    own = [value for path, value in zip(field.their_paths, theirs, strict=True) if not path.startswith("$")]
    known = [None if value is UNSET else value for value in theirs]
    if conversion.takes_none and conversion.read:
        return conversion.read(*known)
    if all(value is UNSET for value in own or theirs):
        return UNSET
    if own and all(value in (None, UNSET) or (value == "" and not conversion.takes_blank) for value in own):
        return conversion.empty
    return conversion.read(*known) if conversion.read else UNSET


def _set(into: dict[str, Any], paths: tuple[str, ...], values: Any) -> None:
    for path, value in zip(paths, values if len(paths) > 1 else (values,), strict=True):
        if is_own(path) and value is not UNSET:
            put(into, path, value)


def _several(paths: str | tuple[str, ...]) -> tuple[str, ...]:
    return (paths,) if isinstance(paths, str) else paths
