"""Logs and traces say what happened, and nothing personal."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from temporalio.client import Client

from seamline.child import Child
from seamline.spans import WithoutTexts
from seamline.telemetry import JsonFormatter, log_event
from seamline.temporal import EmbeddedTemporal
from tests.telemetry.collector import collecting

SECONDS_MAX = 30
ACCOUNT = {"url": "http://127.0.0.1:1", "client_id": "id", "client_secret": "hush"}


class Lines(logging.Handler):
    """Keeps what is logged, as formatted."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def logger(lines: Lines) -> logging.Logger:
    logger = logging.Logger("test")
    logger.addHandler(lines)
    return logger


def test_an_event_is_one_json_object_with_its_fields(logger: logging.Logger, lines: Lines) -> None:
    log_event(logger, "ready", queues=["a"])
    [line] = map(json.loads, lines.lines)
    assert (line["event"], line["level"], line["logger"], line["queues"]) == ("ready", "info", "test", ["a"])
    assert line["at"].endswith("+00:00")


def test_of_an_exception_only_type_and_place_are_logged(logger: logging.Logger, lines: Lines) -> None:
    try:
        raise ValueError("jo.fielding@example.com")
    except ValueError:
        logger.exception("it failed")
    [line] = lines.lines
    assert json.loads(line)["exception"] == "ValueError"
    assert "test_telemetry.py" in line
    assert "jo.fielding" not in line


async def test_a_worker_sends_traces_and_metrics_to_the_collector_that_is_set(
    tmp_path: Path, temporal: EmbeddedTemporal, client: Client
) -> None:
    with collecting() as collector:
        env = {
            "TEMPORAL_ADDRESS": temporal.address,
            "SEAMLINE_TELEMETRY__OTLP_ENDPOINT": collector.url,
            "SEAMLINE_TELEMETRY__INTERVAL_SECONDS": "0.2",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20hush",
            "SEAMLINE_CONNECTIONS__TRACED__SYSTEM": "shopify",
            "SEAMLINE_CONNECTIONS__TRACED__ACCOUNT": json.dumps(ACCOUNT),
        }
        worker = await Child.start("worker", [sys.executable, "-m", "worker"], tmp_path / "log", env=env)
        try:
            asked = {"reference": "traced:1", "connections": ["traced"]}
            work = await client.start_workflow("trace", asked, id="trace:traced", task_queue="seamline")
            answer = await asyncio.wait_for(work.result(), SECONDS_MAX)
            await asyncio.to_thread(collector.until, lambda it: {"seamline_failures", "seamline_breaker"} <= it.metrics)
        finally:
            await worker.stop(SECONDS_MAX)
    assert answer["answers"][0]["failure"]["code"] == "unreachable"
    assert worker.process.returncode == 0
    assert collector.callers == {("/v1/traces", "Bearer hush"), ("/v1/metrics", "Bearer hush")}
    assert [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    spans = [span for span in collector.spans if span.attributes.get("temporalWorkflowID") == "trace:traced"]
    names = ["RunWorkflow:trace", "StartActivity:tracing.holdings", "RunActivity:tracing.holdings"]
    assert set(names) <= {span.name for span in spans}
    (call,) = {span.attributes["error.type"] for span in collector.spans if "seamline.operation" in span.attributes}
    assert call == "unreachable"
    # Nothing that was traced started it: its trace is named like its run.
    assert {span.trace for span in spans} == {str(work.first_execution_run_id).replace("-", "")}


async def test_a_port_that_is_taken_is_named_with_its_setting(tmp_path: Path, temporal: EmbeddedTemporal) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        env = {"TEMPORAL_ADDRESS": temporal.address, "SEAMLINE_WORKER__PROMETHEUS_PORT": str(port)}
        worker = await Child.start("worker", [sys.executable, "-m", "worker"], tmp_path / "log", env=env)
        assert await asyncio.wait_for(worker.process.wait(), SECONDS_MAX) == 1
    assert f"worker.prometheus_port: cannot listen on 127.0.0.1:{port}" in (tmp_path / "log").read_text()


def test_of_an_exception_no_text_leaves_by_a_span() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(WithoutTexts(SimpleSpanProcessor(exporter)))
    with pytest.raises(ValueError), provider.get_tracer("test").start_as_current_span("step"):  # noqa: PT011
        raise ValueError("jo.fielding@example.com")
    (span,) = exporter.get_finished_spans()
    assert "jo.fielding" not in span.to_json()
    assert (span.status.status_code, span.events[0].attributes) == (
        StatusCode.ERROR,
        {"exception.type": "ValueError", "exception.escaped": "False"},
    )
