"""What can go wrong when a system is called, told apart by what the caller should do.

    SystemFailure
    ├── Outage           wait: the system is away, busy or throttles; the same call will do later
    ├── LockedOut        fix credentials: 401, or 403 after one refresh
    ├── Refusal          ask: the system says no, and why
    ├── UnknownOutcome   find out: the write may have happened and nothing can tell
    ├── Observed         note: the write was held back, since this connection only observes
    └── NotYet           wait on: the thing waited for has not happened; nothing is wrong

An error carries its evidence as a `Failure`. Its text names connection, operation and code only: what the vendor wrote
can hold personal data, so it stays in `Failure.reason`, which travels in (encryptable) payloads, never in logs or ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Kind(StrEnum):
    """What the caller of a failed operation should do next."""

    OUTAGE = "outage"
    LOCKED_OUT = "locked out"
    REFUSAL = "refusal"
    UNKNOWN_OUTCOME = "unknown outcome"
    NOT_YET = "not yet"
    OBSERVED = "held back"
    """A write that observe-only let not leave."""
    DEFECT = "defect"
    """Our own bug in an adapter or activity: goes on by itself once a fixed release runs."""
    APPROVAL = "approval"
    """Nothing failed: a process asks a person."""


class Problem(BaseModel):
    """One broken rule: the field's place, dotted (`address.postcode`), and what is wrong with it, in words."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    field: str
    reason: str


class Failure(BaseModel):
    """The evidence of a failed operation. `code` is short and stable, to group by; `reason` is the vendor's text."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    kind: Kind
    code: str
    connection: str = ""
    operation: str = ""
    reason: str = ""
    problems: tuple[Problem, ...] = ()
    status: int | None = None
    request_id: str | None = None
    retry_after_seconds: float | None = None

    @property
    def cause(self) -> str:
        """Connection, kind and code: what the desk groups by. Holds no personal data."""
        return f"{self.connection or 'seamline'} {self.kind.value} {self.code}"


class SystemFailure(Exception):
    """Base of everything a system's adapter raises. Adapters raise the subclasses."""

    kind: Kind

    def __init__(
        self,
        code: str,
        reason: str = "",
        *,
        connection: str = "",
        operation: str = "",
        problems: Sequence[Problem] = (),
        status: int | None = None,
        request_id: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        self.failure = Failure(
            kind=self.kind,
            code=code,
            connection=connection,
            operation=operation,
            reason=reason,
            problems=tuple(problems),
            status=status,
            request_id=request_id,
            retry_after_seconds=retry_after_seconds,
        )
        super().__init__(f"{self.kind.value}: {code} ({connection or '?'}, {operation or '?'})")


class Outage(SystemFailure):
    """The system is away, busy or throttles (refused connection, 429, 5xx, a timeout). Wait and call again."""

    kind = Kind.OUTAGE


class LockedOut(SystemFailure):
    """The system does not let us in (401, or 403 after one refresh). `it` must mend the credentials."""

    kind = Kind.LOCKED_OUT


class Refusal(SystemFailure):
    """The system says no and why. Staff amend, skip or cancel; calling again unchanged would be refused again."""

    kind = Kind.REFUSAL


class UnknownOutcome(SystemFailure):
    """The write may have happened and can be neither looked up nor keyed. Never repeated without a person."""

    kind = Kind.UNKNOWN_OUTCOME


class Observed(SystemFailure):
    """The write was held back before it left: the connection, or the process, only observes."""

    kind = Kind.OBSERVED


class NotYet(SystemFailure):
    """What is waited for has not happened yet. `retry_after_seconds` may say when to look again."""

    kind = Kind.NOT_YET


class ConfigurationError(Exception):
    """A setting is wrong or missing. The text names the setting and the remedy."""
