"""Salesforce's transport: tokens, queries over pages, several writes in one, and what its errors mean."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import jwt
from pydantic import BaseModel, TypeAdapter, ValidationError

from seamline.errors import LockedOut, Outage, Problem, Refusal
from seamline.http import Answer, Explained, HttpClient, HttpFactory, Verdict, retry_after_seconds
from seamline.records.reading import refusing
from seamline.systems.salesforce import mapping, wire

ROOT = f"/services/data/{wire.API_VERSION}"
TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - an address, not a secret
ASSERTION_SECONDS = 180
PAGES_MAX = 25
DAY_LIMIT_PAUSE_SECONDS = 900.0
"""The calls of the last 24 hours count, and it is not told when enough of them are over: looked at this often."""
BUSY_PAUSE_SECONDS = 5.0
_ERRORS = TypeAdapter(tuple[wire.Error, ...])

T = TypeVar("T", bound=BaseModel)


def _told(*codes: str, text: str = "") -> Callable[[Answer], bool]:
    """Whether an answer has one of these error codes, and the text in its message."""
    return lambda answer: any(one.errorCode in codes and text in one.message for one in _errors(answer))


def _no_token(answer: Answer) -> bool:
    return bool(_token_error(answer).error)


OVERRIDES = (
    Verdict(400, LockedOut, "no-token", when=_no_token),
    Verdict(403, Outage, "day-limit", when=_told("REQUEST_LIMIT_EXCEEDED", text="TotalRequests")),
    Verdict(403, Outage, "throttled", when=_told("REQUEST_LIMIT_EXCEEDED")),
    # Somebody writes the same record at this moment: twice the same key means two writes of ours at once.
    Verdict(400, Outage, "locked", when=_told("UNABLE_TO_LOCK_ROW", "DUPLICATE_VALUE")),
    Verdict(400, Refusal, "not-found", when=_told("ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY")),
    # The organisation lacks a field or an object that we need, or the user may not see it.
    Verdict(400, Refusal, "unknown-field", when=_told("INVALID_FIELD", "INVALID_TYPE")),
)


@dataclass(frozen=True)
class Credentials:
    """How the connected app comes in: with its secret, or with assertions that its private key signs."""

    client_id: str
    client_secret: str
    private_key: str
    username: str
    audience: str

    def form(self) -> dict[str, str]:
        """What the token endpoint is sent."""
        if not self.private_key:
            grant = {"grant_type": "client_credentials"}
            return {**grant, "client_id": self.client_id, "client_secret": self.client_secret}
        claims = {"iss": self.client_id, "sub": self.username, "aud": self.audience}
        ends = int(time.time()) + ASSERTION_SECONDS
        assertion = jwt.encode({**claims, "exp": ends}, self.private_key, algorithm="RS256")
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}


@dataclass(frozen=True)
class Write:
    """One change, addressed behind the version."""

    name: str
    method: str
    path: str
    body: Mapping[str, Any]


class SalesforceClient:
    """REST over one organisation's `HttpClient`. A token is used until it is refused, and then renewed once."""

    def __init__(self, http: HttpClient, credentials: Credentials) -> None:
        self._http = http
        self._credentials = credentials
        self._token = ""
        self._renewing = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def query(self, operation: str, soql: str, model: type[T]) -> list[T]:
        """All records that a query finds, over all pages."""
        answer = await self._send(operation, "GET", f"{ROOT}/query", write=False, query={"q": soql})
        return await self.rest(operation, _read(wire.Page[model], answer), model)  # type: ignore[valid-type]

    async def rest(self, operation: str, page: wire.Page[T], model: type[T]) -> list[T]:
        """The records of a page and of those behind it. Refusal `too-many` where that does not end."""
        records = list(page.records)
        for _ in range(PAGES_MAX):
            if page.done:
                return records
            answer = await self._send(operation, "GET", page.nextRecordsUrl, write=False)
            page = _read(wire.Page[model], answer)  # type: ignore[valid-type]
            records += page.records
        problem = Problem(field="records", reason=f"are more than {PAGES_MAX} pages")
        raise Refusal("too-many", "more records than can be read", problems=[problem])

    async def upsert(self, operation: str, path: str, values: Mapping[str, Any]) -> str:
        """Make the record at an address by our key, or set its values; its id."""
        answer = await self._send(operation, "PATCH", f"{ROOT}/{path}", write=True, json=dict(values))
        return _read(wire.Made, answer).id

    async def write(self, operation: str, writes: Sequence[Write]) -> dict[str, Any]:
        """Do all of these or none, in one call; the answers' bodies by name. Raises what the first refused one says."""
        calls = [
            {"method": one.method, "url": f"{ROOT}/{one.path}", "referenceId": one.name, "body": dict(one.body)}
            for one in writes
        ]
        body = {"allOrNone": True, "compositeRequest": calls}
        answer = await self._send(operation, "POST", f"{ROOT}/composite", write=True, json=body)
        parts = _read(wire.Composite, answer).compositeResponse
        failed = [one for one in parts if one.httpStatusCode >= 300]
        if failed:
            cause = next((one for one in failed if not _is_halted(one)), failed[0])
            content = json.dumps(cause.body).encode()
            headers = {"content-type": "application/json"}
            raise self._http.failure(operation, Answer(cause.httpStatusCode, headers, content))
        return {one.referenceId: one.body for one in parts}

    async def _send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        write: bool,
        json: Any = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        async def attempt(token: str) -> Answer:
            headers = {"Authorization": f"Bearer {token}"}
            return await self._http.send(operation, method, path, write=write, json=json, query=query, headers=headers)

        token = await self._fresh_token()
        try:
            return await attempt(token)
        except LockedOut as error:
            if error.failure.status != 401:
                raise
            return await attempt(await self._fresh_token(refused=token))

    async def _fresh_token(self, refused: str | None = None) -> str:
        """The token in use, or a new one if it is the one refused. One renewal serves all who wait."""
        async with self._renewing:
            if self._token and self._token != refused:
                return self._token
            form = self._credentials.form()
            answer = await self._http.send("token", "POST", TOKEN_PATH, write=False, form=form)
            self._token = _read(wire.Token, answer).access_token
            return self._token


