"""Shelf's transport: a token in a header, errors with a list of lines."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from seamline.errors import Problem, Refusal
from seamline.http import Answer, Explained, HttpClient, HttpFactory, Verdict
from seamline.records.reading import refusing

T = TypeVar("T")

# Where Shelf differs from the status table: its 409 means too few goods.
OVERRIDES = (Verdict(409, Refusal, "short-stock"),)


class ShelfClient:
    """Calls over one connection's `HttpClient`, answers read as wire models."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def ask(self, operation: str, method: str, path: str, kind: type[T], **more: Any) -> T:
        """Call, and read the answer. Raises what the status table says, or Refusal `unreadable-answer`."""
        answer = await self._http.send(operation, method, path, write=method != "GET", **more)
        with refusing("unreadable-answer", "the answer is not as Shelf documents it"):
            return TypeAdapter(kind).validate_python(answer.json())


class _Wrong(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    message: str = ""
    wrong: tuple[Problem, ...] = ()


def explain(answer: Answer) -> Explained:
    """What Shelf writes into an error: `{"message": ..., "wrong": [{"field": ..., "reason": ...}]}`."""
    try:
        told = _Wrong.model_validate_json(answer.content)
    except ValidationError:
        return "", ()
    return told.message, told.wrong


def open_client(name: str, url: str, token: str, http: HttpFactory) -> ShelfClient:
    """A client for the connection `name`. Nothing is sent yet."""
    headers = {"X-Shelf-Token": token}
    return ShelfClient(
        http.client(
            name,
            url,
            headers=headers,
            calls_per_second_max=10,
            calls_at_once_max=4,
            overrides=OVERRIDES,
            explain=explain,
        )
    )
