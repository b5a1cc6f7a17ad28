"""The waits of a process: opened when something holds it, closed by one decision or by healing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from seamline.errors import Failure, Problem
from seamline.process.decision import Action, BadDecision, Decision
from seamline.process.view import Status, Wait
from seamline.records.base import Record


@dataclass
class OpenWait:
    """One open wait. Who claims it first decides; `taken` says what the engine made of that."""

    name: str
    title: str
    status: Status
    team: str
    failure: Failure
    request: Record
    result_fields: tuple[str, ...]
    actions: tuple[Action, ...]
    since: datetime
    check: Callable[[Decision, bool], object]
    """Raises BadDecision when the decision does not fit; the flag says that its sender is authenticated."""
    due: datetime | None = None
    """When the team is late."""
    choices: Mapping[str, str] = field(default_factory=dict)
    decision: Decision | None = None
    taken: bool | None = field(default=None)
    """None until the engine took the decision up; False when the step succeeded meanwhile and the decision is void."""

    @property
    def is_open(self) -> bool:
        """Whether it still waits for the engine to take it up."""
        return self.taken is None

    def shown(self) -> Wait:
        """The wait as staff see it."""
        return Wait(
            name=self.name,
            title=self.title,
            status=self.status,
            team=self.team,
            cause=self.failure.cause,
            reason=self.failure.reason,
            problems=self.failure.problems,
            actions=self.actions,
            since=self.since,
            due=self.due,
            request=self.request.model_dump(mode="json"),
            result_fields=self.result_fields,
            choices=dict(self.choices),
        )


class Waits:
    """All waits of one process, by name."""

    def __init__(self) -> None:
        self._open: dict[str, OpenWait] = {}
        self._counts: dict[str, int] = {}

    def __iter__(self) -> Iterator[OpenWait]:
        return iter(self._open.values())

    def __len__(self) -> int:
        return len(self._open)

    def next_name(self, purpose: str) -> str:
        """`buy-label#2` for the second wait of a purpose."""
        self._counts[purpose] = self._counts.get(purpose, 0) + 1
        return f"{purpose}#{self._counts[purpose]}"

    def open(self, wait: OpenWait) -> OpenWait:
        """Take the wait up, so that it can be decided."""
        self._open[wait.name] = wait
        return wait

    def close(self, wait: OpenWait, *, taken: bool) -> None:
        """End the wait; `taken` tells whoever decided whether that counted."""
        wait.taken = taken
        self._open.pop(wait.name, None)

    def check(self, decision: Decision, *, verified: bool) -> OpenWait:
        """The open wait that the decision answers. BadDecision when it cannot be taken, with the reason."""
        wait = self._open.get(decision.wait)
        if wait is None:
            names = ", ".join(self._open) or "none"
            raise BadDecision([Problem(field="wait", reason=f"is not open here; open waits: {names}")])
        if wait.decision is not None:
            raise BadDecision([Problem(field="wait", reason="was already decided")])
        if decision.action not in wait.actions:
            allowed = ", ".join(wait.actions)
            raise BadDecision([Problem(field="action", reason=f"is not possible here; possible: {allowed}")])
        wait.check(decision, verified)
        return wait

    def claim(self, decision: Decision, *, verified: bool) -> OpenWait:
        """Check and claim in one go, with no await between: of two decisions at once the first wins."""
        wait = self.check(decision, verified=verified)
        wait.decision = decision
        return wait
