"""What the vendors' published descriptions have against what goes over the wire, in both directions.

Addresses are the simulator's: `/<system>/<connection>/...`. What a vendor describes nowhere is let pass, and counted.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from functools import cache
from typing import ClassVar, Protocol, Self

import httpx

from seamline.http import Answer, Exchange
from tests.contract.descriptions import shippo, shippo_api, shopify_schema, xero, xero_api
from tests.contract.graphql_answers import answer_problems, document_problems
from tests.contract.openapi import OpenApiJudge

_GRAPHQL = re.compile(r"/admin/api/[\w-]+/graphql\.json")
_ANSWER_FIELDS = {"data", "errors", "extensions"}
_WORD = re.compile(r"[A-Z_]*|[a-z_]*")
_ERROR_FIELDS = {"message", "locations", "path", "extensions"}


class Judge(Protocol):
    """A vendor's description."""

    def covers(self, path: str) -> bool:
        """Whether it is this description that must know the path."""

    def describes(self, path: str, request: httpx.Request, answer: Answer) -> bool:
        """Whether it says anything of such an answer."""

    def request(self, path: str, request: httpx.Request) -> Iterator[str]:
        """What is wrong with a request."""

    def answer(self, path: str, request: httpx.Request, answer: Answer) -> Iterator[str]:
        """What is wrong with an answer."""


class ShopifyJudge:
    """Shopify's schema: documents, variables, answers and errors. It has nothing on tokens and statuses."""

    def covers(self, path: str) -> bool:
        return bool(_GRAPHQL.fullmatch(path))

    def describes(self, path: str, request: httpx.Request, answer: Answer) -> bool:
        return answer.status == 200

    def request(self, path: str, request: httpx.Request) -> Iterator[str]:
        yield from document_problems(shopify_schema(), json.loads(request.content)["query"])

    def answer(self, path: str, request: httpx.Request, answer: Answer) -> Iterator[str]:
        sent, body = json.loads(request.content), answer.json()
        yield from (f"{name}: is no part of a GraphQL answer" for name in body.keys() - _ANSWER_FIELDS)
        for number, error in enumerate(body.get("errors", ())):
            if not isinstance(error.get("message"), str) or error.keys() - _ERROR_FIELDS:
                yield f"errors.{number}: is no GraphQL error"
        if body.get("data") is not None:
            yield from answer_problems(shopify_schema(), sent["query"], body["data"], sent.get("variables"))
        elif not body.get("errors"):
            yield "has neither data nor errors"


@cache
def judges() -> dict[str, Judge]:
    """System -> its description."""
    return {
        "shopify": ShopifyJudge(),
        "shippo": OpenApiJudge(shippo_api(), shippo(), "https://api.goshippo.com"),
        "xero": OpenApiJudge(xero_api(), xero(), "https://api.xero.com", "/api.xro/2.0"),
    }


class Hearing:
    """Judges what it is told, and keeps what is wrong."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.judged: Counter[tuple[str, int]] = Counter()
        self.undescribed: Counter[tuple[str, int]] = Counter()
        """Answers by system and status: those that were judged, and those that no description says anything of."""

    def exchange(self, exchange: Exchange) -> None:
        """An exchange of ours: the request, and the answer where one came."""
        self._hear(exchange.request, exchange.answer, ours=True)

    def exchanges(self, exchanges: Iterable[Exchange]) -> Self:
        """Exchanges of ours, one after the other."""
        for one in exchanges:
            self.exchange(one)
        return self

    def answer(self, request: httpx.Request, answer: Answer) -> None:
        """An answer to a request that may be wrong with intent: the answer alone."""
        self._hear(request, answer, ours=False)

    def _hear(self, request: httpx.Request, answer: Answer | None, *, ours: bool) -> None:
        _, system, _, *rest = [*request.url.path.split("/"), "", ""]
        judge, path = judges().get(system), "/" + "/".join(rest).rstrip("/")
        if judge is None:
            return
        found = list(judge.request(path, request)) if ours and judge.covers(path) else []
        if answer:
            found += self._answer(judge, system, path, request, answer)
        status = answer.status if answer else "no answer"
        self.problems += [f"{system} {request.method} {path} ({status}): {one}" for one in found]

    def _answer(self, judge: Judge, system: str, path: str, request: httpx.Request, answer: Answer) -> Iterator[str]:
        described = judge.covers(path) and judge.describes(path, request, answer)
        (self.judged if described else self.undescribed)[system, answer.status] += 1
        if described:
            yield from judge.answer(path, request, answer)


class Overheard:
    """What adapters and vendors say to each other while a world works, to be judged at its end.

    One exchange of each kind is kept, over all worlds: the thousands of a suite differ in little but names and numbers.
    """

    _known: ClassVar[set[Hashable]] = set()

    def __init__(self) -> None:
        self._kept: list[Exchange] = []

    def hear(self, one: Exchange) -> None:
        """An exchange of ours."""
        answer = (one.answer.status, _shape(one.answer.content)) if one.answer else None
        path = tuple("#" if re.search("[0-9]", part) else part for part in one.request.url.path.split("/"))
        query = tuple(sorted(one.request.url.params))
        kind = (one.request.method, path, query, _shape(one.request.content), answer)
        if kind not in self._known:
            self._known.add(kind)
            self._kept.append(one)

    def judge(self) -> None:
        """AssertionError with all that is wrong."""
        if problems := Hearing().exchanges(self._kept).problems:
            raise AssertionError("\n".join(problems))


def _shape(content: bytes) -> Hashable:
    """Which fields a body has, of which types; of texts only words of a vendor's list and whole queries are told."""
    try:
        return _shape_of(json.loads(content))
    except ValueError:
        return bool(content)


def _shape_of(value: object) -> Hashable:
    if isinstance(value, dict):
        return frozenset((name, _shape_of(one)) for name, one in value.items())
    if isinstance(value, list):
        return (list, frozenset(_shape_of(one) for one in value))
    if isinstance(value, str) and (_WORD.fullmatch(value) or "{" in value):
        return value
    return type(value)
