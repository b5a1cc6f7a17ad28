"""A proxy before Tryton: it lets calls through, or does to them what networks, gateways and busy servers do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import httpx
from h11 import SERVER, Connection, ConnectionClosed, Data, EndOfMessage, Request, Response

ANSWER_SECONDS_MAX = 120
READ_BYTES = 65536
HOP = {"connection", "content-encoding", "transfer-encoding", "content-length", "keep-alive"}
"""Headers that are of one connection and not of the answer."""


class Harm(StrEnum):
    """What can happen to a call."""

    CUT_BEFORE = "cut before"
    """Tryton never hears of it."""
    CUT_AFTER = "cut after"
    """Tryton did it; the answer is lost."""
    UNANSWERED = "unanswered"
    """Tryton did it; the answer never comes, and the connection stays open until the caller goes."""
    THROTTLED = "throttled"
    """A gateway before Tryton counts calls."""
    BLIND = "blind"
    """A search finds nothing."""
    UNPRESSED = "unpressed"
    """The button is answered well and not pressed, as Tryton does when it could not lock the stock."""


@dataclass
class Rule:
    """What happens to calls whose `METHOD path` the pattern finds, so many times."""

    harm: Harm
    pattern: re.Pattern[str]
    count: int
    used_up: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Proxy:
    """What goes through it, and what is to happen."""

    target: str
    url: str = ""
    calls: list[str] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    heard: Callable[[str], Awaitable[None]] | None = None
    """Is told of every call that Tryton answered, before the answer goes back."""

    def harm(self, harm: Harm, pattern: str = "", count: int = 1_000_000) -> Rule:
        """Let this happen from now on: the rule, whose `count` falls with each hit."""
        rule = Rule(harm, re.compile(pattern), count)
        self.rules.append(rule)
        return rule

    def heal(self) -> None:
        """Let everything through again."""
        self.rules.clear()

    def met(self, call: str) -> Harm | None:
        """What happens to this call."""
        for rule in self.rules:
            if rule.count and rule.pattern.search(call):
                rule.count -= 1
                if not rule.count:
                    rule.used_up.set()
                return rule.harm
        return None


@asynccontextmanager
async def proxy(target: str) -> AsyncIterator[Proxy]:
    """A proxy to this address."""
    through = Proxy(target)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS_MAX, limits=limits) as http:

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await _serve(through, http, reader, writer)
            except (ConnectionError, httpx.HTTPError):
                pass  # either side has gone: the other sees its connection end
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        through.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield through
        finally:
            server.close()


async def _serve(
    through: Proxy, http: httpx.AsyncClient, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One call on one connection, which then ends."""
    connection = Connection(SERVER)
    if (request := await _received(connection, reader)) is None:
        return
    asked, body = request
    method, path = asked.method.decode(), asked.target.decode()
    call = f"{method} {path.partition('?')[0]}"
    through.calls.append(call)
    harm = through.met(call)
    if harm is Harm.CUT_BEFORE:
        return
    if harm is Harm.THROTTLED:
        await _answer(connection, writer, 429, [(b"retry-after", b"3")], b"")
        return
    if harm is Harm.BLIND:
        await _answer(connection, writer, 200, [(b"content-type", b"application/json")], b"[]")
        return
    if harm is Harm.UNPRESSED:
        method, path = "GET", re.sub(r"/\w+(\?|$)", r"\1", path, count=1)
    headers = [(name, value) for name, value in asked.headers if name not in (b"host", b"connection")]
    answer = await http.request(method, through.target + path, headers=headers, content=body)
    if through.heard:
        await through.heard(call)
    if harm is Harm.UNANSWERED:
        await reader.read()
    if harm in (Harm.CUT_AFTER, Harm.UNANSWERED):
        return
    kept = [(name.encode(), value.encode()) for name, value in answer.headers.items() if name.lower() not in HOP]
    await _answer(connection, writer, answer.status_code, kept, answer.content)


async def _received(connection: Connection, reader: asyncio.StreamReader) -> tuple[Request, bytes] | None:
    """The next call and its body, None when the other side has nothing more to say."""
    asked, body = None, b""
    while True:
        match connection.next_event():
            case Request() as asked:
                pass
            case Data() as part:
                body += part.data
            case EndOfMessage() if asked:
                return asked, body
            case ConnectionClosed():
                return None
            case _:
                connection.receive_data(await reader.read(READ_BYTES))


async def _answer(
    connection: Connection, writer: asyncio.StreamWriter, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    ends = [(b"connection", b"close"), (b"content-length", str(len(body)).encode())]
    parts = [Response(status_code=status, headers=[*headers, *ends]), Data(data=body), EndOfMessage()]
    for part in parts:
        writer.write(connection.send(part) or b"")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
