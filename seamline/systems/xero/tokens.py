"""Xero's tokens: by client credentials, or by a refresh token that changes each time it is used.

A refresh token that is used up and whose successor is lost locks everybody out until a person lets the app in again. So
its successor is kept in a file that all workers share, before the access token beside it is used: written whole or not
at all, readable for its owner alone, and under a lock, so that two workers never use up the same token. Where the
answer is lost, the token before is still good for half an hour, and the next try uses it.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from seamline.errors import LockedOut, Outage, Refusal
from seamline.http import HttpClient
from seamline.records.reading import refusing
from seamline.systems.xero import wire

MARGIN_SECONDS = 120.0
"""A token is renewed this long before it ends, or after nine tenths of its life if that is shorter."""
SCOPES = "accounting.transactions accounting.contacts accounting.settings"
LOCK_PAUSE_SECONDS = 0.05
LOCK_TRIES_MAX = 400


class Kept(BaseModel):
    """The tokens in use. `began_with` tells which consent they go back to, without telling its token."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    access_token: str
    ends_at: float
    """Unix time."""
    refresh_token: str = ""
    began_with: str = ""

    def good(self, refused: str | None) -> bool:
        """Whether the access token can be used: not over soon, and not the one refused."""
        return self.access_token not in ("", refused) and time.time() < self.ends_at


class Grant(Protocol):
    """One of Xero's two ways to a token."""

    async def token(self, refused: str | None) -> Kept:
        """A good token that is not the one refused."""


class Tokens:
    """The access token in use. One renewal serves all calls that wait for it."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant
        self._kept: Kept | None = None
        self._renewing = asyncio.Lock()

    async def fresh(self, refused: str | None = None) -> str:
        """The token in use, or a new one if it ends soon or is the one refused."""
        async with self._renewing:
            if self._kept is None or not self._kept.good(refused):
                self._kept = await self._grant.token(refused)
            return self._kept.access_token


class ByCredentials:
    """The app's own id and secret are enough: a custom connection of one organisation."""

    def __init__(self, http: HttpClient, client_id: str, client_secret: str) -> None:
        self._http = http
        self._client = {"client_id": client_id, "client_secret": client_secret}

    async def token(self, refused: str | None) -> Kept:
        """A new token."""
        form = {**self._client, "grant_type": "client_credentials", "scope": SCOPES}
        return await _asked(self._http, form)


class ByRefreshToken:
    """A person let the app in; `first` is the refresh token of that day, `file` what has become of it since."""

    def __init__(self, http: HttpClient, client_id: str, client_secret: str, first: str, file: Path) -> None:
        self._http = http
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._first = Kept(access_token="", ends_at=0, refresh_token=first, began_with=_fingerprint(first))
        self._file = TokenFile(file)

    async def token(self, refused: str | None) -> Kept:
        """Another worker's token where that is good, else a new one, kept before it is used."""
        async with self._file.locked():
            kept = self._file.read() or self._first
            if kept.began_with != self._first.began_with:
                kept = self._first  # a person has let the app in anew since
            if kept.good(refused):
                return kept
            form = {**self._client, "grant_type": "refresh_token", "refresh_token": kept.refresh_token}
            fresh = await _asked(self._http, form)
            renewed = fresh.model_copy(update={"began_with": kept.began_with})
            self._file.write(renewed)
            return renewed


class TokenFile:
    """The file that all workers of a connection share. LockedOut `token-file` where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Alone with the file, over all processes. The lock of a process that dies is free. Outage `token-busy`."""
        lock = self._opened(self._path.with_name(f"{self._path.name}.lock"))
        try:
            await _wait_for(lock)
            yield
        finally:
            os.close(lock)

    def read(self) -> Kept | None:
        """What is kept, None while there is nothing."""
        try:
            return Kept.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            raise LockedOut("token-file", f"{self._path} cannot be read: remove it and let the app in anew") from None

    def write(self, kept: Kept) -> None:
        """Keep it: the whole file is replaced at once, and on the disk before this returns."""
        part = self._path.with_name(f"{self._path.name}.part")
        handle = self._opened(part)
        try:
            os.ftruncate(handle, 0)
            os.write(handle, kept.model_dump_json().encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        part.replace(self._path)

    def _opened(self, path: Path) -> int:
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            raise LockedOut("token-file", f"{path} cannot be written: make its folder writable") from None


async def _asked(http: HttpClient, form: Mapping[str, str]) -> Kept:
    answer = await http.send("token", "POST", wire.TOKEN_PATH, write=False, form=form)
    with refusing("unreadable-answer", "the token is not as Xero describes it", "token"):
        token = wire.Token.model_validate(answer.json())
    if form["grant_type"] == "refresh_token" and not token.refresh_token:
        raise Refusal("unreadable-answer", "Xero's answer to a refresh token holds no new one")
    margin = min(MARGIN_SECONDS, token.expires_in / 10)
    ends_at = time.time() + token.expires_in - margin
    return Kept(access_token=token.access_token, ends_at=ends_at, refresh_token=token.refresh_token)


async def _wait_for(lock: int) -> None:
    for _ in range(LOCK_TRIES_MAX):
        if _took(lock):
            return
        await asyncio.sleep(LOCK_PAUSE_SECONDS)
    raise Outage("token-busy", "another worker has been renewing the token for too long")


def _took(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
