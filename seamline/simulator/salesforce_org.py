"""One simulated Salesforce organisation: its users, its limits, and who may come in.

The connected app has the client id `client-<connection>` and the client secret `secret-<connection>`. It works as the
user `seamline@<connection>.example`, by client credentials or by an assertion signed with the key whose public half was
registered (`PUT /_simulator/crms/{connection}/certificate`). Token errors are {error, error_description}.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from pydantic import BaseModel, ConfigDict, Field

from seamline.simulator.salesforce_ids import new_id
from seamline.simulator.salesforce_objects import TYPES
from seamline.simulator.salesforce_values import Problem, seconds_text
from seamline.simulator.world import Body, World, now

DAY_SECONDS = 86_400
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LOGIN_ADDRESSES = ("https://login.salesforce.com", "https://test.salesforce.com")
ASSERTION_SECONDS_MAX = 300
SYSTEM = "salesforce"


class OrgSettings(BaseModel):
    """How this organisation is set. `requests_used` counts the calls of the day, and can be set too."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    page_size: int = Field(default=2_000, ge=1, le=2_000, description="Records in one page of a query's answer.")
    daily_requests_max: int = Field(default=100_000, ge=0, le=10_000_000)
    requests_used: int = Field(default=0, ge=0)
    session_seconds: int = Field(default=7_200, ge=1, le=DAY_SECONDS)
    flow: bool = Field(default=True, description="Whether the Flow tells subscribers of opportunities.")


