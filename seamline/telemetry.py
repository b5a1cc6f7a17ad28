"""Logs as one JSON object a line, each with the ids of its trace and its process.

They carry no personal data: of an exception only type and place are logged, since its text may hold anything.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

from opentelemetry import trace
from temporalio import activity

_TEMPORAL_FIELDS = ("temporal_workflow", "temporal_activity")
_TEMPORAL_NAMES = ("workflow_id", "workflow_type", "run_id", "activity_type", "attempt", "task_queue")
_ACTIVITY_NAMES = ("workflow_id", "activity_type", "attempt", "task_queue")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, event, then the record's `fields`, Temporal's ids and the trace's."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {}) | _told_by_context()
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


def _told_by_context() -> dict[str, object]:
    """Whose log this is: the ids of the span and, within a try of a step, of its process."""
    told: dict[str, object] = {}
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        told |= {"trace_id": trace.format_trace_id(span.trace_id), "span_id": trace.format_span_id(span.span_id)}
    if activity.in_activity():
        info = activity.info()
        told |= {name: getattr(info, name) for name in _ACTIVITY_NAMES}
    return told


def log_event(logger: logging.Logger, event: str, level: int = logging.INFO, **fields: object) -> None:
    """Log an event with its fields. Callers keep personal data and secrets out of them."""
    logger.log(level, event, extra={"fields": fields})
