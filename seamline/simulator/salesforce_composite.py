"""Salesforce's `composite`: several calls in one, each of which can name what an earlier one answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from seamline.simulator.salesforce_values import Problem
from seamline.simulator.world import Body

SUBREQUESTS_MAX = 25
_REFERENCE_ID = re.compile(r"[A-Za-z0-9_]{1,80}")
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)\.([A-Za-z0-9_.\[\]]+)\}")
_HALTED_BY_OTHER = "The transaction was rolled back since another operation in the same transaction failed."

Answer = tuple[int, Any, dict[str, str]]
"""Status, body and headers of one call."""
Do = Callable[[str, list[str], dict[str, str], Any], Answer]
"""Does one call: method, path behind the version in parts, query, body."""


class RolledBack(Exception):
    """One call of an all-or-none request failed, so that nothing of it may stay. Carries the answer."""

    def __init__(self, answer: Body) -> None:
        super().__init__("a part of a composite request failed")
        self.answer = answer


def composite(asked: Mapping[str, Any], do: Do, version: str) -> Body:
    """What a composite request answers. Raises RolledBack for the caller's transaction where all or none was asked."""
    calls = asked.get("compositeRequest")
    if not isinstance(calls, list) or not calls or not all(isinstance(one, dict) for one in calls):
        raise Problem("JSON_PARSER_ERROR", "compositeRequest: a list of subrequests is required")
    if len(calls) > SUBREQUESTS_MAX:
        text = f"The Composite API supports up to {SUBREQUESTS_MAX} subrequests."
        raise Problem("LIMIT_EXCEEDED", text)
    names = [one.get("referenceId") for one in calls]
    if any(not isinstance(name, str) or not _REFERENCE_ID.fullmatch(name) for name in names):
        raise Problem("INVALID_INPUT", "referenceId: letters, digits and underscores are required")
    if len(set(names)) < len(names):
        raise Problem("INVALID_INPUT", "referenceId: must be unique in a composite request")
    answered: dict[str, Any] = {}
    answers = [_answered(one, do, answered, version) for one in calls]
    failed = next((one for one in answers if one["httpStatusCode"] >= 300), None)
    if asked.get("allOrNone") and failed:
        raise RolledBack({"compositeResponse": [one if one is failed else _halted(one) for one in answers]})
    return {"compositeResponse": answers}


def _answered(one: Mapping[str, Any], do: Do, answered: dict[str, Any], version: str) -> Body:
    try:
        method, parts, query = _address(_filled(one.get("url", ""), answered), str(one.get("method", "")), version)
        status, body, headers = do(method, parts, query, _filled(one.get("body"), answered))
    except Problem as problem:
        status, body, headers = problem.status, problem.body, {}
    name = one["referenceId"]
    if status < 300:
        answered[name] = body
    return {"body": body, "httpHeaders": headers, "httpStatusCode": status, "referenceId": name}


def _address(url: str, method: str, version: str) -> tuple[str, list[str], dict[str, str]]:
    split = urlsplit(url)
    start = f"/services/data/{version}/"
    if not split.path.startswith(start):
        raise Problem("NOT_FOUND", "The requested resource does not exist", status=404)
    query = dict(part.partition("=")[::2] for part in split.query.split("&") if part)
    parts = [unquote(part) for part in split.path.removeprefix(start).strip("/").split("/")]
    return method.upper(), parts, {name: unquote(value.replace("+", " ")) for name, value in query.items()}


def _halted(answer: Body) -> Body:
    """What a call answers that was taken back because another failed."""
    body = [{"errorCode": "PROCESSING_HALTED", "message": _HALTED_BY_OTHER}]
    return answer | {"body": body, "httpHeaders": {}, "httpStatusCode": 400}


def _filled(value: Any, answered: Mapping[str, Any]) -> Any:
    """The value with every @{name.path} replaced by what was answered there."""
    if isinstance(value, dict):
        return {name: _filled(one, answered) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, answered) for one in value]
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: str(_at(answered, found.group(1), found.group(2))), value)
    return value


def _at(answered: Mapping[str, Any], name: str, path: str) -> Any:
    value = answered.get(name)
    for part in re.findall(r"[A-Za-z0-9_]+", path):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        text = f"Invalid reference specified. No value for {path} found in {name}"
        raise Problem("PROCESSING_HALTED", text)
    return value