class TokenRefused(Exception):
    """The token endpoint says no."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description}


class Org:
    """The organisation of one connection. Made with its users on first use."""

    def __init__(self, world: World, connection: str) -> None:
        self.world = world
        self.connection = connection
        world.connect(connection, SYSTEM)
        if not world.find(connection, "Organization"):
            self._seed()

    @property
    def id(self) -> str:
        """The organisation's id."""
        return str(self.world.find(self.connection, "Organization")[0]["Id"])

    @property
    def integration_user(self) -> Body:
        """The user as whom the API works."""
        return self.world.find(self.connection, "User")[0]

    @property
    def sales_user(self) -> Body:
        """The colleague as whom people work, and who owns what nobody else owns."""
        return self.world.find(self.connection, "User")[1]

    def user(self, name: str, email: str) -> Body:
        """The user with this address, made if there is none."""
        for known in self.world.find(self.connection, "User", {"Email": email}):
            return known
        return self._make("User", Name=name, Email=email, Username=email)

    # -- settings ----------------------------------------------------------------------------------------------------

    @property
    def settings(self) -> OrgSettings:
        """How the organisation is set."""
        return OrgSettings.model_validate(self._kept("settings"))

    def change(self, changes: Mapping[str, Any]) -> OrgSettings:
        """Change some of the settings. A new count of calls begins a new day."""
        changed = OrgSettings.model_validate(self._kept("settings") | dict(changes))
        self._keep("settings", changed.model_dump())
        if "requests_used" in changes:
            self._keep("day", {"began": time.time()})
        return changed

    def count_request(self) -> str:
        """Count one call; what `Sforce-Limit-Info` says then. Problem when the day's calls are used up."""
        if self._kept("day").get("began", 0.0) < time.time() - DAY_SECONDS:
            self.change({"requests_used": 0})
        settings = self.settings
        if settings.requests_used >= settings.daily_requests_max:
            raise Problem("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        used = settings.requests_used + 1
        self._keep("settings", settings.model_dump() | {"requests_used": used})
        return f"api-usage={used}/{settings.daily_requests_max}"

    def register(self, certificate: str) -> None:
        """Check assertions by this key: a certificate or public RSA key as PEM. ValueError when it is neither."""
        _public_key(certificate)
        self._keep("certificate", {"pem": certificate})

    # -- tokens ------------------------------------------------------------------------------------------------------

    def grant(self, asked: Mapping[str, str], basic: str, instance: str) -> Body:
        """A new access token; `instance` is this organisation's address. TokenRefused otherwise."""
        match asked.get("grant_type"):
            case "client_credentials":
                self._check_client(asked, basic)
            case grant if grant == JWT_BEARER:
                self._check_assertion(asked.get("assertion", ""), instance)
            case _:
                raise TokenRefused("unsupported_grant_type", "grant type not supported")
        user = self.integration_user["Id"]
        token = f"{self.id[:15]}!{secrets.token_urlsafe(48)}"
        ends_at = time.time() + self.settings.session_seconds
        self.world.put(self.connection, "session", token, {"id": token, "ends_at": ends_at})
        return {
            "access_token": token,
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
            "scope": "api",
            "instance_url": instance,
            "id": f"{LOGIN_ADDRESSES[0]}/id/{self.id}/{user}",
            "token_type": "Bearer",
            "issued_at": f"{time.time() * 1000:.0f}",
        }

    def check_session(self, authorization: str) -> None:
        """Problem INVALID_SESSION_ID where this header carries no live token."""
        kind, _, token = authorization.partition(" ")
        known = self.world.get(self.connection, "session", token)
        if kind not in ("Bearer", "OAuth") or known is None or known["ends_at"] <= time.time():
            raise Problem("INVALID_SESSION_ID", "Session expired or invalid", status=401)

    def end_sessions(self) -> int:
        """End every session now; how many lived."""
        live = [one for one in self.world.find(self.connection, "session") if one["ends_at"] > time.time()]
        for one in live:
            self.world.put(self.connection, "session", one["id"], one | {"ends_at": 0})
        return len(live)

    def _check_client(self, asked: Mapping[str, str], basic: str) -> None:
        client, secret = asked.get("client_id", ""), asked.get("client_secret", "")
        if basic.startswith("Basic "):
            try:
                client, _, secret = base64.b64decode(basic[6:], validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise TokenRefused("invalid_client", "invalid client credentials") from None
        if client != f"client-{self.connection}":
            raise TokenRefused("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(secret.encode(), f"secret-{self.connection}".encode()):
            raise TokenRefused("invalid_client", "invalid client credentials")

    def _check_assertion(self, assertion: str, instance: str) -> None:
        pem = self._kept("certificate").get("pem", "")
        if not pem:
            raise TokenRefused("invalid_client_id", "client identifier invalid")
        audience = (*LOGIN_ADDRESSES, instance)
        required = {"require": ["iss", "sub", "aud", "exp"]}
        try:
            claims = jwt.decode(
                assertion, _public_key(pem), ["RS256"], audience=audience, options=required, leeway=30  # type: ignore[arg-type]
            )  # fmt: skip
        except jwt.InvalidAudienceError:
            raise TokenRefused("invalid_grant", "audience is invalid") from None
        except jwt.ExpiredSignatureError:
            raise TokenRefused("invalid_grant", "assertion has expired") from None
        except jwt.InvalidTokenError:
            raise TokenRefused("invalid_grant", "invalid assertion") from None
        if claims["iss"] != f"client-{self.connection}":
            raise TokenRefused("invalid_client_id", "client identifier invalid")
        if claims["sub"] != self.integration_user["Username"]:
            raise TokenRefused("invalid_grant", "user hasn't approved this consumer")
        if float(claims["exp"]) > time.time() + ASSERTION_SECONDS_MAX:
            raise TokenRefused("invalid_grant", "invalid assertion")

    # -- what is kept ------------------------------------------------------------------------------------------------

    def _kept(self, name: str) -> Body:
        return self.world.get(self.connection, "org", name) or {}

    def _keep(self, name: str, body: Body) -> None:
        self.world.put(self.connection, "org", name, body)

    def _seed(self) -> None:
        with self.world.transaction():
            self._make("Organization", Name=self.connection, IsSandbox=False)
            address = f"seamline@{self.connection}.example"
            self._make("User", Name="Seamline Integration", Email=address, Username=address)
            address = "sam.okafor@example.com"
            self._make("User", Name="Sam Okafor", Email=address, Username=address)
            self._keep("day", {"began": time.time()})

    def _make(self, type_name: str, **values: Any) -> Body:
        kind = TYPES[type_name]
        record_id = new_id(kind.prefix, self.world.next_id(self.connection, type_name))
        stamp = seconds_text(now())
        stamps = {"Id": record_id, "CreatedDate": stamp, "LastModifiedDate": stamp, "SystemModstamp": stamp}
        record: Body = {name: field.default for name, field in kind.fields.items()} | stamps | values
        self.world.put(self.connection, type_name, record_id, record)
        return record


def _public_key(pem: str) -> RSAPublicKey:
    try:
        if "BEGIN CERTIFICATE" in pem:
            key = load_pem_x509_certificate(pem.encode()).public_key()
        else:
            key = load_pem_public_key(pem.encode())  # type: ignore[assignment]
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("certificate: must be a certificate or a public key in PEM") from None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("certificate: must hold an RSA key")
    return key
