"""What staff answer to a wait, by signal or update `decide`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from seamline.errors import Problem
from seamline.process.start import problems_of
from seamline.records.base import Record

R = TypeVar("R", bound=Record)


class Action(StrEnum):
    """The answers. Which of them a wait takes, it says itself."""

    APPROVE = "approve"
    REJECT = "reject"
    RETRY = "retry"
    AMEND = "amend"
    SKIP = "skip"
    CANCEL = "cancel"
    CHOOSE = "choose"


class Decision(Record):
    """One answer. `change` is a JSON merge patch (RFC 7386) of the request; `result` stands for the skipped step's."""

    wait: str = Field(min_length=1, max_length=100, description="The wait it answers, for example check-address#1.")
    action: Action
    who: str = Field(default="", max_length=100)
    why: str = Field(default="", max_length=500)
    change: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    choice: str = Field(default="", max_length=50, description="Which of the wait's choices; for `choose` alone.")


class Decided(Record):
    """A decision as it is kept. `verified`: an authenticated caller sent it; a signal's `who` is only claimed."""

    wait: str
    action: Action
    who: str
    why: str
    at: str
    verified: bool
    choice: str = ""


class BadDecision(ValueError):
    """A decision that cannot be taken; the text says why and names fields, never values."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{one.field} {one.reason}" for one in problems))
        self.problems = tuple(problems)


def read_decision(arguments: Sequence[Any]) -> Decision:
    """The decision in a message's arguments, whatever they are. BadDecision when they hold none."""
    if len(arguments) != 1 or not isinstance(arguments[0], dict):
        raise BadDecision([Problem(field="input", reason="must be one JSON object with wait and action")])
    try:
        return Decision.model_validate(arguments[0])
    except ValidationError as error:
        raise BadDecision(problems_of(error)) from None


def amend(record: R, change: Mapping[str, Any] | None) -> R:
    """`record` with a JSON merge patch applied, checked against its model. BadDecision names each wrong field."""
    if not change:
        raise BadDecision([Problem(field="change", reason="is missing: give the fields to amend")])
    before = record.model_dump(mode="json")
    unknown = _unknown_fields(before, change, "change")
    if unknown:
        raise BadDecision(unknown)
    return fit(type(record), _merged(before, change), "change")


def fit(kind: type[R], data: Any, place: str) -> R:
    """`data` as a record of `kind`. BadDecision names each wrong or missing field below `place`."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise BadDecision(
            [one.model_copy(update={"field": f"{place}.{one.field}"}) for one in problems_of(error)]
        ) from None


def _merged(target: Any, patch: Any) -> Any:
    """The merge patch applied. Beyond RFC 7386 a list takes one as well, by place: `{"lines": {"0": {...}}}`."""
    if not isinstance(patch, Mapping):
        return patch
    if isinstance(target, list):
        return [_merged(item, patch.get(str(place), item)) for place, item in enumerate(target)]
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged


def _unknown_fields(target: Any, patch: Mapping[str, Any], place: str) -> list[Problem]:
    problems = []
    known = {str(number): item for number, item in enumerate(target)} if isinstance(target, list) else target
    for name, value in patch.items():
        if not isinstance(known, Mapping) or name not in known:
            names = ", ".join(sorted(known)) if isinstance(known, Mapping) else "none"
            problems.append(Problem(field=f"{place}.{name}", reason=f"is no field here; there are: {names}"))
        elif isinstance(value, Mapping) and known[name] is not None:
            problems += _unknown_fields(known[name], value, f"{place}.{name}")
    return problems
