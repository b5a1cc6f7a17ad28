"""The mail server: what it keeps, refuses and loses."""

from __future__ import annotations

from email.message import EmailMessage

import aiosmtplib
import httpx
import pytest

from seamline.simulator.server import Simulator
from tests.simulator.carrier import operations

MAIL_ID = "<shop-uk.5001.shipped-mail.1@seamline.example>"


def message(to: str = "ann@customer.example") -> EmailMessage:
    mail = EmailMessage()
    mail["Message-ID"] = MAIL_ID
    mail["From"] = "shop@seller.example"
    mail["To"] = to
    mail["Subject"] = "Your order is on its way – schön"
    mail["X-Seamline-Reference"] = "shop-uk:5001"
    mail["X-Seamline-Key"] = "shop-uk:5001/shipped-mail#1"
    mail.set_content("Track it.")
    mail.add_alternative("<p>Track it.</p>", subtype="html")
    return mail


async def send(simulator: Simulator, mail: EmailMessage, user: str | None = None, password: str | None = None) -> None:
    await aiosmtplib.send(
        mail,
        hostname=simulator.smtp_host,
        port=simulator.smtp_port,
        username=user,
        password=password,
        start_tls=False,
        timeout=10,
    )


async def fault(http: httpx.AsyncClient, **fields: object) -> None:
    answer = await http.post("/_simulator/faults", json={"connection": "mail-main", "operation": "send"} | fields)
    assert answer.status_code == 201, answer.text


async def test_a_mail_is_kept_and_counted(simulator: Simulator, http: httpx.AsyncClient) -> None:
    await send(simulator, message())
    (kept,) = (await http.get("/_simulator/mails", params={"to": "ann@customer.example"})).json()
    assert kept["subject"] == "Your order is on its way – schön"
    assert kept["message_id"] == MAIL_ID
    assert kept["text"].strip() == "Track it."
    assert kept["html"].strip() == "<p>Track it.</p>"
    assert (await http.get("/_simulator/mails", params={"to": "nobody@customer.example"})).json() == []
    (effect,) = (await http.get("/_simulator/effects")).json()
    assert (effect["operation"], effect["object_id"]) == ("send-mail", MAIL_ID)
    assert (effect["reference"], effect["key"]) == ("shop-uk:5001", "shop-uk:5001/shipped-mail#1")
    assert effect["connection"] == "mail-main"


async def test_the_user_is_the_connection(simulator: Simulator, http: httpx.AsyncClient) -> None:
    await send(simulator, message(), "mail-de", "smtp-test-mail-de")
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await send(simulator, message(), "mail-de", "smtp-test-mail-uk")
    assert [mail["connection"] for mail in (await http.get("/_simulator/effects")).json()] == ["mail-de"]


@pytest.mark.parametrize(("domain", "code"), [("refused.example", 550), ("busy.example", 451)])
async def test_recipients_that_are_refused(
    domain: str, code: int, simulator: Simulator, http: httpx.AsyncClient
) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await send(simulator, message(f"ann@{domain}"))
    assert [refusal.code for refusal in refused.value.recipients] == [code]
    assert await operations(http) == []


async def test_a_lost_answer_after_data_leaves_the_mail_sent(simulator: Simulator, http: httpx.AsyncClient) -> None:
    await fault(http, kind="lost-reply", count=1)
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(simulator, message())
    await send(simulator, message())
    effects = (await http.get("/_simulator/effects")).json()
    assert [effect["object_id"] for effect in effects] == [MAIL_ID, MAIL_ID]


async def test_a_server_that_is_down_sends_nothing(simulator: Simulator, http: httpx.AsyncClient) -> None:
    await fault(http, kind="down", count=1)
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(simulator, message())
    assert await operations(http) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"kind": "throttle"}, 450),
        ({"kind": "refuse", "reason": "looks like\r\nspam"}, 554),
        ({"kind": "status", "status": 452}, 452),
        ({"kind": "down", "status": 421}, 421),
    ],
)
async def test_faults_answer_with_a_code(
    fields: dict[str, object], code: int, simulator: Simulator, http: httpx.AsyncClient
) -> None:
    await fault(http, count=1, **fields)
    with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
        await send(simulator, message())
    assert refused.value.code == code
    assert await operations(http) == []
    await send(simulator, message())


async def test_a_mail_without_an_id_is_refused(simulator: Simulator) -> None:
    mail = message()
    del mail["Message-ID"]
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await send(simulator, mail)
    assert refused.value.code == 554
