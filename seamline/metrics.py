"""Metrics: what Temporal's SDK counts, and what Seamline adds, fetched by Prometheus or sent over OTLP.

Names are words joined by underscores, as Temporal's are; durations are seconds. Labels are names out of settings and
code, never those of an object: a label for each order would be a series for each, and could tell about people.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import timedelta

from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_HEADERS
from opentelemetry.util.re import parse_env_headers
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    OpenTelemetryConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
)

from seamline.errors import ConfigurationError
from seamline.telemetry_settings import TelemetrySettings

REQUEST_DURATION = "http_server_request_duration"
"""How long the API took for a request."""
STEP_DURATION = "seamline_step_duration"
"""How long one try of a step took."""
FAILURES = "seamline_failures"
"""Tries of steps that failed."""
PROCESS_DURATION = "seamline_process_duration"
"""How long a process lived."""
WAITING = "seamline_waiting"
"""Processes that one cause holds."""
OVERDUE = "seamline_waiting_overdue"
"""Those of them whose decision should have come."""
OLDEST_AGE = "seamline_waiting_oldest_age_seconds"
"""How long ago the first of them was started."""
BREAKER = "seamline_breaker"
"""1 for the state that a connection's breaker is in, 0 for the others."""

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
_CALLS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BUCKETS: Mapping[str, tuple[float, ...]] = {
    REQUEST_DURATION: _CALLS,
    STEP_DURATION: _CALLS,
    PROCESS_DURATION: (
        *(1.0, 10.0, _MINUTE, 10 * _MINUTE, _HOUR, 4 * _HOUR, 12 * _HOUR),
        *(_DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY),
    ),
}
"""Seconds. A process may take weeks, which the exporter's own buckets do not tell from minutes."""

_CORE_LOG_LEVEL = "WARN"


def runtime_of(settings: TelemetrySettings, program: str, port: int | None) -> Runtime:
    """What Temporal's client and workers run on: their log is ours, and their metrics go where the settings say.

    A port wins over the collector, since the SDK takes one way. ConfigurationError names the setting that is wrong.
    """
    telemetry = TelemetryConfig(
        logging=_logging(),
        metrics=_metrics(settings, port),
        # Prometheus knows whom it asks; a collector is told.
        global_tags={"service_name": f"{settings.service_name}-{program}"} if port else settings.identity(program),
        attach_service_name=False,
    )
    try:
        return Runtime(telemetry=telemetry)
    except ValueError as error:
        raise ConfigurationError(_wrong(settings, program, port, str(error))) from None


def _metrics(settings: TelemetrySettings, port: int | None) -> PrometheusConfig | OpenTelemetryConfig | None:
    if port:
        return PrometheusConfig(
            bind_address=f"{settings.prometheus_host}:{port}",
            counters_total_suffix=True,
            unit_suffix=True,
            durations_as_seconds=True,
            histogram_bucket_overrides=BUCKETS,
        )
    if settings.otlp_endpoint:
        return OpenTelemetryConfig(
            url=f"{settings.otlp_endpoint.rstrip('/')}/v1/metrics",
            headers=parse_env_headers(os.environ.get(OTEL_EXPORTER_OTLP_HEADERS, ""), liberal=True),
            http=True,
            metric_periodicity=timedelta(seconds=settings.interval_seconds),
            durations_as_seconds=True,
            histogram_bucket_overrides=BUCKETS,
        )
    return None


def _logging() -> LoggingConfig:
    """The SDK's log as ours, without the fields: they can hold payloads."""
    return LoggingConfig(
        filter=LoggingConfig.default.filter,
        forwarding=LogForwardingConfig(
            logging.getLogger("temporalio.core"),
            append_target_to_name=False,
            prepend_target_on_message=False,
            append_log_fields_to_message=False,
        ),
    )


def _wrong(settings: TelemetrySettings, program: str, port: int | None, reason: str) -> str:
    if not port:
        return f"telemetry.otlp_endpoint: {settings.otlp_endpoint} takes no metrics ({reason}): correct it"
    return (
        f"telemetry.prometheus_host, {program}.prometheus_port: cannot listen on {settings.prometheus_host}:{port} "
        f"({reason}): take an IP address of this machine, and a port for each program"
    )
