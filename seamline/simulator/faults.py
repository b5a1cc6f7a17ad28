"""Faults on demand: what goes wrong, at which operation of which connection, how often or for how long."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

DELAY_SECONDS_MAX = 600.0
COUNT_MAX = 1_000_000


class FaultKind(StrEnum):
    """What goes wrong. Before the effect unless said otherwise."""

    STATUS = "status"
    """The HTTP status `status` (SMTP: reply code), in the vendor's shape."""
    TIMEOUT = "timeout"
    """No effect and no answer: hangs for `delay_seconds`, then the connection is cut."""
    LOST_REPLY = "lost-reply"
    """The effect is done, then the connection is cut without an answer, after `delay_seconds` where given."""
    LATE_REPLY = "late-reply"
    """The effect is done; the answer comes after `delay_seconds`."""
    THROTTLE = "throttle"
    """Too many calls, in the vendor's shape; `delay_seconds` is what it asks to wait."""
    REFUSE = "refuse"
    """A refusal in the vendor's shape, with `field` and `reason`."""
    SLOW = "slow"
    """Works, after `delay_seconds`."""
    DOWN = "down"
    """The connection is cut at once, or answered with `status` where one is given."""
    BLIND = "blind"
    """Searches answer that nothing is found; other operations are left alone."""
    NOT_ASSIGNED = "not-assigned"
    """Tryton's `assign_try` answers 200 and leaves the shipment waiting; other operations are left alone."""
    NOT_PROCESSED = "not-processed"
    """Tryton's queue comes to a sale that is confirmed only after `delay_seconds`; other operations are left alone."""


class FaultRequest(BaseModel):
    """A fault to make. Without `count` and `seconds` it lasts until it is deleted.

    A call that it keeps waiting goes on at once when the fault is deleted, as it would have after `delay_seconds`.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    connection: str = Field(min_length=1, max_length=31, description="The connection's name, or * for all.")
    operation: str = Field(default="*", min_length=1, max_length=80, description="The operation, or * for all.")
    kind: FaultKind
    status: int | None = Field(default=None, ge=400, le=599)
    count: int | None = Field(default=None, ge=1, le=COUNT_MAX, description="How many calls it hits.")
    seconds: float | None = Field(default=None, gt=0, le=86_400, description="How long it lasts.")
    probability: float = Field(default=1.0, gt=0, le=1)
    seed: int = Field(default=0, description="Makes the throws of `probability` repeatable.")
    delay_seconds: float | None = Field(default=None, ge=0, le=DELAY_SECONDS_MAX)
    reason: str = Field(default="refused by a fault of the simulator", max_length=500)
    field: str = Field(default="", max_length=100)

    @model_validator(mode="after")
    def _complete(self) -> FaultRequest:
        if self.kind is FaultKind.STATUS and self.status is None:
            raise ValueError("kind status needs the field status, for example 503")
        return self


class Fault(FaultRequest):
    """A fault that was made. `hits` are the calls it hit, `throws` those it could have hit."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: str
    ends_at: float | None = None
    """Unix time in seconds."""
    hits: int = 0
    throws: int = 0

    @property
    def spent(self) -> bool:
        """Whether it hit as often as it may."""
        return self.count is not None and self.hits >= self.count

    def wants(self, operation: str, *, search: bool) -> bool:
        """Whether a call of this operation is one it could hit."""
        if self.operation not in ("*", operation) or self.spent:
            return False
        if self.kind is FaultKind.BLIND:
            return search
        if self.kind is FaultKind.NOT_PROCESSED:
            return operation == "sale.sale.confirm"
        return self.kind is not FaultKind.NOT_ASSIGNED or operation.endswith("assign_try")


class ConnectionCut(Exception):
    """The connection is to be cut without an answer."""


class Injected(Exception):
    """A fault that the vendor answers in its own shape: kind status, throttle, refuse, or down with a status."""

    def __init__(self, fault: Fault, system: str, connection: str, operation: str) -> None:
        super().__init__(f"{fault.kind.value} injected into {connection} {operation}")
        self.fault = fault
        self.system = system
        self.connection = connection
        self.operation = operation
