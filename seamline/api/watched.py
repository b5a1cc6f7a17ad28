"""A span and a duration for each request. Both name its route, never its path, whose parts name objects."""

from __future__ import annotations

from datetime import timedelta
from time import perf_counter

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from temporalio.common import MetricMeter

from seamline.metrics import REQUEST_DURATION

QUIET = ("/health", "/ready")
"""Asked every few seconds by whatever keeps the server running."""
STRANGERS = "/webhooks/"
"""Where anybody may write: a trace that they name is not ours to join."""
UNKNOWN = "unknown"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_tracer = trace.get_tracer("seamline.api")
_w3c = TraceContextTextMapPropagator()


class Watched:
    """Around the whole app. A caller's own trace goes on in ours, but that of a webhook begins with us."""

    def __init__(self, app: ASGIApp, meter: MetricMeter) -> None:
        self._app = app
        self._duration = meter.create_histogram_timedelta(REQUEST_DURATION, "Time to answer a request", "s")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or whatever else the server tells."""
        if scope["type"] != "http" or scope["path"] in QUIET:
            await self._app(scope, receive, send)
            return
        seen = _Seen(scope)
        began = perf_counter()
        with _tracer.start_as_current_span(
            seen.method,
            _context(scope),
            trace.SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                await self._app(scope, receive, seen.watching(send))
            finally:
                seen.tell(span)
                self._duration.record(timedelta(seconds=perf_counter() - began), seen.labels())


class _Seen:
    """What is known of a request once it was answered."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._status = 500
        self.method = scope["method"] if scope["method"] in METHODS else "HTTP"

    def watching(self, send: Send) -> Send:
        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
            await send(message)

        return watched

    def tell(self, span: trace.Span) -> None:
        labels = self.labels()
        span.update_name(f"{self.method} {labels['http_route']}")
        span.set_attribute("http.request.method", self.method)
        span.set_attribute("http.route", labels["http_route"])
        span.set_attribute("http.response.status_code", self._status)
        if self._status >= 500:
            span.set_status(trace.StatusCode.ERROR)

    def labels(self) -> dict[str, str | int]:
        return {
            "http_request_method": self.method,
            "http_route": getattr(self._scope.get("route"), "path", UNKNOWN),
            "http_response_status_code": self._status,
        }


def _context(scope: Scope) -> Context:
    if scope["path"].startswith(STRANGERS):
        return Context()
    return _w3c.extract(Headers(scope=scope), Context())
