"""The mails that are written, by the templates beside this file, and what a server's codes mean. Pure and total."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from seamline.errors import LockedOut, Outage, Problem, Refusal, SystemFailure
from seamline.records.notice import Notice
from seamline.records.reminder import ReminderMail
from seamline.records.returning import ReturnMail
from seamline.records.shipping import Message, ShippedMail

LANGUAGES = ("en", "de")
LANGUAGE_DEFAULT = "en"

_AUTHENTICATION = {530, 534, 535, 538}
"""Codes that ask for a login, or refuse it (RFC 4954)."""

_templates = Environment(
    loader=PackageLoader("seamline.systems.smtp"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def language_of(locale: str) -> str:
    """The language to write in: `de` of `de-AT`, English where we have no other."""
    language = re.split(r"[-_]", locale.lower(), maxsplit=1)[0]
    return language if language in LANGUAGES else LANGUAGE_DEFAULT


def message_id(key: str, domain: str) -> str:
    """The Message-ID of an effect key: stable, and different for different keys. A colon may not stand in it."""
    return f"<{key.replace(':', '=')}@{domain}>"


def shipped(key: str, mail: ShippedMail, shop: str, domain: str) -> Message:
    """The mail that a parcel is on its way, or several, in the customer's language."""
    parcels = [{"number": one.tracking_number, "page": _web_page(one.tracking_page)} for one in mail.parcels]
    return _written(f"shipped.{language_of(mail.locale)}", key, mail, domain, shop=shop, parcels=parcels)


def return_label(key: str, mail: ReturnMail, shop: str, domain: str) -> Message:
    """The mail with the label to send goods back with, in the customer's language."""
    template = f"return.{language_of(mail.locale)}"
    return _written(template, key, mail, domain, shop=shop, page=_web_page(mail.label_page))


def reminder(key: str, mail: ReminderMail, shop: str, domain: str) -> Message:
    """The mail that an invoice is to be paid, or should have been."""
    return _written("reminder", key, mail, domain, shop=shop, page=_web_page(mail.link))


def notice(key: str, told: Notice, domain: str) -> Message:
    """The mail that tells a team what waits for it."""
    values = {"notice": told, "pages": [_web_page(one.page) for one in told.group.processes]}
    return Message(
        message_id=message_id(key, domain),
        key=key,
        to=told.to,
        subject=" ".join(told.headline.split()),
        text=_templates.get_template("notice.txt").render(values),
        html=_templates.get_template("notice.html").render(values),
    )


def bad_recipient(reason: str, status: int | None = None) -> Refusal:
    """The address is none, or the server will not deliver to it."""
    return Refusal("bad-recipient", reason, status=status, problems=[Problem(field="to", reason=reason)])


def failure(status: int, text: str, *, recipient: bool) -> SystemFailure:
    """What a server's reply means: 4xx wait, a login asked for or refused locked out, other 5xx a refusal."""
    if 400 <= status < 500 or status == 0:
        return Outage(f"smtp-{status}", text, status=status)
    if status in _AUTHENTICATION:
        return LockedOut("unauthorized", text, status=status)
    if recipient:
        return bad_recipient(text, status)
    return Refusal(f"smtp-{status}", text, status=status, problems=[Problem(field="to", reason=text)])


def _written(
    template: str, key: str, mail: ShippedMail | ReturnMail | ReminderMail, domain: str, **values: object
) -> Message:
    """A mail to a customer: subject, text and page by the three files of a template."""

    def part(kind: str) -> str:
        return _templates.get_template(f"{template}.{kind}").render(mail=mail, **values)

    return Message(
        message_id=message_id(key, domain),
        reference=mail.reference,
        key=key,
        to=mail.to,
        subject=" ".join(part("subject").split()),
        text=part("txt"),
        html=part("html"),
    )


def _web_page(address: str) -> str:
    """Only web addresses become links: a mail is no place for `javascript:`."""
    return address if address.startswith(("https://", "http://")) else ""
