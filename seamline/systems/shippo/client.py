"""Shippo's transport: the token, and what its error bodies say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from seamline.errors import Refusal
from seamline.http import Answer, Explained, HttpClient, HttpFactory, Verdict
from seamline.records.reading import refusing
from seamline.systems.shippo import mapping, wire

OVERRIDES = (
    # Shippo answers 402 when the account cannot be charged: nothing staff amend in an order would help.
    Verdict(402, Refusal, "payment-required"),
)

T = TypeVar("T", bound=BaseModel)


class ShippoClient:
    """REST over one account's `HttpClient`, answers read as wire models."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def get(self, operation: str, path: str, model: type[T], query: Mapping[str, str | int] | None = None) -> T:
        """Read an object or a page."""
        answer = await self._http.send(operation, "GET", path, write=False, query=query)
        return _read(model, answer)

    async def post(self, operation: str, path: str, model: type[T], body: Any, *, write: bool = True) -> T:
        """Make an object. `write=False` for what costs nothing and binds nobody (an address check, a quote)."""
        answer = await self._http.send(operation, "POST", path, write=write, json=body)
        return _read(model, answer)


def open_client(
    name: str, url: str, token: str, http: HttpFactory, *, calls_per_second_max: float, calls_at_once_max: int
) -> ShippoClient:
    """A client with Shippo's headers and errors."""
    client = http.client(
        name,
        url,
        headers={"Authorization": f"ShippoToken {token}", "SHIPPO-API-VERSION": wire.API_VERSION},
        calls_per_second_max=calls_per_second_max,
        calls_at_once_max=calls_at_once_max,
        overrides=OVERRIDES,
        explain=explain,
    )
    return ShippoClient(client)


def explain(answer: Answer) -> Explained:
    """The fields and texts of an error body; nothing when it is not JSON."""
    try:
        problems = mapping.error_problems(answer.json())
    except Refusal:
        return "", ()
    return "; ".join(problem.reason for problem in problems), tuple(problems)


def _read(model: type[T], answer: Answer) -> T:
    with refusing("unreadable-answer", "the answer is not as Shippo's API describes it"):
        return model.model_validate(answer.json())
