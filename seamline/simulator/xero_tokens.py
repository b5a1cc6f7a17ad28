"""Xero's tokens: access by client credentials or by a refresh token that changes with each use.

A refresh token is good once. The one before stays good for a while, for whoever lost the answer. The first is
`refresh-<connection>`, as if a person had just let the app in. Source: https://developer.xero.com/documentation/guides/oauth2/auth-flow/
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
import uuid
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from seamline.simulator.world import Body, Call, World
from seamline.simulator.xero_answers import SYSTEM, unauthorised
from seamline.simulator.xero_limits import limits_of

REFRESH_SECONDS_MAX = 60 * 86_400
SCOPE = "accounting.transactions accounting.contacts accounting.settings"
_ACCESS, _REFRESH = "access-token", "refresh-token"


def tenant_id(connection: str) -> str:
    """The organisation's id, the same for ever."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{connection}.xero.example"))


class Tokens:
    """Who may call. `router` has the endpoints."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.router = APIRouter()
        self.router.post("/connect/token")(self.token)
        for path in ("/connections", "/Connections"):  # Xero's own client writes it large
            self.router.get(path)(self.connections)

    async def token(self, connection: str, request: Request) -> Response:
        """Both grants, as a form; the client as Basic or in the form."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        async with self.world.call(connection, SYSTEM, "token") as call:
            if not _is_client(connection, form, request.headers.get("authorization", "")):
                return _denied(call, "invalid_client")
            if form.get("grant_type") == "client_credentials":
                return JSONResponse(self._access(connection))
            if form.get("grant_type") != "refresh_token":
                return _denied(call, "unsupported_grant_type")
            refreshed = self._refresh(connection, form.get("refresh_token", ""))
            return JSONResponse(refreshed) if refreshed else _denied(call, "invalid_grant")

    async def connections(self, connection: str, request: Request) -> Response:
        """The organisations that the token opens."""
        async with self.world.call(connection, SYSTEM, "connections.list") as call:
            if problem := self.problem(connection, request):
                call.outcome = "unauthorised"
                return problem
            since = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
            tenant = {"tenantId": tenant_id(connection), "tenantType": "ORGANISATION", "tenantName": connection}
            stamps = {"createdDateUtc": since, "updatedDateUtc": since}
            made = {"id": str(uuid.uuid5(uuid.NAMESPACE_DNS, connection)), "authEventId": str(uuid.UUID(int=1))}
            return JSONResponse([{**made, **tenant, **stamps}])

    def problem(self, connection: str, request: Request) -> Response | None:
        """The 401 where the request's token opens nothing."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        known = self.world.get(connection, _ACCESS, token) if kind.lower() == "bearer" else None
        if known is None:
            return unauthorised("AuthenticationUnsuccessful")
        if known["expires_at"] <= time.time():
            return unauthorised("TokenExpired: token expired")
        return None

    def expire(self, connection: str) -> None:
        """Every access token is over."""
        for token in self.world.find(connection, _ACCESS):
            self.world.put(connection, _ACCESS, token["id"], token | {"expires_at": 0.0})

    def revoke(self, connection: str) -> None:
        """A person takes the app's access away: no token is good any more."""
        self.expire(connection)
        self._first(connection)
        for token in self.world.find(connection, _REFRESH):
            self.world.put(connection, _REFRESH, token["id"], token | {"good_until": 0.0})

    def consent(self, connection: str) -> str:
        """A person lets the app in: a new refresh token."""
        return self._new_refresh(connection, secrets.token_urlsafe(32))

    def _access(self, connection: str) -> Body:
        seconds = limits_of(self.world, connection).token_seconds
        token = secrets.token_urlsafe(48)
        self.world.put(connection, _ACCESS, token, {"id": token, "expires_at": time.time() + seconds})
        return {"access_token": token, "expires_in": seconds, "token_type": "Bearer", "scope": SCOPE}

    def _refresh(self, connection: str, token: str) -> Body | None:
        self._first(connection)
        known = self.world.get(connection, _REFRESH, token)
        if known is None or known["good_until"] <= time.time():
            return None
        grace = limits_of(self.world, connection).refresh_grace_seconds
        with self.world.transaction():
            if not known["used"]:
                used = known | {"used": True, "good_until": time.time() + grace}
                self.world.put(connection, _REFRESH, token, used)
            fresh = self._new_refresh(connection, secrets.token_urlsafe(32))
            return self._access(connection) | {"refresh_token": fresh}

    def _first(self, connection: str) -> None:
        if self.world.get(connection, _REFRESH, f"refresh-{connection}") is None:
            self._new_refresh(connection, f"refresh-{connection}")

    def _new_refresh(self, connection: str, token: str) -> str:
        made = {"id": token, "used": False, "good_until": time.time() + REFRESH_SECONDS_MAX}
        self.world.put(connection, _REFRESH, token, made)
        return token


def _is_client(connection: str, form: dict[str, str], header: str) -> bool:
    client, secret = form.get("client_id", ""), form.get("client_secret", "")
    kind, _, coded = header.partition(" ")
    if kind.lower() == "basic":
        try:
            client, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
    given, wanted = f"{client}:{secret}".encode(), f"client-{connection}:secret-{connection}".encode()
    return hmac.compare_digest(given, wanted)


def _denied(call: Call, error: str) -> Response:
    call.outcome = "unauthorised"
    return JSONResponse({"error": error}, 400)
