"""Looking out for something while a question is open: what comes to pass makes the question needless."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic

from temporalio import workflow

from seamline.process.attempt import issue
from seamline.process.effect import Call, Req, Res, Wait
from seamline.records.event import EventKind

if TYPE_CHECKING:
    from seamline.process.process import Process


class Lookout(Generic[Req, Res]):
    """What would make a question needless, looked out for while that is open: one activity without an end.

    When it fails for good nobody looks any more, and the question stays: people can answer it.
    """

    def __init__(
        self,
        process: Process,
        wait: Wait[Req, Res],
        request: Req,
        unless: Sequence[EventKind] = (),
        since: int | None = None,
    ) -> None:
        self.process = process
        self.wait = wait
        self.call = Call[wait.request_type](reference=process.start.reference, request=request)  # type: ignore[name-defined]
        self.unless = unless
        self.since = process.heard(unless) if since is None else since
        self.heard = 0
        self.activity: workflow.ActivityHandle[Res] | None = None

    @property
    def seen(self) -> bool:
        """Whether it came to pass."""
        done = self.activity is not None and self.activity.done() and not self.activity.cancelled()
        return done and self.activity is not None and self.activity.exception() is None

    @property
    def overtaken(self) -> bool:
        """Whether a system told something that the question must be thought over for."""
        return self.process.heard(self.unless) > self.since

    @property
    def is_news(self) -> bool:
        """Whether a system told something after which it is worth looking at once."""
        return self.process.heard(self.wait.news) != self.heard

    def begin(self) -> None:
        """Look, and look again in the wait's own times."""
        self.heard = self.process.heard(self.wait.news)
        connection = self.process.route[self.wait.role]
        self.activity = issue(self.wait, self.call, connection, self.process.policy, healing=False)

    async def end(self) -> None:
        """Look no more."""
        if self.activity is not None:
            self.activity.cancel()
            await asyncio.wait([self.activity])

    def result(self) -> Res:
        """What was seen."""
        if self.activity is None:
            raise RuntimeError("nothing was looked for")
        return self.activity.result()
