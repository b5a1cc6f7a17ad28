"""Logs as one JSON object a line, and traces to an OTLP collector if one is set.

Neither carries personal data: of an exception only type and place are logged, since its text may hold anything.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from seamline.settings import TelemetrySettings

_TEMPORAL_FIELDS = ("temporal_workflow", "temporal_activity")
_TEMPORAL_NAMES = ("workflow_id", "workflow_type", "run_id", "activity_type", "attempt", "task_queue")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, event, then the record's `fields` and Temporal's ids."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        for field in _TEMPORAL_FIELDS:
            told = getattr(record, field, {})
            line |= {name: told[name] for name in _TEMPORAL_NAMES if name in told}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["stack"] = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        return json.dumps(line, default=str)


def configure_logging(level: int = logging.INFO) -> None:
    """Send this process's logs to standard error. Temporal's own keep ids out of the text, since they are fields."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def configure_tracing(settings: TelemetrySettings) -> None:
    """Send spans to the collector that is set; do nothing when none is."""
    if not settings.otlp_endpoint:
        return
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: settings.service_name}))
    exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def log_event(logger: logging.Logger, event: str, level: int = logging.INFO, **fields: object) -> None:
    """Log an event with its fields. Callers keep personal data and secrets out of them."""
    logger.log(level, event, extra={"fields": fields})
