"""The transport of incoming webhooks: one secret address, and what its errors mean."""

from __future__ import annotations

from urllib.parse import urlsplit

from seamline.errors import LockedOut, Refusal
from seamline.http import Answer, Explained, HttpClient, HttpFactory, Verdict
from seamline.systems.slack import mapping, wire

OVERRIDES = (
    # A webhook that was removed, or whose channel is gone or archived: whoever set it must mend the setting.
    Verdict(404, LockedOut, "no-such-webhook"),
    Verdict(410, LockedOut, "channel-archived"),
)


class SlackClient:
    """Posts to one webhook. Its path is the secret, so it stands in no error, log or span."""

    def __init__(self, http: HttpClient, path: str) -> None:
        self._http = http
        self._path = path

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def post(self, message: wire.Message) -> None:
        """Write into the channel. A lost answer may have been written."""
        answer = await self._http.send("post", "POST", self._path, write=True, json=message.model_dump())
        if answer.content.decode("utf-8", "replace").strip() != wire.TAKEN:
            raise mapping.unexpected(answer.content)

    async def check(self) -> None:
        """Reach the webhook without writing: a message without text is refused by one that works."""
        try:
            answer = await self._http.send("check", "POST", self._path, write=False, json={"text": ""})
        except Refusal as refusal:
            if refusal.failure.reason in wire.NOTHING_TO_SAY:
                return
            raise
        raise mapping.unexpected(answer.content)


def open_client(name: str, url: str, http: HttpFactory, *, messages_per_second_max: float) -> SlackClient:
    """A client for the webhook at `url`."""
    parts = urlsplit(url)
    client = http.client(
        name,
        f"{parts.scheme}://{parts.netloc}",
        headers={"Accept": "text/plain"},
        calls_per_second_max=messages_per_second_max,
        calls_at_once_max=1,
        overrides=OVERRIDES,
        explain=_explain,
    )
    return SlackClient(client, f"{parts.path}?{parts.query}" if parts.query else parts.path)


def _explain(answer: Answer) -> Explained:
    return mapping.reason(answer.content), ()
