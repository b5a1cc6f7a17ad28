"""The one way that systems are called over HTTP: limits, timeouts, tracing, and statuses told apart by what to do.

A system's client asks `HttpFactory.client` for its `HttpClient` and only ever calls `send`. What comes back is an
`Answer` with a 2xx status; everything else is raised as `seamline.errors` has it. The vendor's text goes into
`Failure.reason` alone: error texts, spans and logs carry names and codes.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import ssl
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import httpx
from aiolimiter import AsyncLimiter
from opentelemetry import trace

from seamline.errors import LockedOut, Outage, Problem, Refusal, SystemFailure
from seamline.observing import check_write

CONNECT_SECONDS_MAX = 5.0
READ_SECONDS_MAX = 20.0
CALL_SECONDS_MAX = 28.0
"""From asking the limiter to the last byte: below the 30 s that an activity has for a single call."""
IDLE_SECONDS_MAX = 4.0
"""How long a connection is kept for the next call: many servers close one after five, maybe as the call leaves."""
ANSWER_BYTES_MAX = 8 * 1024 * 1024
RETRY_AFTER_SECONDS_MAX = 86_400.0
REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id")

# httpx writes whole URLs to its log, and a query may hold what a log must not.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Verdict:
    """What a status means: the error to raise, its short code, and which answers the row is limited to."""

    status: int
    error: type[SystemFailure]
    code: str
    media_type: str = ""
    when: Callable[[Answer], bool] | None = None
    """Tells by the body where the status says too little. Never raises."""

    def fits(self, answer: Answer) -> bool:
        """Whether the row is about this answer."""
        media = self.media_type in ("", answer.media_type)
        return self.status == answer.status and media and (self.when is None or self.when(answer))


STATUS_TABLE: tuple[Verdict, ...] = (
    Verdict(HTTPStatus.UNAUTHORIZED, LockedOut, "unauthorized"),
    Verdict(HTTPStatus.FORBIDDEN, LockedOut, "forbidden"),
    Verdict(HTTPStatus.NOT_FOUND, Refusal, "not-found"),
    Verdict(HTTPStatus.GONE, Refusal, "not-found"),
    Verdict(HTTPStatus.REQUEST_TIMEOUT, Outage, "timeout"),
    Verdict(HTTPStatus.CONFLICT, Refusal, "conflict"),
    Verdict(HTTPStatus.LOCKED, Outage, "locked"),
    Verdict(HTTPStatus.TOO_EARLY, Outage, "too-early"),
    Verdict(HTTPStatus.TOO_MANY_REQUESTS, Outage, "throttled"),
    Verdict(HTTPStatus.BAD_REQUEST, Refusal, "bad-request"),
    Verdict(HTTPStatus.UNPROCESSABLE_ENTITY, Refusal, "invalid"),
)


@dataclass(frozen=True)
class Answer:
    """A vendor's whole answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """The content type without its parameters: `application/json`."""
        return self.headers.get("content-type", "").split(";", 1)[0].strip().lower()

    @property
    def request_id(self) -> str | None:
        """The vendor's name for this call, to ask him about it."""
        return next((self.headers[name] for name in REQUEST_ID_HEADERS if name in self.headers), None)

    def json(self) -> Any:
        """The body read as JSON. Refusal `unreadable-answer` when it is none."""
        try:
            return json.loads(self.content)
        except ValueError:
            raise Refusal("unreadable-answer", "the answer is not JSON", status=self.status) from None


Explained = tuple[str, tuple[Problem, ...]]
Explain = Callable[[Answer], Explained]
"""Reads what a vendor writes into an error: his text, and a problem for each field he names. Never raises."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as they went over the wire: what contract tests look at."""

    connection: str
    operation: str
    write: bool
    request: httpx.Request
    answer: Answer | None
    """None where none came; the request may have arrived all the same."""


def _silent(answer: Answer) -> Explained:
    return "", ()


Wait = Callable[[Answer], float | None]
"""After how many seconds a vendor who is busy wants to be called again, None where he does not say. Never raises."""


def _retry_after(answer: Answer) -> float | None:
    return retry_after_seconds(answer.headers.get("retry-after"))


