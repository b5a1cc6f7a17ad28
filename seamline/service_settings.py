"""The settings of the services: what a worker does, the API, and what is looked at by the clock."""

from __future__ import annotations

from pydantic import Field, SecretStr, model_validator

from seamline.section import Section
from seamline.telemetry_settings import Port


class WorkerSettings(Section):
    """What a worker serves."""

    connections: tuple[str, ...] = Field(default=("all",), description="The connections it serves.")
    workflows: bool = Field(default=True, description="Whether it runs the processes themselves.")
    drain_seconds: float = Field(default=20, ge=0, le=600, description="How long running work may end at a stop.")
    workflows_cached_max: int = Field(default=1000, ge=1, le=100_000, description="Processes kept in memory.")
    deployment: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]{0,99})?$",
        description="Temporal's name of the worker deployment, for releases without a break; none on a laptop.",
    )
    build_id: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9_.+-]{0,99})?$",
        description="Which build of the code this is: its version or commit. Given together with the deployment.",
    )

    prometheus_port: Port | None = Field(
        default=None, description="Where its metrics can be fetched; nowhere if unset."
    )

    @model_validator(mode="after")
    def _check_build(self) -> WorkerSettings:
        if bool(self.deployment) != bool(self.build_id):
            raise ValueError("deployment and build_id belong together: set both, or neither")
        return self


class ApiSettings(Section):
    """The HTTP API and the webhook door."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535, description="0 takes a free one.")
    public_url: str = Field(
        default="",
        description="Its address as vendors call it, where a proxy stands before it: some sign the address too.",
    )
    body_limit_bytes: int = Field(default=1_000_000, ge=1, le=50_000_000)
    body_timeout_seconds: float = Field(default=10, gt=0, le=300, description="How long a body may take to arrive.")
    token: SecretStr | None = Field(
        default=None, description="Bearer token that starting processes and looking at them demand, if set."
    )
    prometheus_port: Port | None = Field(
        default=None, description="Where its metrics can be fetched; nowhere if unset."
    )


class WatchSettings(Section):
    """How CRMs are looked at for won deals that no webhook told of."""

    enabled: bool = True
    interval_seconds: float = Field(default=60, ge=1, le=86_400, description="How often each CRM is looked at.")
    overlap_seconds: float = Field(
        default=300, ge=0, le=86_400, description="How far a look goes back before the last change seen."
    )
    first_hours: float = Field(
        default=24, ge=0, le=8760, description="How far back the very first look goes: older deals stay as they are."
    )


class StockSettings(Section):
    """How shops are told what is in stock."""

    share: bool = Field(
        default=False, description="Whether the inventory owns the stock, and each shop is set to what it has."
    )
    interval_seconds: float = Field(default=900, ge=1, le=86_400, description="How often each shop is looked at.")
