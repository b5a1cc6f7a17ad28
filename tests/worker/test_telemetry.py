"""Logs and traces say what happened, and nothing personal."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path

import pytest
from temporalio.client import Client

from seamline.child import Child
from seamline.telemetry import JsonFormatter, log_event
from seamline.temporal import EmbeddedTemporal

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


class Collector:
    """Takes what is sent to it over HTTP, as an OTLP collector does."""

    def __init__(self) -> None:
        self.received = b""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().splitlines() if b"content-length" in line)
        self.received += head + await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


async def test_a_worker_sends_its_traces_to_the_collector_that_is_set(
    tmp_path: Path, temporal: EmbeddedTemporal, client: Client
) -> None:
    collector = Collector()
    async with await asyncio.start_server(collector, "127.0.0.1", 0) as server:
        env = {
            "TEMPORAL_ADDRESS": temporal.address,
            "SEAMLINE_TELEMETRY__OTLP_ENDPOINT": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            "SEAMLINE_CONNECTIONS__TRACED__SYSTEM": "shopify",
            "SEAMLINE_CONNECTIONS__TRACED__ACCOUNT": json.dumps(ACCOUNT),
        }
        worker = await Child.start("worker", [sys.executable, "-m", "worker"], tmp_path / "log", env=env)
        try:
            asked = {"reference": "traced:1", "connections": ["traced"]}
            work = client.execute_workflow("trace", asked, id="trace:traced", task_queue="seamline")
            answer = await asyncio.wait_for(work, SECONDS_MAX)
        finally:
            await worker.stop(SECONDS_MAX)
    assert answer["answers"][0]["failure"]["code"] == "unreachable"
    assert worker.process.returncode == 0
    assert collector.received.startswith(b"POST /v1/traces")
    assert b"RunActivity:tracing.holdings" in collector.received
