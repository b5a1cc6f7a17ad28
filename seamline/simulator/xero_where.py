"""Xero's lists: the language of `where`, `order`, pages and If-Modified-Since.

`where` knows ==, !=, <, <=, >, >=, AND, OR, brackets, StartsWith, EndsWith, Contains, ToLower, ToUpper, text in double
quotes, numbers, true, false, null, Guid("...") and DateTime(2026, 11, 22). What is not given is null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from seamline.simulator.world import Body
from seamline.simulator.xero_answers import Refused, exception, read_ms

PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_MAX = 1_000
WHERE_LENGTH_MAX = 2_000

Test = Callable[[Body], bool]
_Value = Callable[[Body], Any]

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>\.?[A-Za-z_][A-Za-z0-9_.]*)"""
    r"""|(?P<sign>==|!=|<=|>=|&&|\|\||[<>(),]))"""
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_TEXT_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
    "Contains": str.__contains__,
}
_TEXT_CHANGES: Mapping[str, Callable[[str], str]] = {"ToLower": str.lower, "ToUpper": str.upper}


def where(text: str) -> Test:
    """The test that this condition is."""
    if len(text) > WHERE_LENGTH_MAX:
        raise _unreadable("the condition is too long")
    reader = _Reader(text)
    test = reader.either()
    reader.end()
    return test


def arranged(items: list[Body], order: str) -> list[Body]:
    """Items in the order that `order` asks for, as `UpdatedDateUTC DESC`."""
    field, _, direction = order.strip().partition(" ")
    if direction.strip().upper() not in ("", "ASC", "DESC"):
        raise _unreadable("order knows ASC and DESC")
    keyed = [(_field(item, field), item) for item in items]
    known = [pair for pair in keyed if pair[0] is not None]
    try:
        known.sort(key=lambda pair: pair[0], reverse=direction.strip().upper() == "DESC")
    except TypeError:
        raise _unreadable("nothing can be ordered by this field") from None
    return [item for _, item in known] + [item for value, item in keyed if value is None]


def paged(items: list[Body], query: Mapping[str, str]) -> tuple[list[Body], Body]:
    """The page that is asked for, and what Xero says of it."""
    page, size = _count(query, "page", 1), _count(query, "pageSize", PAGE_SIZE_DEFAULT)
    if size > PAGE_SIZE_MAX:
        raise Refused(exception(10, "ValidationException", f"pageSize must not be greater than {PAGE_SIZE_MAX}"))
    pages = -(-len(items) // size)
    shown = items[(page - 1) * size : page * size]
    return shown, {"page": page, "pageSize": size, "pageCount": pages, "itemCount": len(items)}


def modified_since(header: str) -> datetime:
    """The moment of an If-Modified-Since header, in ISO 8601 or as HTTP writes it."""
    try:
        moment = datetime.fromisoformat(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            raise Refused(exception(17, "IfModifiedSinceException", "If-Modified-Since is no date")) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _count(query: Mapping[str, str], name: str, default: int) -> int:
    given = query.get(name, "")
    if not given:
        return default
    if not given.isascii() or not given.isdigit() or not int(given[:9]) >= 1:
        raise Refused(exception(10, "ValidationException", f"{name} must be a number from 1 on"))
    return int(given[:9])


def _unreadable(why: str) -> Refused:
    return Refused(exception(16, "QueryParseException", why))


def _field(item: Body, path: str) -> Any:
    """What the item has there: times as times, None for nothing."""
    value: Any = item
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str):
        return read_ms(value) or value
    return value if isinstance(value, str | int | float | bool) else None


def _of_text(value: _Value, method: str, given: list[_Value]) -> _Value:
    """What this method makes of a text; nothing counts as an empty one."""
    if method in _TEXT_TESTS and len(given) == 1:
        return lambda item: _TEXT_TESTS[method](str(value(item) or ""), str(given[0](item)))
    if method in _TEXT_CHANGES and not given:
        return lambda item: _TEXT_CHANGES[method](str(value(item) or ""))
    raise _unreadable(f"there is no {method} here")


class _Reader:
    """Reads a condition from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise _unreadable(f"nothing can be read at position {at}")
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self.at = 0

    def either(self) -> Test:
        tests = [self.all_of()]
        while self.took("||", "OR"):
            tests.append(self.all_of())
        return lambda item: any(test(item) for test in tests)

    def all_of(self) -> Test:
        tests = [self.one()]
        while self.took("&&", "AND"):
            tests.append(self.one())
        return lambda item: all(test(item) for test in tests)

    def one(self) -> Test:
        if self.took("("):
            test = self.either()
            self.need(")")
            return test
        left = self.value()
        if not (self.at < len(self.tokens) and self.tokens[self.at][1] in _COMPARE):
            return lambda item: left(item) is True
        sign = self.tokens[self.at][1]
        compare = _COMPARE[sign]
        self.at += 1
        right = self.value()

        def holds(item: Body) -> bool:
            try:
                return compare(left(item), right(item))
            except TypeError:
                return False

        return holds

    def value(self) -> _Value:
        kind, token = self.next()
        if kind == "text":
            text = re.sub(r"\\(.)", r"\1", token[1:-1])
            return lambda _: text
        if kind == "number":
            return lambda _: float(token)
        if kind != "name":
            raise _unreadable(f"{token} was not expected")
        if token.lower() in ("true", "false", "null"):
            constant = {"true": True, "false": False, "null": None}[token.lower()]
            return lambda _: constant
        if not self.took("("):
            return lambda item: _field(item, token)
        value = self.called(token, self.arguments())
        while self.at < len(self.tokens) and self.tokens[self.at][1].startswith("."):
            method = self.next()[1][1:]
            self.need("(")
            value = _of_text(value, method, self.arguments())
        return value

    def arguments(self) -> list[_Value]:
        given: list[_Value] = []
        while not self.took(")"):
            if given:
                self.need(",")
            given.append(self.value())
        return given

    def called(self, name: str, given: list[_Value]) -> _Value:
        if name.lower() == "guid" and len(given) == 1:
            return given[0]
        if name.lower() == "datetime" and len(given) in (3, 6):
            try:
                moment = datetime(*(int(one({})) for one in given), tzinfo=UTC)  # type: ignore[misc, arg-type]
            except (TypeError, ValueError):
                raise _unreadable("DateTime needs year, month and day") from None
            return lambda _: moment
        path, _, method = name.rpartition(".")
        return _of_text(lambda item: _field(item, path), method, given)

    def took(self, *wanted: str) -> bool:
        found = self.at < len(self.tokens) and self.tokens[self.at][0] != "text"
        found = found and self.tokens[self.at][1].upper() in wanted
        self.at += found
        return found

    def need(self, wanted: str) -> None:
        if not self.took(wanted):
            raise _unreadable(f"{wanted} is missing")

    def next(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise _unreadable("the condition ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise _unreadable(f"{self.tokens[self.at][1]} was not expected")
