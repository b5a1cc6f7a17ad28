"""The transport of mail: one connection to the server for each message, and what its failures mean."""

from __future__ import annotations

import asyncio
import ssl
from email.message import EmailMessage

import aiosmtplib
from aiolimiter import AsyncLimiter
from opentelemetry import trace

from seamline.errors import LockedOut, Outage, SystemFailure
from seamline.http import call_span
from seamline.observing import check_write
from seamline.systems.smtp import mapping

CONNECT_SECONDS_MAX = 10.0
CALL_SECONDS_MAX = 28.0
CALLS_AT_ONCE_MAX = 4

_tracer = trace.get_tracer("seamline.smtp")


class SmtpClient:
    """Sends over one server. `security` is starttls, tls or plain; where it is `observed` nothing is sent."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        security: str,
        login: tuple[str, str] | None,
        mails_per_second_max: float,
        *,
        observed: bool,
    ) -> None:
        self._name = name
        self._observed = observed
        self._host = host
        self._port = port
        self._security = security
        self._login = login
        self._rate = AsyncLimiter(max(mails_per_second_max, 1), 1)
        self._slots = asyncio.Semaphore(CALLS_AT_ONCE_MAX)

    async def send(self, email: EmailMessage) -> None:
        """Hand the message over. An Outage after the text was sent may still have delivered it.

        Observed when the connection, or the process that calls, only observes: then nothing was sent.
        """
        check_write(self._name, "send", observed=self._observed)
        await self._within_limits("send", email)

    async def greet(self) -> str:
        """Log in and say nothing; the server's greeting."""
        return await self._within_limits("greet", None)

    async def _within_limits(self, operation: str, email: EmailMessage | None) -> str:
        told = {"seamline.connection": self._name, "seamline.operation": operation, "server.address": self._host}
        with call_span(_tracer, f"SMTP {operation}", told):
            try:
                async with asyncio.timeout(CALL_SECONDS_MAX), self._slots, self._rate:
                    return await self._converse(email)
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                raise _failure(error) from None

    async def _converse(self, email: EmailMessage | None) -> str:
        server = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._security == "tls",
            start_tls=False,
            tls_context=None if self._security == "plain" else ssl.create_default_context(),
            timeout=CONNECT_SECONDS_MAX,
        )
        async with server:
            if self._security == "starttls":
                await _secure(server)
            if self._login:
                await server.login(*self._login)
            if email is not None:
                await server.send_message(email)
            else:
                await server.noop()
            return server.last_ehlo_response.message if server.last_ehlo_response else ""


async def _secure(server: aiosmtplib.SMTP) -> None:
    """Go on over TLS. LockedOut where the server has none: nothing is said to it then, least of all a password."""
    await server.ehlo()
    if not server.supports_extension("starttls"):
        raise LockedOut(
            "no-starttls", "the mail server does not offer STARTTLS: set security to tls, or mend the server"
        )
    await server.starttls()


def _failure(error: Exception) -> SystemFailure:
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            # One recipient a mail, so there is one refusal.
            first = error.recipients[0]
            return mapping.failure(first.code, first.message, recipient=True)
        case aiosmtplib.SMTPSenderRefused() if error.code >= 500:
            return LockedOut("sender-refused", error.message, status=error.code)
        case aiosmtplib.SMTPAuthenticationError() if error.code >= 500:
            return LockedOut("unauthorized", error.message, status=error.code)
        case aiosmtplib.SMTPResponseException():
            return mapping.failure(error.code, error.message, recipient=False)
        case aiosmtplib.SMTPNotSupported():
            return mapping.bad_recipient("the mail server cannot write to such an address")
        case ssl.SSLCertVerificationError() | aiosmtplib.SMTPConnectError(__cause__=ssl.SSLCertVerificationError()):
            return LockedOut("certificate", "the mail server's certificate is not valid for its name")
        case TimeoutError() | aiosmtplib.SMTPTimeoutError():
            return Outage("timeout")
        case aiosmtplib.SMTPConnectError() | OSError():
            return Outage("unreachable")
        case _:
            return Outage("connection-lost")
