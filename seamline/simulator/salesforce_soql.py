"""The part of SOQL that the simulated Salesforce reads, strictly: anything else is MALFORMED_QUERY.

SELECT fields, parents' fields (`Account.Name`) and one level of subqueries FROM a type WHERE comparisons joined by AND
(=, !=, <, <=, >, >=, IN, NOT IN) ORDER BY fields LIMIT a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from seamline.simulator.salesforce_values import Problem

QUERY_LENGTH_MAX = 100_000
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^'\\]|\\.)*')
    |(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    |(?P<date>\d{4}-\d\d-\d\d)
    |(?P<number>[+-]?\d+(?:\.\d+)?)
    |(?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)
    |(?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "'": "'", '"': '"', "\\": "\\"}
_SIGNS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_RESERVED = ("SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "LIKE", "ORDER", "BY", "LIMIT", "GROUP", "HAVING")

Value = str | float | bool | datetime | None


@dataclass(frozen=True)
class Literal:
    """A value in a query, and how it was written: string, number, date, datetime, boolean, null."""

    kind: str
    value: Value


@dataclass(frozen=True)
class Test:
    """One comparison. `sign` is =, !=, <, <=, >, >=, IN or NOT IN; only the last two have more than one value."""

    path: str
    sign: str
    values: tuple[Literal, ...]


@dataclass
class Query:
    """A query that was read. `source` is the object type, in a subquery the child relationship."""

    fields: list[str] = field(default_factory=list)
    children: list[Query] = field(default_factory=list)
    source: str = ""
    tests: list[Test] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)
    """Paths, and whether they go down."""
    limit: int | None = None


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


Read = TypeVar("Read")


def read_query(text: str) -> Query:
    """The query of this text. Problem MALFORMED_QUERY where it cannot be read."""
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._cut()
        self._next = 0

    def whole(self) -> Query:
        query = self._query()
        if self._next < len(self._tokens):
            raise self._unexpected()
        return query

    def _cut(self) -> list[_Token]:
        if len(self._text) > QUERY_LENGTH_MAX:
            raise Problem("MALFORMED_QUERY", f"SOQL statements cannot be longer than {QUERY_LENGTH_MAX} characters.")
        tokens, at = [], 0
        text = self._text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._malformed(at, f"unexpected token: '{text[at:].split()[0][:20]}'")
            kind = found.lastgroup or ""
            tokens.append(_Token(kind, found.group(kind), found.start(kind)))
            at = found.end()
        return tokens

    # -- clauses -----------------------------------------------------------------------------------------------------

    def _query(self, *, inner: bool = False) -> Query:
        query = Query()
        self._word("SELECT")
        self._listed(lambda: self._selected(query, inner=inner))
        self._word("FROM")
        query.source = self._name()
        if self._took("WHERE"):
            query.tests.append(self._test())
            while self._took("AND"):
                query.tests.append(self._test())
        if self._took("ORDER"):
            self._word("BY")
            query.order = self._listed(self._ordered)
        if self._took("LIMIT"):
            query.limit = self._limit()
        return query

    def _selected(self, query: Query, *, inner: bool) -> None:
        if not inner and self._sign("("):
            query.children.append(self._query(inner=True))
            self._closing()
        else:
            query.fields.append(self._name())

    def _test(self) -> Test:
        path = self._name()
        if self._took("NOT"):
            self._word("IN")
            return Test(path, "NOT IN", self._values())
        if self._took("IN"):
            return Test(path, "IN", self._values())
        for sign in _SIGNS:
            if self._sign(sign):
                return Test(path, "!=" if sign == "<>" else sign, (self._literal(),))
        raise self._unexpected()

    def _values(self) -> tuple[Literal, ...]:
        if not self._sign("("):
            raise self._unexpected()
        values = self._listed(self._literal)
        self._closing()
        return tuple(values)

    def _ordered(self) -> tuple[str, bool]:
        path = self._name()
        down = self._took("DESC")
        if not down:
            self._took("ASC")
        return path, down

    def _limit(self) -> int:
        token = self._peek()
        if token is None or not token.text.isdigit():
            raise self._unexpected()
        self._next += 1
        return int(token.text)

    def _listed(self, read: Callable[[], Read]) -> list[Read]:
        values = [read()]
        while self._sign(","):
            values.append(read())
        return values

    # -- words -------------------------------------------------------------------------------------------------------

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _took(self, word: str) -> bool:
        token = self._peek()
        taken = token is not None and token.kind == "name" and token.text.upper() == word
        self._next += taken
        return taken

    def _word(self, word: str) -> None:
        if not self._took(word):
            raise self._unexpected()

    def _sign(self, sign: str) -> bool:
        token = self._peek()
        taken = token is not None and token.kind == "sign" and token.text == sign
        self._next += taken
        return taken

    def _closing(self) -> None:
        if not self._sign(")"):
            raise self._unexpected()

    def _name(self) -> str:
        token = self._peek()
        if token is None or token.kind != "name" or token.text.upper() in _RESERVED:
            raise self._unexpected()
        self._next += 1
        return token.text

    def _literal(self) -> Literal:
        token = self._peek()
        if token is None:
            raise self._unexpected()
        literal = self._literal_of(token)
        self._next += 1
        return literal

    def _literal_of(self, token: _Token) -> Literal:
        match token.kind:
            case "string":
                return Literal("string", self._unescaped(token))
            case "number":
                return Literal("number", float(token.text))
            case "date":
                return Literal("date", token.text)
            case "datetime":
                return Literal("datetime", self._time(token))
            case "name" if token.text.upper() in ("TRUE", "FALSE"):
                return Literal("boolean", token.text.upper() == "TRUE")
            case "name" if token.text.upper() == "NULL":
                return Literal("null", None)
        raise self._unexpected()

    def _time(self, token: _Token) -> datetime:
        try:
            return datetime.fromisoformat(token.text).astimezone(UTC)
        except ValueError:
            raise self._malformed(token.at, f"Invalid datetime: {token.text}") from None

    def _unescaped(self, token: _Token) -> str:
        def one(found: re.Match[str]) -> str:
            if found.group(1) not in _ESCAPES:
                raise self._malformed(token.at, "Illegal string literal: an unknown escape")
            return _ESCAPES[found.group(1)]

        return re.sub(r"\\(.)", one, token.text[1:-1], flags=re.DOTALL)

    # -- errors ------------------------------------------------------------------------------------------------------

    def _unexpected(self) -> Problem:
        token = self._peek()
        if token is None:
            return self._malformed(len(self._text), "unexpected token: '<EOF>'")
        return self._malformed(token.at, f"unexpected token: '{token.text}'")

    def _malformed(self, at: int, text: str) -> Problem:
        shown = self._text[max(0, at - 20) : at + 30].replace("\n", " ")
        return Problem("MALFORMED_QUERY", f"\n{shown}\nERROR at Row:1:Column:{at + 1}\n{text}")
