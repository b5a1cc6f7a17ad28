"""What every endpoint stands on: the settings, Temporal, and the processes that can be started."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from temporalio.client import Client

from seamline.api.problems import ApiError
from seamline.process.process import Process
from seamline.process.start import Start
from seamline.settings import Settings
from seamline.temporal import page_of, register_search_attributes, start_process

START_SECONDS_MAX = 4
"""Shopify waits 5 s for an answer."""


class Door:
    """Starts processes. Once `start` returns, Temporal has the process."""

    def __init__(self, settings: Settings, client: Client, processes: Mapping[str, type[Process]]) -> None:
        self.settings = settings
        self.client = client
        self.processes = processes
        self._registered = False

    async def start(self, process: type[Process], start: Start) -> tuple[str, bool]:
        """The workflow id, and False when it was already there. Raises TemporalUnreachable, or TimeoutError."""
        async with asyncio.timeout(START_SECONDS_MAX):
            if not self._registered:
                await register_search_attributes(self.client)
                self._registered = True
            return await start_process(self.client, process, start)

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
