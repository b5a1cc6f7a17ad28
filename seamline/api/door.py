"""What every endpoint stands on: the settings, Temporal, and the processes that can be started."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from seamline import catalog
from seamline.api.problems import ApiError
from seamline.cancelling import Prospect, prospects
from seamline.finding import Listed, Status, listed, page_of_processes, parts_of
from seamline.process.process import Process
from seamline.process.start import Start, workflow_id
from seamline.records.event import Event
from seamline.records.reference import is_reference, part_of
from seamline.settings import Settings, start_for
from seamline.temporal import page_of, reaching, register_search_attributes, start_process, tell_process

ANSWER_SECONDS_MAX = 4
"""Shopify waits 5 s for an answer."""
LOOK_SECONDS_MAX = 20
"""For those who only look: a worker that was lost just now is waited for."""


@dataclass(frozen=True)
class Delivered:
    """What became of an event: the process that it starts, started by it or before, and the running ones told of it."""

    workflow_id: str | None
    started: bool
    told: tuple[str, ...]


class Door:
    """Starts processes, tells running ones, and looks at them. What was accepted Temporal has once a method returns."""

    def __init__(self, settings: Settings, client: Client, processes: Mapping[str, type[Process]]) -> None:
        self.settings = settings
        self.client = client
        self.processes = processes
        self._registered = False

    async def start(self, process: type[Process], start: Start) -> tuple[str, bool]:
        """The workflow id, and False when it was already there. Raises TemporalUnreachable, or TimeoutError."""
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            await self._prepare()
            return await start_process(self.client, process, start)

    async def deliver(self, reference: str, event: Event) -> Delivered:
        """Start the process that the event starts, and tell every other one that hears it and runs.

        Raises ValueError when the reference is none of that process, TemporalUnreachable, or TimeoutError.
        """
        starting = catalog.starting_on(event.kind, self.processes)
        hearing = catalog.hearing(event.kind, self.processes)
        identity, started = None, False
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            await self._prepare()
            if starting:
                start = start_for(starting, reference, self.settings, started_by=f"webhook {event.topic}")
                identity, started = await start_process(self.client, starting, start)
            identities = [workflow_id(one.name, reference) for one in hearing if not (started and one is starting)]
            identities += [part for one in hearing if one.has_parts for part in await self._parts(one, reference)]
            told = [one for one in identities if await tell_process(self.client, one, event)]
        return Delivered(identity, started, tuple(told))

    async def _parts(self, process: type[Process], reference: str) -> list[str]:
        """The running processes of the object's parts. One just begun may be missed: it reads its object after this."""
        if part_of(reference):
            return []
        return [one.id for one in await parts_of(self.client, workflow_id(process.name, reference), running=True)]

    async def page(
        self, *, status: Status | None, team: str, reference: str, limit: int, after: str
    ) -> tuple[Sequence[Listed], str]:
        """A page of the processes that fit, and after what the next comes. Raises as `page_of_processes`."""
        async with asyncio.timeout(LOOK_SECONDS_MAX):
            await self._prepare()
            return await page_of_processes(
                self.client, status=status, team=team, reference=reference, limit=limit, after=after
            )

    async def prospects(self, workflow_id: str) -> Sequence[Prospect]:
        """What a cancel would do to the process and to its parts, the whole first; nothing where there is none."""
        process, _, reference = workflow_id.partition(":")
        if process not in self.processes or not is_reference(reference):
            return ()
        async with asyncio.timeout(LOOK_SECONDS_MAX):
            try:
                with reaching():
                    known = listed(await self.client.get_workflow_handle(workflow_id).describe())
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return ()
                raise
            return await prospects(self.client, known)

    async def _prepare(self) -> None:
        """Once: what processes need of the namespace. It is also how a wrong namespace is found out."""
        if not self._registered:
            await register_search_attributes(self.client)
            self._registered = True

    def links(self, workflow_id: str) -> dict[str, str]:
        """Pages that show a process."""
        page = page_of(self.settings, self.client.namespace, workflow_id)
        return {"temporal_ui": page} if page else {}


def door_of(request: Request) -> Door:
    """The app's door."""
    return cast(Door, request.app.state.door)


_bearer = HTTPBearer(auto_error=False, description="The token in the setting api.token, where one is set.")


def authorized(
    door: Annotated[Door, Depends(door_of)], given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    """Raise 401 unless the caller knows the token, where one is set."""
    token = door.settings.api.token
    if token is None:
        return
    sent = given.credentials if given else ""
    if not secrets.compare_digest(sent.encode(), token.get_secret_value().encode()):
        detail = "a bearer token is needed: send the header Authorization: Bearer TOKEN"
        raise ApiError(401, detail, headers={"WWW-Authenticate": "Bearer"})
