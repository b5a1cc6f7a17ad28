"""A real mail server for tests, other than the simulator's: with certificates, a login, and what can go wrong."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
CUT = "cut"
"""In place of a reply: the connection is cut."""
LOGIN = ("orders", "correct horse")
HOUR = dt.timedelta(hours=1)


@dataclass
class PostOffice:
    """What the server does next, and what came: the replies to RCPT and to the text, then all goes well."""

    port: int = 0
    to_recipients: list[str] = field(default_factory=list)
    to_texts: list[str] = field(default_factory=list)
    received: list[EmailMessage] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    """For each mail whether it came over TLS."""
    logins: list[str] = field(default_factory=list)

    async def handle_RCPT(self, server: SMTP, _: Session, envelope: Envelope, address: str, _options: Any) -> str:
        reply = self._next(server, self.to_recipients)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:
        # A server that cuts the connection now has the mail all the same: that is what cannot be told from outside.
        wanted = self.to_texts[0] if self.to_texts else "250"
        if wanted == CUT or wanted.startswith("250"):
            self.received.append(BytesParser(EmailMessage, policy=default).parsebytes(cast(bytes, envelope.content)))
            self.secured.append(cast(asyncio.Transport, server.transport).get_extra_info("ssl_object") is not None)
        return self._next(server, self.to_texts)

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _kind: str, login: Any) -> AuthResult:
        if not isinstance(login, LoginPassword) or (login.login.decode(), login.password.decode()) != LOGIN:
            return AuthResult(success=False, handled=False)
        self.logins.append(login.login.decode())
        return AuthResult(success=True)

    def _next(self, server: SMTP, replies: list[str]) -> str:
        reply = replies.pop(0) if replies else "250 OK"
        if reply == CUT:
            cast(asyncio.Transport, server.transport).abort()
            return "421 closing"
        return reply


@asynccontextmanager
async def post_office(certificate: Path | None, *, tls: bool = False) -> AsyncIterator[PostOffice]:
    """The server: with a certificate it asks for STARTTLS and a login, or speaks TLS from the first byte."""
    office = PostOffice()
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def protocol() -> SMTP:
        return SMTP(
            office,
            hostname="mail.example",
            tls_context=None if tls else context,
            require_starttls=context is not None and not tls,
            # aiosmtpd cannot know that TLS began before it did.
            auth_required=context is not None and not tls,
            auth_require_tls=not tls,
            authenticator=office.authenticate,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, HOST, 0, ssl=context if tls else None)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()


def certificate(folder: Path, name: str, addresses: Iterable[str] = (HOST,)) -> Path:
    """A certificate that signs itself, with its key, for these addresses; valid from an hour ago to in an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    names = [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - HOUR)
        .not_valid_after(now + HOUR)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    written = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(written + made.public_bytes(serialization.Encoding.PEM))
    return path
