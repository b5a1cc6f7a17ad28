"""A collector: takes OTLP over HTTP as protobuf, and keeps all of it."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SECONDS_MAX = 60


@dataclass(frozen=True)
class Seen:
    """One span, as it arrived."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    links: Sequence[str]
    attributes: dict[str, Any]
    nanoseconds: int


@dataclass
class Collector:
    """What arrived so far."""

    url: str
    spans: list[Seen] = field(default_factory=list)
    metrics: set[str] = field(default_factory=set)
    raw: list[str] = field(default_factory=list)
    callers: set[tuple[str, str | None]] = field(default_factory=set)
    """What was called, and by what authority."""

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/metrics":
            metrics = ExportMetricsServiceRequest.FromString(body)
            self.raw.append(str(metrics))
            scopes = [scope for one in metrics.resource_metrics for scope in one.scope_metrics]
            self.metrics |= {metric.name for scope in scopes for metric in scope.metrics}
            return
        assert path == "/v1/traces"
        traces = ExportTraceServiceRequest.FromString(body)
        self.raw.append(str(traces))
        for resource in traces.resource_spans:
            service = _values(resource.resource.attributes)["service.name"]
            self.spans += [_seen(service, span) for scope in resource.scope_spans for span in scope.spans]

    def until(self, told: Callable[[Collector], Any]) -> Any:
        """What `told` tells, once that is something."""
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            if answer := told(self):
                return answer
            time.sleep(0.05)
        raise AssertionError(f"never arrived; there are {sorted({span.name for span in self.spans} | self.metrics)}")


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.callers.add((self.path, self.headers["Authorization"]))
            collector.take(self.path, gzip.decompress(body) if "gzip" in self.headers.values() else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _seen(service: str, span: Any) -> Seen:
    return Seen(
        service,
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        [link.trace_id.hex() for link in span.links],
        _values(span.attributes),
        span.end_time_unix_nano - span.start_time_unix_nano,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
