"""Bodies are read whole before anything else, within a limit of bytes and of time."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seamline.api.problems import ApiError, problem_response


class BodyLimit:
    """ASGI middleware: answers 413 to a body that is too long and 408 to one that does not arrive in time."""

    def __init__(self, app: ASGIApp, bytes_max: int, seconds_max: float) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._seconds_max = seconds_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds_max):
                body = await self._read(scope, receive)
        except ApiError as error:
            await problem_response(error)(scope, receive, send)
        except TimeoutError:
            late = ApiError(408, f"the body did not arrive within {self._seconds_max:g} s: send it again")
            await problem_response(late)(scope, receive, send)
        else:
            if body is not None:
                await self._app(scope, _Replay(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body; None when the client left before its end."""
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and int(told) > self._bytes_max:
            raise self._too_large()
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._bytes_max:
                raise self._too_large()
            if not message.get("more_body"):
                return bytes(body)

    def _too_large(self) -> ApiError:
        # The rest of the body stays unread, so the connection cannot be used again.
        return ApiError(413, f"the body has more than {self._bytes_max} bytes", headers={"Connection": "close"})


class _Replay:
    """Gives the body that was read, then whatever else the client sends."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._message: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._receive = receive

    async def __call__(self) -> Message:
        message, self._message = self._message, None
        return message or await self._receive()
