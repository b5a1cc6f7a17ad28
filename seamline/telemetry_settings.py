"""The settings of traces and metrics."""

from __future__ import annotations

import os
import socket
from typing import Annotated

from pydantic import Field

from seamline.section import Section

Port = Annotated[int, Field(ge=1, le=65_535)]


class TelemetrySettings(Section):
    """Where traces and metrics go; nowhere by default."""

    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s?#]+$",
        description="A collector of traces and metrics, OTLP over HTTP: http://collector:4318.",
    )
    prometheus_host: str = Field(
        default="127.0.0.1", description="The IP address where Prometheus fetches metrics, at each program's port."
    )
    interval_seconds: float = Field(
        default=15, ge=0.1, le=3600, description="How often metrics are sent, and what waits is counted for them."
    )
    service_name: str = Field(
        default="seamline", min_length=1, description="What traces and metrics come from: NAME-worker and NAME-api."
    )

    def identity(self, program: str) -> dict[str, str]:
        """Which program this is, by OpenTelemetry's names: two of one machine are told apart."""
        return {
            "service.namespace": self.service_name,
            "service.name": f"{self.service_name}-{program}",
            "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
        }
