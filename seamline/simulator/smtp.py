"""A mail server that keeps what it is sent.

The connection is the user who logged in (password `smtp-test-<connection>`), `mail-main` without login. One operation:
`send`, at the end of DATA. Recipients at `refused.example` are refused for good (550), at `busy.example` for now (451).
The effect `send-mail` has the `Message-ID` as object, and key and reference from the headers `X-Seamline-Key` and
`X-Seamline-Reference`.
"""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from seamline.simulator.faults import ConnectionCut, FaultKind, Injected
from seamline.simulator.store import CONNECTION_PATTERN
from seamline.simulator.world import Body, World, now

SYSTEM = "smtp"
CONNECTION_DEFAULT = "mail-main"
MESSAGE_BYTES_MAX = 1_000_000
IDLE_SECONDS_MAX = 60
RECIPIENTS_MAX = 100


async def listen(world: World, host: str, port: int) -> asyncio.Server:
    """Listen for mail on this loop; port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    sink = _Sink(world)

    def protocol() -> SMTP:
        return SMTP(
            sink,
            loop=loop,
            hostname="simulator.example",
            ident="Seamline's simulator",
            data_size_limit=MESSAGE_BYTES_MAX,
            enable_SMTPUTF8=True,
            timeout=IDLE_SECONDS_MAX,
            auth_require_tls=False,
            authenticator=_authenticate,
        )

    return await loop.create_server(protocol, host, port)


def mails(world: World, to: str | None) -> list[Body]:
    """Mails kept, oldest first, all or those to one address."""
    found = [
        mail for name, system in world.connections().items() if system == SYSTEM for mail in world.find(name, "mail")
    ]
    return sorted((m for m in found if to is None or to in m["to"]), key=lambda mail: str(mail["at"]))


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, login: Any) -> AuthResult:
    if not isinstance(login, LoginPassword):
        return AuthResult(success=False, handled=False)
    user = login.login.decode("utf-8", "replace")
    known = CONNECTION_PATTERN.fullmatch(user) and login.password == f"smtp-test-{user}".encode()
    return AuthResult(success=True, auth_data=user) if known else AuthResult(success=False, handled=False)


class _Sink:
    """Takes mail into the world."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        domain = address.rpartition("@")[2].lower()
        if domain == "refused.example":
            return "550 5.1.1 No such user here"
        if domain == "busy.example":
            return "451 4.3.0 Mailbox busy, try again later"
        if len(envelope.rcpt_tos) >= RECIPIENTS_MAX:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        connection = session.auth_data if isinstance(session.auth_data, str) else CONNECTION_DEFAULT
        try:
            async with self.world.call(connection, SYSTEM, "send") as call:
                reply = self._take(connection, envelope)
                if not reply.startswith("250"):
                    call.outcome = "refused"
                return reply
        except Injected as injected:
            return _reply(injected)
        except ConnectionCut:
            # aiosmtpd would still answer; on a closed transport the answer goes nowhere.
            cast(asyncio.Transport, server.transport).abort()
            return "421 closing"

    def _take(self, connection: str, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message = BytesParser(EmailMessage, policy=default).parsebytes(content)
        message_id = str(message["Message-ID"] or "").strip()
        if not message_id:
            return "554 5.6.0 Message-ID is missing"
        reference, key = _header(message, "X-Seamline-Reference"), _header(message, "X-Seamline-Key")
        number = str(self.world.next_id(connection, "mail"))
        mail = {
            "id": number,
            "reference": reference,
            "key": key,
            "at": now().isoformat(),
            "message_id": message_id,
            "to": list(envelope.rcpt_tos),
            "subject": _header(message, "Subject"),
            "text": _part(message, "plain"),
            "html": _part(message, "html"),
        }
        with self.world.transaction():
            self.world.put(connection, "mail", number, mail)
            self.world.record_effect(
                connection, SYSTEM, "send-mail", object_id=message_id, reference=reference, key=key
            )
        return "250 2.0.0 OK, kept"


def _reply(injected: Injected) -> str:
    fault = injected.fault
    if fault.kind is FaultKind.REFUSE:
        return f"{fault.status or 554} 5.7.1 {_one_line(fault.reason)}"
    if fault.kind is FaultKind.THROTTLE:
        return "450 4.7.1 Too many messages, try again later"
    return f"{fault.status or 421} {_one_line(fault.reason)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _header(message: EmailMessage, name: str) -> str:
    return str(message[name] or "").strip()


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return "" if part is None else str(part.get_content())
