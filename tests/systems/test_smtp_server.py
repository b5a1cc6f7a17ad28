"""Mail over a real server, aiosmtpd: secured lines, logins, refusals for now and for good, and cut connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from seamline.errors import LockedOut, Outage, Refusal
from seamline.http import HttpFactory
from seamline.records.returning import ReturnMail
from seamline.systems.smtp.mail import Account, SmtpMail, connect
from seamline.systems.smtp.staff import connect as connect_staff
from tests.checked import Against, Checks
from tests.systems.mail_suite import REMINDER_KEY, reminder_mail, shipped_mail
from tests.systems.post_office import CUT, HOST, LOGIN, PostOffice, certificate, post_office
from tests.systems.staff_suite import KEY as NOTICE_KEY
from tests.systems.staff_suite import notice

CHECKS = Checks(
    "smtp",
    Against.REAL,
    "aiosmtpd, a mail server that is not ours, over TLS",
    frozenset({"send_shipped", "send_return_label", "send_reminder", "notify"}),
)
KEY = "shop-uk:5001/send-shipped#1"


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate that this machine trusts, as its administrator says so."""
    made = certificate(tmp_path, "trusted")
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    return made


@pytest.fixture
async def office(trusted: Path) -> AsyncIterator[PostOffice]:
    """A server that wants STARTTLS and a login."""
    async with post_office(trusted) as office:
        yield office


class Team:
    """Who is told by mail."""

    to = "operations@shop.example"


def account(office: PostOffice, **changes: Any) -> Account:
    """Who we are at the server."""
    user, password = LOGIN
    values = {
        "host": HOST,
        "port": office.port,
        "username": user,
        "password": password,
        "sender": "orders@shop.example",
    }
    return Account.model_validate(values | changes)


def adapter(office: PostOffice, **changes: Any) -> SmtpMail:
    """Our adapter, connected to the server."""
    return connect("mail-main", account(office, **changes), HttpFactory())


async def send(office: PostOffice, **changes: Any) -> str:
    """Send the mail of a parcel; its Message-ID."""
    return (await adapter(office, **changes).send_shipped(KEY, shipped_mail())).message_id


async def test_starttls_and_a_login(office: PostOffice) -> None:
    sent = await send(office)
    (mail,) = office.received
    assert (mail["Message-ID"], mail["To"]) == (sent, "jo.fielding@example.com")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]  # type: ignore[union-attr]
    assert (office.secured, office.logins) == ([True], [LOGIN[0]])
    assert (await adapter(office).card()).connected == "SMTP (starttls)"


async def test_every_mail_arrives(office: PostOffice) -> None:
    mail, staff = adapter(office), connect_staff("mail-main", account(office), HttpFactory())
    back = ReturnMail(
        reference="shop-uk:5001-R9001", to="jo@example.com", number="#5001", label_page="https://l.example"
    )
    sent = [
        (await mail.send_return_label("shop-uk:5001-R9001/send-return-label#1", back)).message_id,
        (await mail.send_reminder(REMINDER_KEY, reminder_mail())).message_id,
        (await staff.notify(NOTICE_KEY, notice(Team()))).id,
    ]
    assert [mail["Message-ID"] for mail in office.received] == sent


async def test_tls_from_the_first_byte(trusted: Path) -> None:
    async with post_office(trusted, tls=True) as office:
        await send(office, security="tls")
        assert (office.secured, office.logins) == ([True], [LOGIN[0]])


@pytest.mark.parametrize("tls", [False, True])
async def test_a_certificate_that_is_not_trusted_locks_out(tmp_path: Path, tls: bool) -> None:
    async with post_office(certificate(tmp_path, "stranger"), tls=tls) as office:
        with pytest.raises(LockedOut) as caught:
            await send(office, security="tls" if tls else "starttls")
        assert caught.value.failure.code == "certificate"
        assert (office.received, office.logins) == ([], [])


async def test_a_certificate_of_another_name_locks_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = certificate(tmp_path, "other", ["192.0.2.7"])
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    async with post_office(other) as office:
        with pytest.raises(LockedOut) as caught:
            await send(office)
        assert (caught.value.failure.code, office.logins) == ("certificate", [])


async def test_a_server_without_starttls_is_told_no_password(trusted: Path) -> None:
    async with post_office(None) as office:
        with pytest.raises(LockedOut) as caught:
            await send(office)
        assert caught.value.failure.code == "no-starttls"
        assert (office.received, office.logins) == ([], [])


@pytest.mark.parametrize("login", [{"password": "wrong"}, {"username": "", "password": ""}])
async def test_a_wrong_login_and_none_lock_out(office: PostOffice, login: dict[str, str]) -> None:
    with pytest.raises(LockedOut) as caught:
        await send(office, **login)
    assert caught.value.failure.code in ("unauthorized", "sender-refused")
    assert "wrong" not in f"{caught.value!r} {caught.value.failure}"
    assert office.received == []


@pytest.mark.parametrize("asked", ["to_recipients", "to_texts"])
async def test_not_now_is_an_outage_and_is_accepted_later(office: PostOffice, asked: str) -> None:
    getattr(office, asked).append("451 4.3.0 Try again later")
    with pytest.raises(Outage) as caught:
        await send(office)
    assert (caught.value.failure.code, caught.value.failure.status) == ("smtp-451", 451)
    assert office.received == []
    sent = await send(office)
    assert [mail["Message-ID"] for mail in office.received] == [sent]


@pytest.mark.parametrize(("asked", "code"), [("to_recipients", "bad-recipient"), ("to_texts", "smtp-550")])
async def test_never_is_a_refusal_that_names_the_address(office: PostOffice, asked: str, code: str) -> None:
    getattr(office, asked).append("550 5.1.1 No such user: jo.fielding@example.com")
    with pytest.raises(Refusal) as caught:
        await send(office)
    assert (caught.value.failure.code, [one.field for one in caught.value.failure.problems]) == (code, ["to"])
    assert "jo.fielding" not in str(caught.value)
    assert office.received == []


async def test_a_connection_cut_before_the_text_sent_nothing(office: PostOffice) -> None:
    office.to_recipients.append(CUT)
    with pytest.raises(Outage):
        await send(office)
    assert office.received == []
    await send(office)
    assert len(office.received) == 1


async def test_a_connection_cut_after_the_text_is_the_same_mail_again(office: PostOffice) -> None:
    office.to_texts.append(CUT)
    with pytest.raises(Outage):
        await send(office)
    sent = await send(office)
    assert [mail["Message-ID"] for mail in office.received] == [sent, sent]
