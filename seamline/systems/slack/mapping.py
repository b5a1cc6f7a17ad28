"""Between notices and Slack's messages. Pure and total."""

from __future__ import annotations

from seamline.errors import Refusal
from seamline.records.notice import HeldProcess, Notice
from seamline.systems.slack import wire

REASON_LENGTH_MAX = 100


def message(notice: Notice) -> wire.Message:
    """The notice as Slack's mrkdwn."""
    lines = [f"*{escaped(notice.headline)}*", *map(escaped, notice.facts)]
    lines += [f"• {_process(notice, one)}" for one in notice.group.processes]
    lines += [f"`{escaped(command)}`" for command in notice.commands]
    return wire.Message(text="\n".join(lines)[: wire.TEXT_LENGTH_MAX])


def escaped(text: str) -> str:
    """Text that Slack shows as it is: three characters have a meaning of their own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def reason(body: bytes) -> str:
    """What an answer says is wrong."""
    return " ".join(body.decode("utf-8", "replace").split())[:REASON_LENGTH_MAX]


def unexpected(body: bytes) -> Refusal:
    """An answer with a good status that is not Slack's: the address is probably not a webhook's."""
    return Refusal("unexpected-answer", f"answered {reason(body)!r} and not 'ok': is its url an incoming webhook's?")


def _process(notice: Notice, process: HeldProcess) -> str:
    text = escaped(notice.dated(process))
    if not process.page.startswith(("https://", "http://")):
        return text
    # A bar would end the address.
    return f"<{escaped(process.page).replace('|', '%7C')}|{text}>"