def open_client(
    name: str,
    url: str,
    credentials: Credentials,
    http: HttpFactory,
    *,
    calls_per_second_max: float,
    calls_at_once_max: int,
) -> SalesforceClient:
    """A client with Salesforce's errors."""
    client = http.client(
        name,
        url,
        calls_per_second_max=calls_per_second_max,
        calls_at_once_max=calls_at_once_max,
        overrides=OVERRIDES,
        explain=explain,
        wait=wait,
    )
    return SalesforceClient(client, credentials)


def by_key(kind: str, key: str) -> str:
    """The address of a record by our key, behind the version."""
    return f"sobjects/{kind}/Seamline_Key__c/{quote(key, safe='')}"


def explain(answer: Answer) -> Explained:
    """The messages and fields of an error body; nothing when it is not Salesforce's."""
    errors = _errors(answer)
    if not errors:
        return _token_error(answer).error_description, ()
    told = [f"{one.errorCode}: {one.message}" for one in errors]
    return "; ".join(told), mapping.problems(errors)


def wait(answer: Answer) -> float | None:
    """How long Salesforce wants to be left alone, which it does not say of its limits."""
    if _told("REQUEST_LIMIT_EXCEEDED", text="TotalRequests")(answer):
        return DAY_LIMIT_PAUSE_SECONDS
    if _told("REQUEST_LIMIT_EXCEEDED")(answer):
        return BUSY_PAUSE_SECONDS
    return retry_after_seconds(answer.headers.get("retry-after"))


def _errors(answer: Answer) -> tuple[wire.Error, ...]:
    try:
        return _ERRORS.validate_json(answer.content)
    except ValidationError:
        return ()


def _token_error(answer: Answer) -> wire.TokenError:
    try:
        return wire.TokenError.model_validate_json(answer.content)
    except ValidationError:
        return wire.TokenError()


def _is_halted(part: wire.Sub) -> bool:
    """Whether it failed only because another did."""
    errors = part.body if isinstance(part.body, list) else []
    return any(isinstance(one, dict) and one.get("errorCode") == "PROCESSING_HALTED" for one in errors)


def _read(model: type[T], answer: Answer) -> T:
    with refusing("unreadable-answer", "the answer is not as Salesforce's API describes it"):
        return model.model_validate(answer.json())
