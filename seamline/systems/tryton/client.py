"""Tryton's transport: the user application's key, the company's context; search, read, create, and press buttons."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from seamline.errors import Problem, Refusal
from seamline.http import Answer, Explained, HttpClient, HttpFactory, Verdict
from seamline.records.reading import refusing
from seamline.systems.tryton import wire

SEARCH_SIZE_MAX = 200
PAGES_MAX = 20
CONTEXT = "X-Tryton-Context"
OVERRIDES = (
    # An unknown field or a wrong type ends in a 500 with a page for people. It is permanent, whatever it looks like.
    Verdict(500, Refusal, "malformed-request", "text/html"),
)

T = TypeVar("T", bound=BaseModel)
Domain = Sequence[Sequence[Any]]


class TrytonClient:
    """REST over one database's `HttpClient`, records read as wire models."""

    def __init__(self, http: HttpClient, database: str, company: int) -> None:
        self._http = http
        self._company = company
        self._root = f"/{database}/rest/model"

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def search(
        self,
        operation: str,
        model: str,
        domain: Domain,
        as_model: type[T],
        fields: Sequence[str],
        *,
        context: Mapping[str, Any] | None = None,
    ) -> list[T]:
        """The records that a domain finds. Refusal `too-many` beyond 200. `context` says what computed fields mean."""
        found = await self._page(operation, model, domain, as_model, fields, context=context)
        if len(found) >= SEARCH_SIZE_MAX:
            raise _too_many(model, SEARCH_SIZE_MAX)
        return found

    async def pages(
        self, operation: str, model: str, domain: Domain, as_model: type[T], fields: Sequence[str]
    ) -> list[T]:
        """All the records that a domain finds, page by page. Refusal `too-many` beyond 4000."""
        found: list[T] = []
        for place in range(PAGES_MAX):
            page = await self._page(operation, model, domain, as_model, fields, offset=place * SEARCH_SIZE_MAX)
            found += page
            if len(page) < SEARCH_SIZE_MAX:
                return found
        raise _too_many(model, PAGES_MAX * SEARCH_SIZE_MAX)

    async def _page(
        self,
        operation: str,
        model: str,
        domain: Domain,
        as_model: type[T],
        fields: Sequence[str],
        *,
        context: Mapping[str, Any] | None = None,
        offset: int | None = None,
    ) -> list[T]:
        query: dict[str, str | int | Sequence[str]] = {"d": _encoded(domain), "f": list(fields), "s": SEARCH_SIZE_MAX}
        if offset is not None:
            # Pages of a search without an order may overlap.
            query |= {"p": offset, "o": _encoded([["id", "ASC"]])}
        headers = {CONTEXT: _encoded({"company": self._company, **context})} if context else None
        answer = await self._http.send(
            operation, "GET", f"{self._root}/{model}", write=False, query=query, headers=headers
        )
        with refusing("unreadable-answer", "the answer is not as Tryton gives it", model):
            return list(TypeAdapter(list[as_model]).validate_python(answer.json()))  # type: ignore[valid-type]

    async def read(self, operation: str, model: str, record_id: int, as_model: type[T], fields: Sequence[str]) -> T:
        """One record. Refusal `not-found` when there is none."""
        query = {"f": list(fields)}
        answer = await self._http.send(operation, "GET", f"{self._root}/{model}/{record_id}", write=False, query=query)
        return _read(as_model, answer, model)

    async def create(self, operation: str, model: str, values: Mapping[str, Any]) -> int:
        """Create a record; its id."""
        query = {"f": ["id"]}
        answer = await self._http.send(operation, "POST", f"{self._root}/{model}", write=True, json=values, query=query)
        return _read(wire.Wire, answer, model).id

    async def press(self, operation: str, model: str, record_id: int, button: str) -> None:
        """Press a button. Refusal with status 400 when the record's state does not allow it."""
        path = f"{self._root}/{model}/{record_id}/{button}"
        await self._http.send(operation, "POST", path, write=True, json={}, query={"f": ["id"]})


def open_client(
    name: str,
    url: str,
    database: str,
    key: str,
    company: int,
    http: HttpFactory,
    *,
    calls_per_second_max: float,
    calls_at_once_max: int,
) -> TrytonClient:
    """A client with the key, the context of the company, and Tryton's errors."""
    client = http.client(
        name,
        url,
        headers={"Authorization": f"Bearer {key}", CONTEXT: _encoded({"company": company})},
        calls_per_second_max=calls_per_second_max,
        calls_at_once_max=calls_at_once_max,
        overrides=OVERRIDES,
        explain=explain,
    )
    return TrytonClient(client, database, company)


def explain(answer: Answer) -> Explained:
    """Tryton's message and description; nothing when the body is not his JSON."""
    try:
        body = wire.ErrorBody.model_validate(answer.json())
    except (Refusal, ValidationError):
        return "", ()
    return ". ".join(filter(None, [body.message, body.description])), ()


def _too_many(model: str, count: int) -> Refusal:
    problem = Problem(field="reference", reason=f"finds {count} records or more")
    return Refusal("too-many", f"too many records of {model}", problems=[problem])


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def _read(as_model: type[T], answer: Answer, place: str) -> T:
    with refusing("unreadable-answer", "the answer is not as Tryton gives it", place):
        return as_model.model_validate(answer.json())
