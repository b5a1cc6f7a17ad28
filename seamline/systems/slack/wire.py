"""What goes over the wire to an incoming webhook, and what comes back.

Source: Slack's "Sending messages using incoming webhooks" and "Improving error conditions for incoming webhooks".
Answers are short plain texts: `ok`, or the name of what is wrong.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

TAKEN = "ok"
TEXT_LENGTH_MAX = 40_000
"""Slack cuts longer texts."""
NOTHING_TO_SAY = ("no_text", "missing_text_or_fallback_or_attachments")
"""What a webhook that works answers to a message without text: so it can be tried without writing anything."""


class Message(BaseModel):
    """A message. Links in its text become no previews."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    text: str
    unfurl_links: bool = False
    unfurl_media: bool = False