@dataclass
class _Gate:
    """How fast and how many at once a connection may be called; shared by all its clients."""

    rate: AsyncLimiter
    slots: asyncio.Semaphore


@functools.cache
def trusted() -> ssl.SSLContext:
    """The authorities that certificates are checked by; read once, since it takes longer than a call."""
    return httpx.create_ssl_context()


class HttpFactory:
    """Makes the clients of all connections.

    `observe` is told of every exchange, `transport` replaces the network, `tracer_provider` the global one.
    """

    def __init__(
        self,
        *,
        observe: Callable[[Exchange], None] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        tracer_provider: trace.TracerProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer("seamline.http", tracer_provider=tracer_provider)
        self._observe = observe
        self._transport = transport
        self._gates: dict[str, _Gate] = {}
        self._observed: frozenset[str] = frozenset()

    def hold_back(self, connections: Collection[str]) -> None:
        """Let no write leave for these connections; for clients made from here on."""
        self._observed |= frozenset(connections)

    def holds_back(self, connection: str) -> bool:
        """Whether no write may leave for it: asked by clients that speak another protocol."""
        return connection in self._observed

    def has_room(self, connection: str) -> bool:
        """Whether a call to it would be let through at once."""
        gate = self._gates.get(connection)
        return gate is None or (gate.rate.has_capacity() and not gate.slots.locked())

    def client(
        self,
        connection: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        calls_per_second_max: float,
        calls_at_once_max: int,
        overrides: Sequence[Verdict] = (),
        explain: Explain = _silent,
        wait: Wait = _retry_after,
    ) -> HttpClient:
        """A client for one connection. `overrides` are the rows in which the vendor differs from `STATUS_TABLE`.

        `wait` is for a vendor who says in another way than `Retry-After` when to come again.
        """
        gate = self._gates.setdefault(
            connection,
            _Gate(AsyncLimiter(max(calls_per_second_max, 1), 1), asyncio.Semaphore(calls_at_once_max)),
        )
        client = httpx.AsyncClient(
            base_url=base_url,
            headers={"User-Agent": "seamline", "Accept": "application/json", **(headers or {})},
            timeout=httpx.Timeout(READ_SECONDS_MAX, connect=CONNECT_SECONDS_MAX),
            limits=httpx.Limits(
                max_connections=calls_at_once_max,
                max_keepalive_connections=calls_at_once_max,
                keepalive_expiry=IDLE_SECONDS_MAX,
            ),
            follow_redirects=False,
            transport=self._transport,
            verify=trusted(),
        )
        table = (*overrides, *STATUS_TABLE)
        observed = self.holds_back(connection)
        return HttpClient(connection, client, gate, table, explain, wait, self._observe, self._tracer, observed)


@contextmanager
def call_span(tracer: trace.Tracer, name: str, told: Mapping[str, str]) -> Iterator[trace.Span]:
    """The span of one call to a system. Of a failure it holds the code, never a text."""
    with tracer.start_as_current_span(
        name, kind=trace.SpanKind.CLIENT, attributes=told, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            code = error.failure.code if isinstance(error, SystemFailure) else type(error).__name__
            span.set_attribute("error.type", code)
            span.set_status(trace.StatusCode.ERROR)
            raise


class HttpClient:
    """Calls one connection. Made by `HttpFactory.client`."""

    def __init__(
        self,
        connection: str,
        client: httpx.AsyncClient,
        gate: _Gate,
        table: Sequence[Verdict],
        explain: Explain,
        wait: Wait,
        observe: Callable[[Exchange], None] | None,
        tracer: trace.Tracer,
        observed: bool,
    ) -> None:
        self._observed = observed
        self._tracer = tracer
        self.connection = connection
        self._client = client
        self._gate = gate
        self._table = table
        self._explain = explain
        self._wait = wait
        self._observe = observe

    async def close(self) -> None:
        """Close the connections that are kept open."""
        await self._client.aclose()

    async def send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        write: bool,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call and return the answer if its status is 2xx, else raise what the status table says.

        `operation` names the call in spans and errors; `write` says whether it may change anything at the vendor's.
        An Outage of a write may have had its effect: the caller looks up before it repeats. Observed when the
        connection, or the process that calls, only observes: then nothing was sent.
        """
        if write:
            check_write(self.connection, operation, observed=self._observed)
        request = self._client.build_request(method, path, json=json, data=form, params=query, headers=headers)
        told = {
            "seamline.connection": self.connection,
            "seamline.operation": operation,
            "http.request.method": method,
            "server.address": request.url.host,
        }
        with call_span(self._tracer, f"{method} {operation}", told) as span:
            answer = await self._within_limits(operation, request, write)
            span.set_attribute("http.response.status_code", answer.status)
            if answer.request_id:
                span.set_attribute("seamline.request_id", answer.request_id)
            if not 200 <= answer.status < 300:
                raise self.failure(operation, answer)
            return answer

    async def _within_limits(self, operation: str, request: httpx.Request, write: bool) -> Answer:
        try:
            async with asyncio.timeout(CALL_SECONDS_MAX), self._gate.slots, self._gate.rate:
                return await self._told(operation, request, write)
        except TimeoutError:
            raise self._outage("timeout", operation) from None
        except httpx.TimeoutException as error:
            code = "unreachable" if isinstance(error, httpx.ConnectTimeout) else "timeout"
            raise self._outage(code, operation) from None
        except httpx.ConnectError:
            raise self._outage("unreachable", operation) from None
        except httpx.TransportError:
            raise self._outage("connection-lost", operation) from None

    async def _told(self, operation: str, request: httpx.Request, write: bool) -> Answer:
        """What left is told of, whether it was answered or not."""
        answer = None
        try:
            answer = await self._exchange(operation, request)
            return answer
        finally:
            if self._observe:
                self._observe(Exchange(self.connection, operation, write, request, answer))

    async def _exchange(self, operation: str, request: httpx.Request) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            content = bytearray()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > ANSWER_BYTES_MAX:
                    raise Refusal(
                        "answer-too-large",
                        f"the answer has more than {ANSWER_BYTES_MAX} bytes",
                        connection=self.connection,
                        operation=operation,
                        status=response.status_code,
                    )
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, bytes(content))

    def _outage(self, code: str, operation: str) -> Outage:
        return Outage(code, connection=self.connection, operation=operation)

    def failure(self, operation: str, answer: Answer) -> SystemFailure:
        """What the status table makes of an answer that is not 2xx."""
        error, code = self._verdict(answer)
        reason, problems = self._explain(answer)
        return error(
            code,
            reason,
            connection=self.connection,
            operation=operation,
            problems=problems,
            status=answer.status,
            request_id=answer.request_id,
            retry_after_seconds=self._wait(answer) if error is Outage else None,
        )

    def _verdict(self, answer: Answer) -> tuple[type[SystemFailure], str]:
        for row in self._table:
            if row.fits(answer):
                return row.error, row.code
        return (Outage if answer.status >= 500 else Refusal), f"status-{answer.status}"


class Named(Protocol):
    """An adapter: what serves a connection."""

    @property
    def name(self) -> str: ...


P = ParamSpec("P")
R = TypeVar("R")
N = TypeVar("N", bound=Named)
Asked = Callable[Concatenate[N, P], Coroutine[Any, Any, R]]


def located(method: Asked[N, P, R]) -> Asked[N, P, R]:
    """Let every failure that leaves an adapter's method name the connection, wherever below it was raised."""

    @functools.wraps(method)
    async def run(adapter: N, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await method(adapter, *args, **kwargs)
        except SystemFailure as error:
            place = {"connection": adapter.name, "operation": error.failure.operation or method.__name__}
            error.failure = error.failure.model_copy(update=place)
            error.args = (f"{error.kind.value}: {error.failure.code} ({adapter.name}, {place['operation']})",)
            raise

    return run


def retry_after_seconds(
    value: str | None, now: datetime | None = None, *, seconds_max: float = RETRY_AFTER_SECONDS_MAX
) -> float | None:
    """A `Retry-After` header (RFC 9110, seconds or a date) in seconds from now, bounded; None when unreadable."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        seconds = (at - (now or datetime.now(UTC))).total_seconds()
    if seconds != seconds:  # NaN
        return None
    return min(max(seconds, 0.0), seconds_max)
