"""What a message or a start carries, decoded by us: a payload that no converter can read must harm nothing either."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RawValue

F = TypeVar("F", bound=Callable[..., Any])

UNREADABLE = object()
"""Stands for an argument that could not be decoded."""


def raw(handler: F) -> F:
    """Have Temporal hand `handler(self, *arguments)` its one argument undecoded.

    Temporal decodes before the handler is called. Where that fails it repeats the task of a start for ever, and logs a
    signal with its value. It asks the signature for types, which for `*arguments` names none: so one is shown instead.
    """
    place = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter("self", place), inspect.Parameter("argument", place, annotation=RawValue)]
    handler.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    answer = handler.__annotations__.get("return")
    handler.__annotations__ = {"argument": RawValue, **({"return": answer} if answer else {})}
    return handler


def read(arguments: Sequence[Any]) -> list[Any]:
    """The arguments as JSON values, UNREADABLE for each that is none."""
    return [_value(one) for one in arguments]


def _value(argument: Any) -> Any:
    if not isinstance(argument, RawValue):
        return argument
    try:
        return workflow.payload_converter().from_payload(argument.payload)
    except Exception:  # Converters raise what they like, and the text of it may hold the value.
        return UNREADABLE
