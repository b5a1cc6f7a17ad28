"""What goes over the wire to a mail server: one message, in plain text and HTML, with our headers."""

from __future__ import annotations

from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from seamline.records.shipping import Message

REFERENCE_HEADER = "X-Seamline-Reference"
KEY_HEADER = "X-Seamline-Key"


def address(text: str) -> Address:
    """A mail address alone, without a name. ValueError when it is none."""
    try:
        found = Address(addr_spec=text)
    except (MessageError, IndexError):
        raise ValueError("this is not a mail address") from None
    if not found.username or not found.domain:
        raise ValueError("a mail address has a name, an @ and a domain")
    return found


def email_message(message: Message, sender: Address, at: datetime) -> EmailMessage:
    """The message as RFC 5322 has it. ValueError when an address or a header cannot be written."""
    email = EmailMessage(policy=SMTP)
    email["From"] = sender
    email["To"] = address(message.to)
    email["Subject"] = message.subject
    email["Date"] = format_datetime(at)
    email["Message-ID"] = message.message_id
    if message.reference:
        email[REFERENCE_HEADER] = message.reference
    email[KEY_HEADER] = message.key
    # Vacation replies to a machine's mail help nobody (RFC 3834).
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(message.text)
    email.add_alternative(message.html, subtype="html")
    return email
