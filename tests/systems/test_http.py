"""The HTTP factory: what a status means, limits, lost answers, and that nothing personal leaks."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from seamline import http as module
from seamline.errors import LockedOut, Observed, Outage, Problem, Refusal
from seamline.http import Answer, Exchange, HttpClient, HttpFactory, Verdict, located, retry_after_seconds
from seamline.observing import observing

SECRET = "Jo Fielding, 12 Mill Lane"
Answering = Callable[[httpx.Request], httpx.Response]


def client(
    answering: Answering, *, at_once: int = 4, provider: TracerProvider | None = None, **more: object
) -> HttpClient:
    """A client whose network is a function."""
    factory = HttpFactory(transport=httpx.MockTransport(answering), tracer_provider=provider)
    return factory.client(
        "shop-uk",
        "https://shop.example/api",
        calls_per_second_max=100,
        calls_at_once_max=at_once,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, Refusal, "bad-request"),
        (401, LockedOut, "unauthorized"),
        (403, LockedOut, "forbidden"),
        (404, Refusal, "not-found"),
        (409, Refusal, "conflict"),
        (422, Refusal, "invalid"),
        (418, Refusal, "status-418"),
        (302, Refusal, "status-302"),
        (408, Outage, "timeout"),
        (429, Outage, "throttled"),
        (500, Outage, "status-500"),
        (503, Outage, "status-503"),
    ],
)
async def test_the_status_table(status: int, kind: type[Exception], code: str) -> None:
    headers = {"Retry-After": "12", "X-Request-Id": "r-1"}
    caller = client(lambda request: httpx.Response(status, headers=headers, text=SECRET))
    with pytest.raises(kind) as caught:
        await caller.send("read", "GET", "/orders", write=False, query={"name": SECRET})
    failure = caught.value.failure  # type: ignore[attr-defined]
    assert (failure.code, failure.status, failure.request_id) == (code, status, "r-1")
    assert (failure.connection, failure.operation) == ("shop-uk", "read")
    assert failure.retry_after_seconds == (12 if kind is Outage else None)
    assert SECRET not in f"{caught.value!r} {failure}"


async def test_a_vendor_overrides_a_row_for_a_media_type() -> None:
    row = Verdict(500, Refusal, "malformed-request", "text/html")
    page = client(lambda request: httpx.Response(500, html="<h1>no</h1>"), overrides=[row])
    with pytest.raises(Refusal):
        await page.send("read", "GET", "/", write=False)
    plain = client(lambda request: httpx.Response(500, json={}), overrides=[row])
    with pytest.raises(Outage):
        await plain.send("read", "GET", "/", write=False)


async def test_the_vendors_words_go_into_the_reason_alone() -> None:
    problem = Problem(field="name", reason=SECRET)
    caller = client(lambda request: httpx.Response(422, text=SECRET), explain=lambda answer: (SECRET, (problem,)))
    with pytest.raises(Refusal) as caught:
        await caller.send("read", "GET", "/", write=False)
    assert (caught.value.failure.reason, caught.value.failure.problems) == (SECRET, (problem,))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (httpx.ConnectError("no"), "unreachable"),
        (httpx.ConnectTimeout("no"), "unreachable"),
        (httpx.ReadTimeout("no"), "timeout"),
        (httpx.PoolTimeout("no"), "timeout"),
        (httpx.RemoteProtocolError("no"), "connection-lost"),
        (httpx.ReadError("no"), "connection-lost"),
    ],
)
async def test_a_lost_line_is_an_outage(error: httpx.TransportError, code: str) -> None:
    def answering(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(Outage) as caught:
        await client(answering).send("buy", "POST", "/labels", write=True, json={"name": SECRET})
    assert caught.value.failure.code == code
    assert SECRET not in repr(caught.value)


async def test_an_answer_too_large_is_refused() -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1024 * 1024
            yield b"x" * 1024 * 1024

    with pytest.raises(Refusal) as caught:
        await client(lambda request: httpx.Response(200, content=endless())).send("read", "GET", "/", write=False)
    assert caught.value.failure.code == "answer-too-large"
    assert taken <= module.ANSWER_BYTES_MAX + 1024 * 1024


async def test_an_answer_that_is_not_json_is_refused() -> None:
    answer = await client(lambda request: httpx.Response(200, text="<html>")).send("read", "GET", "/", write=False)
    with pytest.raises(Refusal) as caught:
        answer.json()
    assert caught.value.failure.code == "unreadable-answer"


async def test_so_many_at_once_and_no_more() -> None:
    running = most = 0

    async def answering(request: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return httpx.Response(200, json={})

    caller = client(answering, at_once=3)  # type: ignore[arg-type]
    await asyncio.gather(*(caller.send("read", "GET", "/", write=False) for _ in range(12)))
    assert most == 3


async def test_every_exchange_is_told_once() -> None:
    seen: list[Exchange] = []
    transport = httpx.MockTransport(lambda request: httpx.Response(201, json={"id": 1}))
    factory = HttpFactory(observe=seen.append, transport=transport)
    caller = factory.client("shop-uk", "https://shop.example/api", calls_per_second_max=1, calls_at_once_max=1)
    await caller.send("make", "POST", "/orders", write=True, json={"a": 1})
    (exchange,) = seen
    assert exchange.answer
    assert (exchange.operation, exchange.write, exchange.answer.json()) == ("make", True, {"id": 1})
    assert str(exchange.request.url) == "https://shop.example/api/orders"


async def test_a_request_whose_answer_was_lost_is_told_too() -> None:
    def lost(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("cut", request=request)

    seen: list[Exchange] = []
    factory = HttpFactory(observe=seen.append, transport=httpx.MockTransport(lost))
    caller = factory.client("shop-uk", "https://shop.example/api", calls_per_second_max=1, calls_at_once_max=1)
    with pytest.raises(Outage):
        await caller.send("make", "POST", "/orders", write=True, json={"a": 1})
    (exchange,) = seen
    assert (exchange.answer, json.loads(exchange.request.content)) == (None, {"a": 1})


async def test_a_request_that_never_left_is_not_told() -> None:
    held, came = asyncio.Event(), asyncio.Event()

    async def answering(request: httpx.Request) -> httpx.Response:
        came.set()
        await held.wait()
        return httpx.Response(200, json={})

    seen: list[Exchange] = []
    factory = HttpFactory(observe=seen.append, transport=httpx.MockTransport(answering))
    caller = factory.client("shop-uk", "https://shop.example/api", calls_per_second_max=100, calls_at_once_max=1)
    first = asyncio.create_task(caller.send("first", "GET", "/", write=False))
    await came.wait()
    waiting = asyncio.create_task(caller.send("second", "GET", "/", write=False))
    await asyncio.sleep(0)
    waiting.cancel()
    held.set()
    await asyncio.gather(first, waiting, return_exceptions=True)
    assert waiting.cancelled()
    assert [one.operation for one in seen] == ["first"]


async def test_spans_and_logs_hold_no_query_and_no_body(caplog: pytest.LogCaptureFixture) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    caller = client(lambda request: httpx.Response(400, text=SECRET), provider=provider)
    with caplog.at_level(logging.DEBUG), pytest.raises(Refusal):
        await caller.send("read", "GET", "/", write=False, query={"q": SECRET})
    (span,) = exporter.get_finished_spans()
    assert span.attributes == {
        "seamline.connection": "shop-uk",
        "seamline.operation": "read",
        "http.request.method": "GET",
        "http.response.status_code": 400,
        "server.address": "shop.example",
        "error.type": "bad-request",
    }
    assert "Fielding" not in caplog.text + span.to_json()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("12", 12.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("999999", module.RETRY_AFTER_SECONDS_MAX),
        ("Sun, 22 Nov 2026 08:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 07:00:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, datetime(2026, 11, 22, 8, 0, tzinfo=UTC)) == seconds


class Adapter:
    """Raises what it is told to."""

    name = "shop-uk"

    @located
    async def read(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        return await work()


async def test_a_failure_names_the_connection() -> None:
    async def refuse() -> Answer:
        raise Refusal("unreadable-answer", SECRET)

    with pytest.raises(Refusal) as caught:
        await Adapter().read(refuse)
    assert caught.value.failure.cause == "shop-uk refusal unreadable-answer"
    assert str(caught.value) == "refusal: unreadable-answer (shop-uk, read)"


@pytest.mark.parametrize("own", [True, False], ids=["the connection observes", "the process observes"])
async def test_a_write_that_is_held_back_is_not_sent_and_a_read_is(own: bool) -> None:
    sent: list[str] = []

    def answering(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        return httpx.Response(200)

    factory = HttpFactory(transport=httpx.MockTransport(answering))
    factory.hold_back(["shop-uk"] if own else ["shop-de"])
    caller = factory.client("shop-uk", "https://shop.example", calls_per_second_max=100, calls_at_once_max=4)
    with observing(not own):
        await caller.send("look", "GET", "/orders", write=False)
        with pytest.raises(Observed) as caught:
            await caller.send("pay", "POST", "/payments", write=True)
    assert (caught.value.failure.cause, sent) == ("shop-uk held back observe-only", ["GET"])
    assert not own or factory.holds_back("shop-uk")


async def test_writes_leave_again_once_the_process_that_observed_is_through() -> None:
    caller = client(lambda request: httpx.Response(200))
    with observing(True), observing(False), pytest.raises(Observed):
        await caller.send("pay", "POST", "/payments", write=True)
    assert (await caller.send("pay", "POST", "/payments", write=True)).status == 200
